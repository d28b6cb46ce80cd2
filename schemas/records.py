"""What a declared field may be: base classes of records, references, and marks that derivations read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from plumbing.sealing import is_sealed


class SonarRecord(BaseModel):
    """A Sonar object as capture reads it. Field names are Sonar's own; unknown members are dropped on reading.

    A nested list that is None could not be read, which is not the same as an empty one.
    """

    # `defer_build`: a process uses some of the records, and making the validators of all takes a sixth of its start.
    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, coerce_numbers_to_str=True, defer_build=True
    )

    left_out: ClassVar[Mapping[str, str]] = {}
    """`{field of the Sonar type: why no record reads it}`."""


class Ref(BaseModel):
    """A Splynx record named by what it comes from. The sink turns it into Splynx's id through the crosswalk."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    entity: str
    key: str


class SplynxRecord(BaseModel):
    """A Splynx record as it should be, references unresolved. Field names are the columns or API attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    key: str
    """Identity on Sonar's side, unique within the target entity: an id, or a compound such as `123-R5`."""

    not_written: ClassVar[frozenset[str]] = frozenset({"key"})
    """Members that steer the sink and are no column or attribute."""

    not_over_rest: ClassVar[Mapping[str, str]] = {}
    """`{member: what Splynx puts there by itself}`, of those that only SQL can write."""
    columns: ClassVar[Mapping[str, str]] = {}
    """`{member: column or attribute}` where Splynx calls it otherwise."""


@dataclass(frozen=True)
class To:
    """Marks a reference: which target entity it points to, and whether the record can wait without it.

    A required reference that is missing parks the record; an optional one is written empty and patched later.
    """

    entity: str
    required: bool = True


@dataclass(frozen=True)
class After:
    """Marks the key of a record of `entity` that must be live in Splynx before this one is made. It is not written."""

    entity: str


@dataclass(frozen=True)
class MaxLength:
    """The column's length in characters (`information_schema`); mappers cut, the sink checks."""

    characters: int


STRING_CHARACTERS = 255
"""What an additional field of the kind `string` holds."""


@dataclass(frozen=True)
class AdditionalField:
    """Marks a member that lives in Splynx's additional fields and is defined there by us at start.

    `kind` is a Splynx field type; `fallback` is used where the installation refuses it with 422. A text that falls
    back to `string` is cut at `STRING_CHARACTERS`.
    """

    title: str
    kind: str = "string"
    unique: bool = False
    fallback: str | None = None


@dataclass(frozen=True)
class Personal:
    """Marks personal data: it carries `pii` in Avro and is never printed without --show-values."""


@dataclass(frozen=True)
class Secret:
    """Marks a member of a root that is read only where `secrets.carry` names its `kind`, and then is sealed at once.

    Its type is `Sealed`: a plain value is no valid one.
    """

    kind: str


@dataclass(frozen=True)
class OnCreate:
    """Marks a member that is sent once, on creation, and never again (a password, a generated value)."""


class FieldOwner(Enum):
    """Who may change a field of Splynx during the parallel run (mapping 8.18a)."""

    SOURCE = "source"  # Sonar: an edit in Splynx is a conflict, which the operator's policy decides
    TARGET = "target"  # Splynx: written when its row is made, and never after
    SHARED = "shared"  # both: whoever changed it last wins; a conflict only where both did
    LOCKED = "locked"  # nobody in Splynx: an edit is told, and put back with the record's next change


@dataclass(frozen=True)
class Owned:
    """Marks who owns a field, where it is not Sonar's. Additional fields of ours and natural keys are locked anyway."""

    by: FieldOwner


@dataclass(frozen=True)
class StaysOnAdoption:
    """Marks what a row keeps that is adopted, until somebody decides: a price, by which customers are charged."""


@dataclass(frozen=True)
class NewerSonar:
    """Marks a Sonar field that only newer schemas have (mapping 0.2): older ones give null."""


@dataclass(frozen=True)
class Foreign:
    """Marks a relation to rows that are not the root's own, though rows of their type may be: a former address."""


@dataclass(frozen=True)
class Morph:
    """Marks a polymorphic relation read as one type: null where it leads to another. The member's name is free.

    >>> class Assignment(SonarRecord):
    ...     radius_account: Annotated[RadiusAccount | None, Morph("ipassignmentable", "RadiusAccount")] = None
    """

    relation: str
    type_name: str


@dataclass(frozen=True)
class Newest:
    """Marks a nested list without bound of which only the newest row is read. The member's name is free.

    `where`: `(column, value)` of an enum that tells the rows that count; `by`: the instant that orders them. The root
    itself changes with each such row, so none is followed as a child.

    >>> class Account(SonarRecord):
    ...     moves: Annotated[list[Move] | None, Newest("account_events", ("event", "ARCHIVED"), "created_at")] = None
    """

    relation: str
    where: tuple[str, str]
    by: str


@dataclass(frozen=True)
class Few:
    """Marks a nested list that is nearly always shorter than `rows`: no more are asked for with the root.

    A longer one is read on by itself, which costs two requests more. Not marked: ten.
    """

    rows: int


@dataclass(frozen=True)
class ShownArchived:
    """Marks a relation to rows that Sonar shows only with `include_archived`: without it they would read as none."""


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An aware instant, in UTC whatever offset it came with; Sonar's Datetime."""


def _sealed(value: str) -> str:
    if not is_sealed(value):
        raise ValueError("a secret has to be sealed")
    return value


Sealed = Annotated[str, AfterValidator(_sealed)]
"""A secret that only the operator's key opens (`plumbing.sealing`)."""

MinorUnits = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""Money in the smallest unit of the instance's currency (Sonar's Int amounts)."""


def marks(annotation_metadata: list[Any], kind: type[Any]) -> list[Any]:
    """The marks of `kind` on a pydantic field (`FieldInfo.metadata`)."""
    return [mark for mark in annotation_metadata if isinstance(mark, kind)]
