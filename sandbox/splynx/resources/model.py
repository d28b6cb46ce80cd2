"""What a resource of the API is made of. One declaration says all that is not a habit of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sandbox.splynx.tables import TABLES, Column, Table


class Attribute(NamedTuple):
    """How OPTIONS describes an attribute."""

    title: str
    type: str


@dataclass(frozen=True)
class Link:
    """An array of ids or names, kept as rows of a table beside: to whom a tariff is offered, say.

    `rows` is the table that the ids are of; None: they are some of `members`, or anything where there are none.
    """

    table: str
    owner: str
    column: str
    rows: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """Rows that a body carries in an array, as the items of a supplier's invoice; those of a PUT are found by `id`."""

    table: str
    owner: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Resource:
    """A resource of the API.

    Attributes:
        path: below `/api/2.0/`, without an id.
        controller: name that `permissions_api_key` uses.
        notation: what OPTIONS says, `name type title` per line, `!` where it marks one as required; where no server was
            asked, it is made of the columns.
        module: the module of its additional fields; empty when it takes none.
        on_collection, on_item: methods besides HEAD and OPTIONS, which all of them have.
        keys: columns of a composite id, in their order; the primary key unless given.
        item_path: where items are when that is not below `path`.
        id_in_query: the item's id is the parameter `id`.
        asked_by: parameters of a list that stand beside the five, each a column that must have the value.
        forms: the forms of an item's path with their methods, where they are not all those of `on_item`.
        actions: `{word: methods}` of what is done to an item: `.../{id}--word`.
        also_required: required on creation although OPTIONS does not mark them, as tried requests or the description
            tell.
        unique: attributes that two live rows may not share; the tables have no unique index, the code looks.
        refers: `{attribute: table}` whose live row it must name, unless it is empty or 0.
        choices: `{attribute: members}` of texts and numbers that are one of these, though their column is no enum.
        used_by: (table, column) that may refer to a row, which then cannot be deleted.
        links, parts: arrays beside the columns.
        stamps: `{column: source}` of what the product sets itself: `now`, `today`, `key`, `api`.
        computed: attributes of answers that are no columns.
        protected: columns that a request cannot set.
        numbers: decimals that answers show as a JSON number instead of a text with four decimals.
        texts: integers and flags that answers show as text.
        integers: flags that answers show as an integer.
        booleans: flags that answers show as true or false.
        hidden: columns that no answer shows, besides `deleted`.
    """

    path: str
    table: Table
    controller: str
    notation: str = ""
    on_collection: tuple[str, ...] = ("GET", "POST")
    on_item: tuple[str, ...] = ("GET", "PUT", "DELETE")
    module: str = ""
    keys: tuple[str, ...] = ()
    item_path: str = ""
    id_in_query: bool = False
    asked_by: tuple[str, ...] = ()
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    actions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    also_required: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    refers: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    used_by: tuple[tuple[str, str], ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)
    parts: Mapping[str, Parts] = field(default_factory=dict)
    stamps: Mapping[str, str] = field(default_factory=dict)
    computed: tuple[str, ...] = ()
    protected: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    integers: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    @cached_property
    def _parsed(self) -> list[tuple[str, str, bool, str]]:
        if not self.notation:
            return [
                (column.name, _type(column), False, column.name.replace("_", " ").capitalize())
                for column in self.table.columns
                if column.name not in self.hidden | {"deleted"}
            ]
        lines = [line.split(" ", 2) for line in self.notation.splitlines() if line]
        return [(name, type_.rstrip("!"), type_.endswith("!"), title) for name, type_, title in lines]

    @cached_property
    def attributes(self) -> Mapping[str, Attribute]:
        return {name: Attribute(title, type_) for name, type_, _, title in self._parsed}

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, _, required, _ in self._parsed if required)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that answers show."""
        left_out = self.hidden | {"deleted"}
        return tuple(column.name for column in self.table.columns if column.name not in left_out)

    @cached_property
    def visible(self) -> tuple[str, ...]:
        return (*self.columns, *self.links, *self.parts, *self.computed)

    @cached_property
    def sealed(self) -> frozenset[str]:
        """Columns that no request sets."""
        return self.protected | set(self.stamps) | {"id", "deleted"}

    @cached_property
    def id_columns(self) -> tuple[str, ...]:
        """The columns of an item's id, in the order in which a path has them."""
        return self.keys or self.table.primary

    @property
    def key(self) -> str:
        return (self.table.primary or self.keys)[0]

    @property
    def soft_delete(self) -> bool:
        return "deleted" in self.table.by_name


def resource(path: str, table: str, controller: str, notation: str = "", **more: object) -> Resource:
    """A resource below `admin/`, with the short name of its table and of its controller."""
    if "item_path" in more:
        more["item_path"] = f"admin/{more['item_path']}"
    return Resource(f"admin/{path}", TABLES[table], f"api\\admin\\{controller}", notation, **more)  # type: ignore[arg-type]


def _type(column: Column) -> str:
    if column.members == ("0", "1") or column.members == ("1", "0"):
        return "boolean"
    if column.is_number:
        return "integer"
    if column.is_decimal:
        return "float"
    return column.type if column.type in ("date", "datetime") else "string"
