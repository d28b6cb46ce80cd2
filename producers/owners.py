"""Which row owns another: the ways that the declarations give, walked on a row as Sonar shows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from producers import documents
from schemas.aggregate import Owner

RootOf = Callable[[str, int], int | None]
"""The root that shows a child: `(collection, id)`; None: unknown, or it belongs to none."""


def owner_of(owners: Sequence[Owner], row: Mapping[str, Any], root_of: RootOf) -> int | None:
    """The id of the row that owns `row`: that of the first way that leads to one; None: no way does."""
    for owner in owners:
        if owner.type is not None and documents.value_at(row, owner.type[0]) != owner.type[1]:
            continue
        value = documents.value_at(row, owner.id)
        if value is None:
            continue
        found = int(value) if owner.through is None else root_of(owner.through, int(value))
        if found is not None:
            return found
    return None


def owner_paths(owner: Owner) -> Iterator[str]:
    """The paths that a row must be asked for."""
    yield owner.id
    if owner.type is not None:
        yield owner.type[0]
