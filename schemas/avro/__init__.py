"""Avro, made from the declarations: the schemas (`declared`), and records as their values (`values`).

Capture writes rows and events straight to bytes (`rows`, `events`).
The `.avsc` files beside them are generated (`python -m schemas.generate`): they are what the registry is given.
"""

from schemas.avro.declared import bundle_schema, envelope_schema, key_schema, subjects, value_schema
from schemas.avro.events import EventWriter, key_bytes
from schemas.avro.rows import RowWriter
from schemas.avro.values import bundle_from_avro, bundle_to_avro, record_of, value_of

__all__ = [
    "EventWriter",
    "RowWriter",
    "bundle_from_avro",
    "bundle_schema",
    "bundle_to_avro",
    "envelope_schema",
    "key_bytes",
    "key_schema",
    "record_of",
    "subjects",
    "value_of",
    "value_schema",
]
