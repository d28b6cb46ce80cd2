"""Rows of tables as Avro on topics, for a sink that knows tables only: a topic a table, keyed by its primary key."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema

from plumbing.avro import Codec, make_registry
from plumbing.kafka import AckedProducer, make_admin, make_producer
from plumbing.settings import Settings

Row = Mapping[str, Any]
_WHOLE = {"tinyint", "smallint", "mediumint", "int", "bigint"}


@dataclass(frozen=True)
class Table:
    """A table as `information_schema` shows it: `{column: (data type, may be null)}`, and its primary key."""

    name: str
    columns: Mapping[str, tuple[str, bool]]
    key: Sequence[str]

    def key_schema(self) -> dict[str, Any]:
        """Avro, of a message's key."""
        return self._record("Key", {name: self.columns[name] for name in self.key})

    def value_schema(self) -> dict[str, Any]:
        """Avro, of a whole row. What is no whole number travels as text, which the server reads in its own way."""
        return self._record("Value", self.columns)

    def value(self, row: Row) -> dict[str, Any]:
        """A row that a driver has read, as `value_schema` takes it."""
        return {name: as_text(row[name]) for name in self.columns}

    def _record(self, kind: str, columns: Mapping[str, tuple[str, bool]]) -> dict[str, Any]:
        return {
            "type": "record",
            "name": f"{self.name}.{kind}",
            "fields": [_field(name, *column) for name, column in columns.items()],
        }


def _field(name: str, kind: str, nullable: bool) -> dict[str, Any]:
    avro = "long" if kind in _WHOLE else "string"
    return {"name": name, "type": ["null", avro], "default": None} if nullable else {"name": name, "type": avro}


def as_text(value: Any) -> int | str | None:
    """As the server takes it."""
    return value if value is None or isinstance(value, int) else str(value)


def publish(settings: Settings, table: Table, shares: Sequence[Iterable[Row]]) -> None:
    """A topic of the table's name, each share of rows in a partition of its own, in their order.

    The name is bare, for the peer writes each topic into the table that is called the same: the Kafka is our own.
    """
    new = NewTopic(table.name, len(shares), 1)
    admin = make_admin(settings.kafka)  # its futures end with it
    admin.create_topics([new])[table.name].result(30)
    producer = AckedProducer(make_producer(settings.kafka))
    with make_registry(settings.registry) as registry:
        codecs = []
        for part, schema in (("key", table.key_schema()), ("value", table.value_schema())):
            registry.register_schema(f"{table.name}-{part}", Schema(json.dumps(schema), "AVRO"))
            codecs.append(Codec(registry, f"{table.name}-{part}", schema))
        of_key, of_value = codecs
        for partition, rows in enumerate(shares):
            for row in rows:
                value = table.value(row)
                key = of_key.encode({name: value[name] for name in table.key})
                producer.produce(table.name, partition=partition, key=key, value=of_value.encode(value))
    producer.flush()


def same_row(qualified: str, row: Row) -> tuple[str, list[Any]]:
    """SQL that counts the rows of a table which equal `row` in each column, and its values."""
    where = " AND ".join(f"`{name}` <=> %s" for name in row)
    return f"SELECT COUNT(*) AS n FROM {qualified} WHERE {where}", list(row.values())


def digest(qualified: str, columns: Iterable[str], where: str = "TRUE") -> str:
    """SQL of a row `(n, digest)`: how many rows, and a checksum of all their columns that knows no order."""
    # QUOTE tells a null from an empty text, and where a text ends.
    text = ", ".join(f"QUOTE(`{name}`)" for name in columns)
    half = f"CAST(CONV(LEFT(MD5(CONCAT_WS(',', {text})), 16), 16, 10) AS UNSIGNED)"
    return f"SELECT COUNT(*) AS n, BIT_XOR({half}) AS digest FROM {qualified} WHERE {where}"
