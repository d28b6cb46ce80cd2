"""Query strings as Splynx reads them: PHP arrays in brackets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Search:
    """A search of a listing. Conditions are joined by AND.

    `main` and `additional` map an attribute to a value (equality) or to `(operator, operand…)`, where an operand may
    be a list. Without `limit` Splynx answers with all rows.
    """

    main: Mapping[str, object] = field(default_factory=dict)
    additional: Mapping[str, object] = field(default_factory=dict)
    order: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    offset: int | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """The query as pairs, brackets unescaped."""
        pairs: list[tuple[str, str]] = []
        for group, conditions in (("main_attributes", self.main), ("additional_attributes", self.additional)):
            for name, condition in conditions.items():
                pairs += _flat(f"{group}[{name}]", condition)
        pairs += [(f"order[{name}]", direction) for name, direction in self.order.items()]
        if self.limit is not None:
            pairs.append(("limit", str(self.limit)))
        if self.offset is not None:
            pairs.append(("offset", str(self.offset)))
        return pairs


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [pair for index, member in enumerate(value) for pair in _flat(f"{name}[{index}]", member)]
    return [(name, str(value))]
