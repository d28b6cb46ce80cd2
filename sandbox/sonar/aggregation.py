"""Sonar's `aggregation`: one figure per aggregator, or buckets with a count and further figures inside."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.sonar.declarations import ObjectType
from sandbox.sonar.refusals import QueryRefused
from sandbox.sonar.rows import Row

_NUMBERS = frozenset({"Int", "Int64Bit", "Float"})
_ORDERED = _NUMBERS | {"Date", "Datetime"}


def aggregate(
    kind: ObjectType,
    aggregators: Iterable[Mapping[str, Any] | None],
    rows: Sequence[Row],
) -> list[dict[str, Any]]:
    """The answers in the shape of type Aggregation. All figures are text; null over no rows.

    Raises:
        QueryRefused: the field is unknown, or its type does not know the function (COUNT is for text and enums only).
    """
    return [_one(kind, one, rows) for one in aggregators if one is not None]


def _one(kind: ObjectType, aggregator: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    name, function = aggregator["field_name"], aggregator["aggregation_function"]
    column = kind.columns.get(name)
    if column is None:
        raise QueryRefused(f"Attribute [{name}] does not exist on {kind.name}.")
    answer: dict[str, Any] = {"field": name, "aggregation_function": function, "value": None, "counts": None}
    if function == "COUNT":
        if column.scalar in _ORDERED | {"Boolean"}:
            raise QueryRefused(f"Attribute [{name}] cannot be counted: COUNT works on string fields.")
        answer["counts"] = _buckets(kind, aggregator, rows)
        return answer
    if column.scalar not in (_ORDERED if function in ("MAX", "MIN") else _NUMBERS):
        raise QueryRefused(f"Attribute [{name}] has no {function}.")
    values = [value for row in rows if (value := getattr(row, name)) is not None]
    if values:
        answer["value"] = _spelled(_figure(function, values))
    return answer


def _buckets(kind: ObjectType, aggregator: Mapping[str, Any], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Largest bucket first, then by value; rows without a value are in none."""
    buckets: dict[str, list[Row]] = {}
    for row in rows:
        value = getattr(row, aggregator["field_name"])
        if value is not None:
            buckets.setdefault(str(value), []).append(row)
    inner = aggregator.get("sub_aggregators")
    return [
        {
            "value": value,
            "count": str(len(members)),
            "sub_aggregator_results": aggregate(kind, inner, members) if inner else None,
        }
        for value, members in sorted(buckets.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _figure(function: str, values: list[Any]) -> Any:
    if function == "MAX":
        return max(values)
    if function == "MIN":
        return min(values)
    total = sum(values)
    if function == "SUM":
        return total
    return total / len(values) if isinstance(total, float) else Decimal(total) / len(values)


def _spelled(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
