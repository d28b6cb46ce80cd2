"""Avro on the wire: the registry's ids in front, fastavro behind, schemas registered only by `crossfade topics`."""

import io
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import fastavro
import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from fastavro.types import Schema as AvroSchema

from plumbing.errors import Action, ConfigurationError, DependencyRefused, DependencyUnreachable, SyncError
from plumbing.settings import RegistrySettings

_MAGIC = 0
_HEADER = struct.Struct(">bI")
_TIMEOUT_SECONDS = 30


class Undecodable(SyncError):
    """Bytes on a topic are not a message of ours: no value, a wrong first byte, an unknown id, cut off."""

    code = "avro.undecodable"
    action = Action.DEAD_LETTER
    remedy = "Find who wrote to the topic; a later good event of the same key supersedes this one."


def make_registry(registry: RegistrySettings) -> SchemaRegistryClient:
    """A client of the schema registry."""
    # Without a timeout of ours its client waits for ever.
    config: dict[str, Any] = {"url": registry.url, "timeout": _TIMEOUT_SECONDS}
    if registry.user is not None and registry.password is not None:
        config["basic.auth.user.info"] = f"{registry.user}:{registry.password.get_secret_value()}"
    if not registry.tls.verify:
        config["ssl.ca.location"] = False
    elif registry.tls.ca_file is not None:
        config["ssl.ca.location"] = str(registry.tls.ca_file)
    if registry.tls.cert_file is not None:
        config["ssl.certificate.location"] = str(registry.tls.cert_file)
    if registry.tls.key_file is not None:
        config["ssl.key.location"] = str(registry.tls.key_file)
    return SchemaRegistryClient(config)


@contextmanager
def registry_errors(client: SchemaRegistryClient, doing: str) -> Iterator[None]:
    """The registry's errors as ours. `doing` completes "the schema registry refused", such as "a look-up of x".

    Raises:
        DependencyRefused: wrong user or password.
        DependencyUnreachable: no answer, or an error of its own.
    """
    try:
        yield
    except SchemaRegistryError as exc:
        if exc.http_status_code in {401, 403}:
            raise DependencyRefused(
                f"the schema registry {_where(client)} refuses this log-in",
                remedy="Check registry.user and registry.password.",
            ) from exc
        raise DependencyUnreachable(
            f"the schema registry {_where(client)} refused {doing} (HTTP {exc.http_status_code})"
        ) from exc
    # Its client lets errors of its HTTP library through as they are: most of them are no OSError.
    except (httpx2.HTTPError, OSError) as exc:
        raise DependencyUnreachable(f"the schema registry {_where(client)} does not answer") from exc


def require_registry(client: SchemaRegistryClient) -> None:
    """See that a schema registry answers: under a wrong path every subject would look as if it were missing.

    Raises:
        ConfigurationError: something else answers.
        DependencyRefused, DependencyUnreachable: as `registry_errors`.
    """
    with registry_errors(client, "its compatibility level"):
        try:
            client.get_compatibility()
        except (SchemaRegistryError, ValueError, KeyError, TypeError) as exc:
            if isinstance(exc, SchemaRegistryError) and exc.http_status_code != 404:
                raise
            raise ConfigurationError(
                f"what answers at {_where(client)} is no schema registry",
                remedy="Correct registry.url: the address with the path of its Confluent API, such as"
                " https://registry.example.net/apis/ccompat/v7.",
            ) from exc


def _where(client: SchemaRegistryClient) -> str:
    """The server and the setting that names it, for messages; the address itself may hold a log-in."""
    parts = urlsplit(client.config()["url"])  # type: ignore[no-untyped-call]
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.hostname}:{port} (registry.url in the settings)"


def parse(schema: dict[str, Any]) -> AvroSchema:
    """A parsed schema, ready for `encode` and `decode`. Does not change its argument."""
    return fastavro.parse_schema(json.loads(json.dumps(schema)), named_schemas={})


_Naming = Callable[[Any], Any]
_Step = tuple[str, str | None, _Naming | None]
"""A member: its name, its branch's name when it is nullable, and what is to be named below."""


def named_branches(schema: AvroSchema) -> _Naming:
    """A function that copies a value of `schema` with the branches of its nullable members named.

    The writer takes a named branch at once; to find one by itself it checks the whole value below it, at each level
    anew, which takes longer than writing. What has several branches besides null stays as it is.
    """
    return _naming(schema, {}) or (lambda value: value)


def _naming(schema: Any, known: dict[str, _Naming | None]) -> _Naming | None:
    """None: there is nothing to name in values of `schema`. `known`: `{full name: of that record}`."""
    if isinstance(schema, str):
        return known.get(schema)
    if isinstance(schema, list):
        return None  # of an array's items: nothing of ours is nullable there
    if schema["type"] == "array":
        inner = _naming(schema["items"], known)
        return None if inner is None else lambda values: [inner(value) for value in values]
    if schema["type"] != "record":
        return None
    steps = [step for step in (_step(one, known) for one in schema["fields"]) if step[1:] != (None, None)]

    def name_members(value: dict[str, Any]) -> dict[str, Any]:
        result = dict(value)
        for name, branch, inner in steps:
            member = result.get(name)
            if member is not None:
                below = member if inner is None else inner(member)
                result[name] = below if branch is None else (branch, below)
        return result

    known[schema["name"]] = name_members if steps else None
    return known[schema["name"]]


def _step(field: Any, known: dict[str, _Naming | None]) -> _Step:
    kind = field["type"]
    if not isinstance(kind, list):
        return (field["name"], None, _naming(kind, known))
    branches = [one for one in kind if one != "null"]
    if len(branches) != 1:
        return (field["name"], None, None)
    only = branches[0]
    name = only if isinstance(only, str) else only["name"] if only["type"] == "record" else only["type"]
    return (field["name"], name, _naming(only, known))


def writing(schema: AvroSchema) -> Callable[[dict[str, Any]], bytes]:
    """A function that writes values of `schema`, a record's."""
    named = named_branches(schema)

    def write(value: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, named(value))
        return out.getvalue()

    return write


class Codec:
    """Encodes with the registered id of one subject; decodes anything that this registry knows into the reader's shape.

    Raises:
        ConfigurationError: (when built) the subject is not registered, or not with this schema.
        DependencyUnreachable: the registry does not answer.
    """

    def __init__(self, client: SchemaRegistryClient, subject: str, schema: dict[str, Any]) -> None:
        self._client = client
        self._schema = parse(schema)
        self._write = writing(self._schema)
        with registry_errors(client, f"a look-up of {subject}"):
            try:
                registered = client.lookup_schema(subject, Schema(json.dumps(schema), "AVRO"))
            except SchemaRegistryError as exc:
                if exc.http_status_code != 404:
                    raise
                raise ConfigurationError(
                    f"subject {subject} does not hold this version's schema",
                    remedy="Run `crossfade topics` to see what would be registered, then `crossfade topics --apply`.",
                ) from exc
        if registered.schema_id is None:
            raise ConfigurationError(f"the registry gives no id for subject {subject}")
        self.schema_id: int = registered.schema_id
        self.header = _HEADER.pack(_MAGIC, self.schema_id)
        """In front of each message: a zero byte, four bytes of schema id."""
        self._writer_of = lru_cache(maxsize=64)(self._fetch)

    def _fetch(self, schema_id: int) -> AvroSchema:
        if schema_id == self.schema_id:
            return self._schema
        with registry_errors(self._client, f"schema {schema_id}"):
            try:
                text = self._client.get_schema(schema_id).schema_str
            except SchemaRegistryError as exc:
                if exc.http_status_code != 404:
                    raise
                raise Undecodable(f"schema id {schema_id} is unknown to the registry") from exc
        return parse(json.loads(text or "null"))

    def encode(self, value: dict[str, Any]) -> bytes:
        """The bytes of `value`: the header, Avro."""
        return self.header + self._write(value)

    def decode(self, data: bytes | None) -> dict[str, Any]:
        """The value that was written, as today's schema reads it.

        Raises:
            Undecodable: this can never be read.
            DependencyUnreachable: the registry had to be asked and does not answer.
        """
        if data is None:
            raise Undecodable("the message has no value")
        if len(data) < _HEADER.size:
            raise Undecodable("the message is shorter than its header")
        magic, schema_id = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise Undecodable("the message does not begin with Avro's header")
        stream = io.BytesIO(data)
        stream.seek(_HEADER.size)
        writer = self._writer_of(schema_id)
        try:
            value = fastavro.schemaless_reader(stream, writer, None if writer is self._schema else self._schema)
        except (EOFError, ValueError, IndexError, TypeError, KeyError, OverflowError, UnicodeDecodeError) as exc:
            raise Undecodable("the message is not whole Avro of its schema") from exc
        except fastavro.read.SchemaResolutionError as exc:
            raise Undecodable("the message was written with a schema that does not fit ours") from exc
        if stream.read(1):
            raise Undecodable("the message has bytes after its end")
        if not isinstance(value, dict):
            raise Undecodable("the message is not a record")
        return value
