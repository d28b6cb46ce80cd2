"""Tables, declared in a short notation of our own, and the DDL made of it.

One column per line: `name type [null] [= default] [auto] [index]`. Not null is the rule, as in the product. Short
types: `uint` int unsigned, `flag` enum('0','1'), `flag10` enum('1','0') (the order counts: an enum sorts and compares
by it), `money` decimal(19,4), `percent` decimal(6,4), `str(n)` varchar(n), `enum(a|b)`. Anything else is SQL as it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

_SHORT = {
    "uint": "int unsigned",
    "ubigint": "bigint unsigned",
    "usmallint": "smallint unsigned",
    "utinyint": "tinyint unsigned",
    "flag": "enum('0','1')",
    "flag10": "enum('1','0')",
    "money": "decimal(19,4)",
    "percent": "decimal(6,4)",
}
_ENGINE = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
_LINE = re.compile(
    r"^(?P<name>\w+)\s+(?P<type>\S+(?: unsigned)?)"
    r"(?P<null> null)?(?: = (?P<default>.*?))?(?P<auto> auto)?(?P<index> index)?$"
)


@dataclass(frozen=True)
class Column:
    """One column. `default` is None when there is none; `now` stands for CURRENT_TIMESTAMP."""

    name: str
    type: str
    nullable: bool = False
    default: str | None = None
    auto: bool = False
    indexed: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """The members of an enum in their order; empty for other types."""
        return tuple(re.findall(r"'([^']*)'", self.type)) if self.type.startswith("enum") else ()

    @property
    def is_number(self) -> bool:
        return self.type.split("(")[0].split()[0] in {"int", "bigint", "smallint", "tinyint"}

    @property
    def is_decimal(self) -> bool:
        return self.type.startswith("decimal")

    @property
    def is_packed(self) -> bool:
        """Whether it holds an IP address in its packed form."""
        return self.type == "varbinary(16)"

    @property
    def empty(self) -> object:
        """What the product's own INSERT writes when nobody gave a value."""
        if self.default is not None:
            return None if self.default == "now" else self.default
        if self.nullable:
            return None
        if self.members:
            return self.members[0]
        if self.is_number or self.is_decimal:
            return 0
        return {"date": "0000-00-00", "datetime": "0000-00-00 00:00:00", "time": "00:00:00"}.get(self.type, "")

    def ddl(self) -> str:
        """The column's part of CREATE TABLE."""
        parts = [f"`{self.name}` {self.type}", "NULL" if self.nullable else "NOT NULL"]
        if self.default == "now":
            parts.append("DEFAULT CURRENT_TIMESTAMP")
        elif self.default is not None:
            parts.append(f"DEFAULT '{self.default}'")
        if self.auto:
            parts.append("AUTO_INCREMENT")
        return " ".join(parts)


@dataclass(frozen=True)
class Table:
    """A table of the product.

    `exact` marks the tables that were dumped from an installation; the others carry the names that the API or published
    statements use. `indexes` are further plain indexes; there are no unique ones beside the primary key, for the
    product has none and keeps uniqueness in its code.
    """

    name: str
    columns: tuple[Column, ...]
    primary: tuple[str, ...] = ()
    foreign: Mapping[str, str] = field(default_factory=dict)
    exact: bool = False
    indexes: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    def ddl(self) -> str:
        """CREATE TABLE, with indexes and foreign keys, for MariaDB and MySQL 8."""
        lines = [column.ddl() for column in self.columns]
        if self.primary:
            lines.append(f"PRIMARY KEY ({_quoted(self.primary)})")
        lines += [f"KEY `{c.name}` (`{c.name}`)" for c in self.columns if c.indexed]
        lines += [f"KEY {definition}" for definition in self.indexes]
        for column, target in self.foreign.items():
            table, key = target.split(".")
            lines.append(
                f"CONSTRAINT `fk_{self.name}_{column}` FOREIGN KEY (`{column}`) REFERENCES `{table}` (`{key}`)"
            )
        body = ",\n  ".join(lines)
        return f"CREATE TABLE `{self.name}` (\n  {body}\n) {_ENGINE}"


def table(
    name: str,
    notation: str,
    *,
    primary: Sequence[str] = ("id",),
    foreign: Mapping[str, str] | None = None,
    exact: bool = False,
    indexes: Sequence[str] = (),
) -> Table:
    """Read the notation.

    Raises:
        ValueError: a line that is no column.
    """
    columns = tuple(_column(line.strip()) for line in notation.splitlines() if line.strip())
    return Table(name, columns, tuple(primary), foreign or {}, exact, tuple(indexes))


def _column(line: str) -> Column:
    found = _LINE.match(re.sub(r"\s+", " ", line))
    if found is None:
        raise ValueError(f"no column: {line}")
    default = found["default"]
    return Column(
        name=found["name"],
        type=_type(found["type"]),
        nullable=bool(found["null"]),
        default=default.strip("'") if default is not None else None,
        auto=bool(found["auto"]),
        indexed=bool(found["index"]),
    )


def _type(short: str) -> str:
    base, _, rest = short.partition(" ")
    if base.startswith("str("):
        return "varchar" + base[3:]
    if base.startswith("enum("):
        return "enum(" + ",".join(f"'{member}'" for member in base[5:-1].split("|")) + ")"
    return (_SHORT.get(base, base) + (f" {rest}" if rest else "")).strip()


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
