"""What an object type of Sonar is made of, and the compact notation that the served ones are declared in.

type PhoneNumber = phone_numbers            the type and its collection ("a singleton" when it has none)
    is Searchable Loggable                  interfaces, without their ending
    number:Numeric! extension:Numeric       scalar columns beside the five that every type has
    contact -> Contact by contact_id, owner belongs to, through the column; "owner": dies and is logged with it
    contactable -> XInterface as contactable    belongs to any type, through contactable_id and contactable_type
    billing -1 Parameter by account_id      has one, whose column points here
    payments => Payment by account_id       has many
    addresses => Address as addressable     has many, through a polymorphic pair
    groups <> Group with accounts           many to many, a pivot without a row of its own
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

INTERFACE_COLUMNS = {"id": "Int64Bit!", "sonar_unique_id": "ID!", "created_at": "Datetime!", "updated_at": "Datetime!"}
"""What every interface has (no `_version`)."""

FURTHER_INTERFACE_COLUMNS = {
    "TransactionInterface": {
        "account_id": "Int64Bit",
        "amount": "Int",
        "type": "ServiceType",
        "service_id": "Int64Bit",
        "service_name": "String",
        "quantity": "Int",
        "description": "String",
        "general_ledger_code": "String",
        "general_ledger_code_description": "String",
        "company_id": "Int64Bit",
        "user_id": "Int64Bit",
    }
}
"""What single interfaces have beside those."""

STANDARD_COLUMNS = {**INTERFACE_COLUMNS, "_version": "String!"}


class Kind(Enum):
    """How a relation finds its rows."""

    BELONGS_TO = "->"
    HAS_ONE = "-1"
    HAS_MANY = "=>"
    PIVOT = "<>"


@dataclass(frozen=True)
class Column:
    """One scalar column. `scalar` is the named type; `listed` ones hold a list of it."""

    name: str
    scalar: str
    required: bool
    listed: bool = False

    @property
    def spelling(self) -> str:
        """The type as SDL writes it, such as `[String]` or `Int64Bit!`."""
        return (f"[{self.scalar}]" if self.listed else self.scalar) + ("!" if self.required else "")


@dataclass(frozen=True)
class Relation:
    """One relation. `via` is a column, the prefix of a polymorphic pair, or a pivot's name on the other side."""

    name: str
    target: str
    kind: Kind
    via: str
    polymorphic: bool = False
    owner: bool = False

    @property
    def is_connection(self) -> bool:
        """Whether it answers with a page of rows rather than with one or none."""
        return self.kind in (Kind.HAS_MANY, Kind.PIVOT)


@dataclass(frozen=True)
class ObjectType:
    """One object type; `collection` is its root query, None for a singleton."""

    name: str
    collection: str | None
    interfaces: tuple[str, ...]
    columns: Mapping[str, Column]
    relations: Mapping[str, Relation]

    @cached_property
    def owners(self) -> tuple[Relation, ...]:
        """The relations to the rows it belongs to for good."""
        return tuple(relation for relation in self.relations.values() if relation.owner)


@dataclass(frozen=True, eq=False)
class Declarations:
    """All served types by name, and the enums their columns use. Compared by identity: they are large."""

    types: Mapping[str, ObjectType]
    enums: Mapping[str, Mapping[str, str | None]]
    collections: Mapping[str, ObjectType] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "collections", {kind.collection: kind for kind in self.types.values() if kind.collection is not None}
        )
        for kind in self.types.values():
            for relation in kind.relations.values():
                if relation.target not in self.types and not relation.target.endswith("Interface"):
                    raise ValueError(f"{kind.name}.{relation.name} leads to {relation.target}, which is not declared")

    def members(self, interface: str) -> list[ObjectType]:
        """The types that implement an interface."""
        return [kind for kind in self.types.values() if interface in kind.interfaces]

    def drifted(
        self,
        *,
        hide: Iterable[str] = (),
        columns: Mapping[str, str] | None = None,
        values: Mapping[str, Iterable[str]] | None = None,
    ) -> "Declarations":
        """The same after a change of Sonar's, which moves its schema every few weeks.

        `hide`: what is gone, as `Account.contacts`, `contacts` (a collection) or `PaymentStatus.PENDING`.
        `columns`: added or retyped ones, {`Account.nickname`: `String`}. `values`: added to enums.
        """
        hidden = frozenset(hide)
        types = {}
        for name, kind in self.types.items():
            spelled = {
                column: _column(column, spelling)
                for owner, _, column, spelling in ((*key.partition("."), text) for key, text in (columns or {}).items())
                if owner == name
            }
            types[name] = replace(
                kind,
                collection=None if kind.collection in hidden else kind.collection,
                columns={key: one for key, one in {**kind.columns, **spelled}.items() if f"{name}.{key}" not in hidden},
                relations={key: one for key, one in kind.relations.items() if f"{name}.{key}" not in hidden},
            )
        enums = {
            name: {
                value: text
                for value, text in {**known, **dict.fromkeys((values or {}).get(name, ()))}.items()
                if f"{name}.{value}" not in hidden
            }
            for name, known in self.enums.items()
        }
        return Declarations(types, enums)


def parse(text: str) -> dict[str, ObjectType]:
    """Read the notation above.

    Raises:
        ValueError: a line is none of its forms.
    """
    types: dict[str, ObjectType] = {}
    for block in text.strip().split("\n\n"):
        kind = _parse_block(block.splitlines())
        types[kind.name] = kind
    return types


def _parse_block(lines: list[str]) -> ObjectType:
    head, _, collection = lines[0].partition(" = ")
    columns = {name: _column(name, spelling) for name, spelling in STANDARD_COLUMNS.items()}
    relations: dict[str, Relation] = {}
    interfaces: list[str] = []
    for line in lines[1:]:
        words = line.split()
        if words[0] == "is":
            interfaces += [f"{word}Interface" for word in words[1:]]
        elif ":" in words[0]:
            for word in words:
                name, _, spelling = word.partition(":")
                columns[name] = _column(name, spelling)
        else:
            relations[words[0]] = _relation(line)
    if "LoggableInterface" in interfaces:
        relations["logs"] = Relation("logs", "Log", Kind.HAS_MANY, "loggable", polymorphic=True)
    return ObjectType(
        name=head.removeprefix("type "),
        collection=None if collection == "a singleton" else collection,
        interfaces=tuple(interfaces),
        columns=columns,
        relations=relations,
    )


def _column(name: str, spelling: str) -> Column:
    bare = spelling.removesuffix("!")
    return Column(name, bare.strip("[]"), spelling.endswith("!"), bare.startswith("["))


def _relation(line: str) -> Relation:
    declared, comma, flag = line.strip().partition(", ")
    words = declared.split()
    if len(words) not in (3, 5) or (comma and flag != "owner"):
        raise ValueError(f"not a relation: {line.strip()!r}")
    name, arrow, target, *through = words
    kind = Kind(arrow)
    if not through and kind is not Kind.PIVOT:
        raise ValueError(f"a relation through nothing: {line.strip()!r}")
    word, via = through or ("with", "")
    return Relation(name, target, kind, via, polymorphic=word == "as", owner=bool(comma))
