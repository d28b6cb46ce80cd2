"""What every row of Sonar's has beside its own columns, for records of catalogue objects, and for nested ones."""

from collections.abc import Mapping

from schemas.records import Instant, SonarRecord


class Catalogued(SonarRecord):
    """A row of which there are few, read whole. Source: Sonar schema, every type."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


_NESTED = {
    "sonar_unique_id": "within its root the id tells it from the others",
    "created_at": "no record of Splynx's shows it",
    "updated_at": "no record of Splynx's shows it",
}


def beside(*of_root: str, read: tuple[str, ...] = (), **others: str) -> Mapping[str, str]:
    """What a nested record leaves out: columns that hold its root's id, those that every row has, and others.

    `read`: which of those that every row has it reads, or another record of the type does.
    """
    standard = {name: why for name, why in _NESTED.items() if name not in read}
    return standard | dict.fromkeys(of_root, "it says whose row this is, as its place does") | others
