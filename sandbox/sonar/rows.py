"""One row and one table: values in slots, found by id, by what they point to, and in order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar

import orjson

from sandbox.sonar.declarations import Declarations, Kind, ObjectType
from sandbox.sonar.ordering import IdSet, Order, Pair
from sandbox.sonar.values import reader

BY_CHANGE = "updated_at"
ORDERED = ("id", BY_CHANGE, "created_at")
"""Columns whose order is maintained, each with the id to break ties."""


class Row(Mapping[str, Any]):
    """The values of one row at one moment, by column name. A change makes a new row; this one stays as it was.

    Compiled selections read the slots directly (`row.name`), which is what makes them fast.
    """

    __slots__ = ()
    COLUMNS: ClassVar[tuple[str, ...]] = ()
    READ: ClassVar[Mapping[str, Callable[["Row"], Any]]] = {}
    """How a column is read, by its name: rows are read far more often than anything else."""
    TYPE: ClassVar[ObjectType]

    def __getitem__(self, column: str) -> Any:
        return self.READ[column](self)

    def __iter__(self) -> Iterator[str]:
        return iter(self.COLUMNS)

    def __len__(self) -> int:
        return len(self.COLUMNS)


class Spelled:
    """A text column in which a row may be kept instead of its text: it is spelled as JSON whenever it is read.

    Most of the audit log is never read, and its rows would take more room as text than all others together.
    """

    def __init__(self, slot: Any) -> None:
        self._slot = slot

    def __get__(self, row: Row, owner: type[Row]) -> str | None:
        value = self._slot.__get__(row, owner)
        if isinstance(value, Row):
            return orjson.dumps({name: getattr(value, name) for name in value.COLUMNS}).decode()
        text: str | None = value
        return text

    def __set__(self, row: Row, value: object) -> None:
        self._slot.__set__(row, value)


SPELLED = {"Log": ("current", "previous")}
"""Type → its columns of that kind."""


def row_class(kind: ObjectType) -> type[Row]:
    """The row class of a declared type."""
    columns = tuple(kind.columns)
    body: dict[str, object] = {
        "__slots__": columns,
        "COLUMNS": columns,
        "READ": {name: attrgetter(name) for name in columns},
        "TYPE": kind,
        "__doc__": f"A row of {kind.name}.",
    }
    made = type(f"{kind.name}Row", (Row,), body)
    for column in SPELLED.get(kind.name, ()):
        setattr(made, column, Spelled(vars(made)[column]))
    return made


@dataclass(frozen=True)
class Shape:
    """What all tables of a type have in common."""

    kind: ObjectType
    make: type[Row]
    required: tuple[str, ...]
    pointers: frozenset[str]
    morphs: frozenset[str]


@lru_cache(maxsize=4)
def shapes(declarations: Declarations) -> Mapping[str, Shape]:
    """By type name. Remembered: most of the work of an empty store."""
    return {name: _shape(kind, declarations) for name, kind in declarations.types.items()}


def _shape(kind: ObjectType, declarations: Declarations) -> Shape:
    return Shape(
        kind,
        row_class(kind),
        tuple(name for name, column in kind.columns.items() if column.required),
        frozenset(_pointers(kind, declarations)),
        frozenset(one.via for one in kind.relations.values() if one.polymorphic and not one.is_connection),
    )


class Table:
    """All rows of one type.

    `held` ones exist but cannot be seen, like rows of a commit that is still under way. `lagging` ones are seen, and
    not found by when they changed: that index is behind.
    """

    def __init__(self, shape: Shape, enums: Mapping[str, Mapping[str, str | None]]) -> None:
        self.kind, self.make = shape.kind, shape.make
        self.required, self._morphs = shape.required, shape.morphs
        self.readers = {name: reader(column, enums) for name, column in shape.kind.columns.items()}
        self.rows: MutableMapping[int, Row] = {}
        self.held: dict[int, Row] = {}
        self.lagging: set[int] = set()
        self.view = MappingProxyType(self.rows)
        self.next_id = 1
        self.orders = {column: Order(partial(self._pairs, column)) for column in ORDERED}
        self.pointers = shape.pointers
        # What rows of this type point to: {column or polymorphic prefix: {key: ids of the rows that point there}}.
        self.pointing: dict[str, dict[object, IdSet]] = {via: {} for via in shape.pointers}

    def find(self, id: int) -> Row:
        """The row with this id, held or not.

        Raises:
            KeyError: there is none.
        """
        row = self.rows.get(id) or self.held.get(id)
        if row is None:
            raise KeyError(f"{self.kind.name} {id} does not exist")
        return row

    def read(self, columns: Mapping[str, object]) -> dict[str, object]:
        """Check values before they are written.

        Raises:
            ValueError: a column is unknown or cannot hold its value; the value itself is not repeated.
        """
        values: dict[str, object] = {}
        for name, value in columns.items():
            if name not in self.readers:
                raise ValueError(f"{self.kind.name} has no column {name}")
            try:
                values[name] = None if value is None else self.readers[name](value)
            except ValueError as error:
                raise ValueError(f"{self.kind.name}.{name}: {error}") from None
        return values

    def build(self, values: Mapping[str, object]) -> Row:
        """A new row; columns that are not given are null.

        Raises:
            ValueError: a column that must not be null is.
        """
        # Asked of the values, not of the row, which would spell the text of a log that nobody reads.
        for name in self.required:
            if values.get(name) is None:
                raise ValueError(f"{self.kind.name}.{name} must not be null")
        row = self.make()
        for name in self.make.COLUMNS:
            setattr(row, name, values.get(name))
        return row

    def show(self, row: Row) -> None:
        """Make a row visible to readers."""
        id: int = row["id"]
        self.rows[id] = row
        for column, order in self.orders.items():
            if column != BY_CHANGE or id not in self.lagging:
                order.add(getattr(row, column), id)
        for via, index in self.pointing.items():
            key = self._key(row, via)
            if key is not None:
                ids = index.get(key)
                if ids is None:
                    ids = index[key] = IdSet()
                ids.add(id)

    def hide(self, id: int) -> Row:
        """Take a visible row out of the readers' sight, and return it."""
        row = self.rows.pop(id)
        for column, order in self.orders.items():
            if column != BY_CHANGE or id not in self.lagging:
                order.remove(getattr(row, column), id)
        for via, index in self.pointing.items():
            key = self._key(row, via)
            if key is not None:
                index[key].remove(id)
        return row

    def lag(self, id: int) -> None:
        """Let the order by change forget a visible row until `catch_up`, whatever happens to it."""
        row = self.rows[id]
        if id not in self.lagging:
            self.orders[BY_CHANGE].remove(getattr(row, BY_CHANGE), id)
            self.lagging.add(id)

    def catch_up(self, id: int) -> None:
        """The order by change knows a row again."""
        self.lagging.remove(id)
        if (row := self.rows.get(id)) is not None:
            self.orders[BY_CHANGE].add(getattr(row, BY_CHANGE), id)

    def _pairs(self, column: str) -> Iterable[Pair]:
        return [
            (getattr(row, column), id) for id, row in self.rows.items() if column != BY_CHANGE or id not in self.lagging
        ]

    def _key(self, row: Row, via: str) -> object:
        if via in self._morphs:
            owner = getattr(row, f"{via}_id")
            return None if owner is None else (getattr(row, f"{via}_type"), owner)
        key: object = getattr(row, via)
        return key


def _pointers(kind: ObjectType, declarations: Declarations) -> set[str]:
    """Columns and polymorphic prefixes by which rows of `kind` are found: to be shown, or when what they name goes."""
    shown = {
        relation.via
        for other in declarations.types.values()
        for relation in other.relations.values()
        if relation.target == kind.name and relation.kind in (Kind.HAS_ONE, Kind.HAS_MANY)
    }
    # Logs outlive what they name, and are by far the most rows.
    named = {
        relation.via
        for relation in kind.relations.values()
        if relation.kind is Kind.BELONGS_TO and not relation.polymorphic and kind.name != "Log"
    }
    return shown | named
