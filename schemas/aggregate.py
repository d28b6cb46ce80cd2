"""The declaration of an aggregate: what is read together from Sonar, and what becomes of it in Splynx."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schemas.bundle import Bundle
from schemas.records import SonarRecord, SplynxRecord
from schemas.rules import Rules

ACCOUNTS = "accounts"
"""Sonar's collection of what owns most of the rest."""


class WritePath(Enum):
    """Which way a target record goes into Splynx."""

    REST = "rest"
    SQL = "sql"


class DeletePolicy(Enum):
    """What happens in Splynx to a record that its aggregate no longer owns (mapping: delete policy per family)."""

    KEEP = "keep"  # catalogue objects: left alone, reported as orphaned, never deleted while referenced
    DISABLE = "disable"  # customer: status disabled, never DELETE
    END = "end"  # service: status disabled with an end date, without which Splynx would charge it; never DELETE
    WITH_OWNER = "with_owner"  # a part that lives and dies with another record (customer_info)
    COMPENSATE = "compensate"  # money: an opposite document, never DELETE


@dataclass(frozen=True)
class Owner:
    """A way from a row to the one that owns it."""

    id: str
    """Dotted path of to-one relations that yields its id, such as `contactable_id` or `contact.contactable_id`."""
    type: tuple[str, str] | None = None
    """`(path of the type column, value it must have)` of a polymorphic owner; it is the way for no other value."""
    through: str | None = None
    """The id is that of a child in this collection, and the root that shows it is meant; None: a root's own id."""


@dataclass(frozen=True)
class Touch:
    """A child collection whose changes re-read the root, and the ways from child to root (the first that leads)."""

    collection: str
    type_name: str
    owners: Sequence[Owner]


@dataclass(frozen=True)
class Hop:
    """A step from rows down to those that refer to them: who in `collection` has one of their ids in `column`."""

    collection: str
    column: str
    type: tuple[str, str] | None = None
    """`(type column, value it must have)` of a polymorphic reference."""


@dataclass(frozen=True)
class LookUp:
    """A collection that many roots refer to: its change fans out, throttled, to the roots that carry it.

    `column` is the root's column that holds the look-up's id (searched with EQ), or `relation` names what leads
    from the root to it, dots for depth (searched with a reverse relation filter); several where several ways do.
    Where a polymorphic relation lies between, or one to rows that Sonar hides once they are archived, `ways` lead
    from the look-up down to the roots, over other collections; and they may begin at the row that the look-up's row
    belongs to, as `of` says: the ticket of a recipient, from which they lead to the replies.
    A collection is looked up once by an aggregate.
    """

    collection: str
    type_name: str
    column: str | None = None
    relation: str | tuple[str, ...] = ()
    ways: tuple[tuple[Hop, ...], ...] = ()
    """The last step of each is into the root's collection; all count, and so do `column` and `relation`."""
    of: Owner | None = None
    """Where the ways begin. None: at the look-up's row itself."""
    fields: tuple[str, ...] = ()
    """The look-up's columns that matter: only a change of one of them fans out. Empty: every change does."""
    while_empty: tuple[str, str] | None = None
    """`(column, another)`: the other one matters, too, but only while the first has no value. Needs `fields`."""

    @property
    def relations(self) -> tuple[str, ...]:
        """Every relation that leads to it."""
        return (self.relation,) if isinstance(self.relation, str) else self.relation

    @property
    def columns(self) -> tuple[str, ...]:
        """The look-up's columns that are read to tell whether it changed."""
        return (*self.fields, *(self.while_empty or ()))


@dataclass(frozen=True)
class Collection:
    """The root of an aggregate: Sonar's collection and the record read from it."""

    name: str
    record: type[SonarRecord]
    type_name: str
    include_archived: bool = False
    singleton: bool = False
    """A settings object without a collection: one row, read whole, with id 1."""


@dataclass(frozen=True)
class SourceRows:
    """Rows of one collection of Sonar that become records of one kind in Splynx, one each."""

    collection: str
    search: Sequence[Mapping[str, Any]] = ()
    """Sonar's own search for them, its entries alternatives. Empty: all rows."""


@dataclass(frozen=True)
class Disturbed:
    """Of the record that `reference` leads to, a `field` that has this `value` becomes another one."""

    reference: str
    field: str
    value: str
    becomes: str


@dataclass(frozen=True)
class Target:
    """One kind of Splynx record that an aggregate owns."""

    entity: str
    record: type[SplynxRecord]
    table: str
    path: WritePath
    delete: DeletePolicy
    endpoint: str | None = None
    """REST path under /api/2.0/, without id; `{customer_id}` in it is the attribute that says below whose row."""
    module: str | None = None
    """Splynx's module of additional fields, where the record has any."""
    natural_key: tuple[str, ...] = ()
    """Attributes that find an existing row besides `sonar_id`."""
    part_of: str | None = None
    """The entity whose id this record shares: it is written by PUT to that id and needs no handle."""
    money: bool = False
    """Written only where the settings call this Splynx disposable, else deferred."""
    comes_of: Sequence[SourceRows] = ()
    """What is counted to foretell how many there will be. Empty: each root becomes one."""
    also: WritePath | None = None
    """The other way, of a dual entity: the same row comes of both, but for `SplynxRecord.not_over_rest`."""
    once: tuple[str, ...] = ()
    """Attributes of which Splynx takes no value twice, and which records may hand on to each other."""
    disturbs: Disturbed | None = None
    """What Splynx changes of another record when one is made over REST."""

    @property
    def ways(self) -> tuple[WritePath, ...]:
        """The ways that lead to it, the usual one first."""
        return (self.path,) if self.also is None else (self.path, self.also)


Mapper = Callable[[Any, Rules], Bundle]


@dataclass(frozen=True)
class Aggregate:
    """One entity, declared once. Topics, Avro, GraphQL, SQL, load order, labels and docs derive from it."""

    name: str
    root: Collection
    owned_by: Sequence[Owner] = ()
    """Ways from the root to the account that owns it (members of its record); the first that leads counts. Whoever
    no way leads to an account, or who has none, lies by its own id."""
    touched_by: Sequence[Touch] = ()
    looks_up: Sequence[LookUp] = ()
    targets: Sequence[Target] = ()
    mapper: Mapper | None = None
    doc: str = ""
    pivots: Sequence[str] = field(default_factory=tuple)
    """Many-to-many relations of the root whose ATTACHED and DETACHED log rows re-read it."""

    def target(self, entity: str) -> Target:
        """The target called `entity`.

        Raises:
            KeyError: this aggregate has none.
        """
        for target in self.targets:
            if target.entity == entity:
                return target
        raise KeyError(entity)


def in_splynx(*aggregates: Aggregate) -> str:
    """What of Splynx hangs on them, as messages name it."""
    entities = dict.fromkeys(target.entity for one in aggregates for target in one.targets)
    return ", ".join(entities) or "nothing of today"
