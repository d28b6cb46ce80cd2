"""The envelope on the `sonar.*` topics has the structure that Debezium's own has, so that its readers take it."""

from typing import Any

import pytest

from schemas.avro import envelope_schema
from schemas.catalogue import AGGREGATES, aggregate

ENVELOPE = {"op": "string", "ts_ms": "long"}
SOURCE = {
    "version": "string",
    "connector": "string",
    "name": "string",
    "ts_ms": "long",
    "snapshot": "string",
    "db": "string",
    "sequence": "string",
    "table": "string",
}


def fields_of(record: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["type"] for one in record["fields"]}


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES])
def test_an_envelope_is_as_debezium_documents_it(name: str) -> None:
    """`op` and `source` are mandatory, `before` and `after` optional and of one schema; `transaction` may be missing.

    Source: Debezium's documentation, connector for SQL Server, "Change event values"; `io.debezium.data.Envelope` (an
    envelope is known by its name's end, `op` is STRING, `ts_ms` INT64), `io.debezium.schema.SchemaFactory` (`source`).
    What is optional there may be required here: it is never null.
    """
    schema = envelope_schema(aggregate(name))
    fields = fields_of(schema)
    assert f"{schema['namespace']}.{schema['name']}".endswith(".Envelope")
    assert fields.keys() == {"before", "after", "source", "op", "ts_ms"}
    assert {field: fields[field] for field in ENVELOPE} == ENVELOPE
    empty, value = fields["before"]
    assert empty == "null"
    assert fields["after"] == ["null", f"{value['namespace']}.{value['name']}"]
    assert value["type"] == fields["source"]["type"] == "record"
    assert fields_of(fields["source"]).items() >= SOURCE.items()
