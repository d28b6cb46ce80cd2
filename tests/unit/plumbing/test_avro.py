"""Avro on the wire: what cannot be read says so, and only registered schemas are written."""

import io
import itertools
import json
import socket
from typing import Any

import fastavro
import httpx2
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from hypothesis import given
from hypothesis import strategies as st

from plumbing.avro import (
    Codec,
    Undecodable,
    make_registry,
    named_branches,
    parse,
    registry_errors,
    require_registry,
)
from plumbing.errors import Action, ConfigurationError, DependencyRefused, DependencyUnreachable, ExitCode, SyncError
from plumbing.settings import RegistrySettings

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Payment",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}
WIDER = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "fee", "type": ["null", "long"], "default": None}]}
SUBJECTS = (f"topic{n}-value" for n in itertools.count())
REGISTRY = SchemaRegistryClient.new_client({"url": "mock://unit"})


def a_codec(schema: dict[str, Any] = SCHEMA) -> Codec:
    subject = next(SUBJECTS)
    REGISTRY.register_schema(subject, Schema(json.dumps(schema), "AVRO"))
    return Codec(REGISTRY, subject, schema)


@given(st.integers(-(2**63), 2**63 - 1), st.none() | st.text())
def test_what_is_written_is_read(number: int, note: str | None) -> None:
    value = {"id": number, "note": note}
    assert CODEC.decode(CODEC.encode(value)) == value


CODEC = a_codec()

_LINE = {"type": "record", "name": "Line", "fields": [{"name": "text", "type": ["null", "string"], "default": None}]}
NESTED: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "first", "type": ["null", _LINE], "default": None},
        {"name": "last", "type": ["null", "Line"], "default": None},
        {"name": "all", "type": ["null", {"type": "array", "items": "Line"}], "default": None},
        {"name": "total", "type": ["string", "long"]},
    ],
}


def test_branches_are_named_below_each_other_and_what_has_several_stays() -> None:
    line = {"text": "a"}
    named = ("Line", {"text": ("string", "a")})
    value = {"first": line, "last": None, "all": [line], "total": 5}
    assert named_branches(parse(NESTED))(value) == {
        "first": named,
        "last": None,
        "all": ("array", [named[1]]),
        "total": 5,
    }
    assert value == {"first": {"text": "a"}, "last": None, "all": [{"text": "a"}], "total": 5}


_LINES = st.fixed_dictionaries({"text": st.none() | st.text()})


@given(st.none() | _LINES, st.none() | _LINES, st.none() | st.lists(_LINES), st.text() | st.integers(0, 9))
def test_named_branches_write_what_the_writer_would_find(first: Any, last: Any, lines: Any, total: Any) -> None:
    value, schema = {"first": first, "last": last, "all": lines, "total": total}, parse(NESTED)
    found, named = io.BytesIO(), io.BytesIO()
    fastavro.schemaless_writer(found, schema, value)
    fastavro.schemaless_writer(named, schema, named_branches(schema)(value))
    assert named.getvalue() == found.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="null value"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00\x00", id="shorter than the header"),
        pytest.param(b"\x07" + CODEC.encode({"id": 5, "note": None})[1:], id="wrong magic byte"),
        pytest.param(CODEC.encode({"id": 5, "note": "twelve bytes"})[:-4], id="cut off"),
        pytest.param(CODEC.encode({"id": 5, "note": None}) + b"x", id="bytes after the end"),
        pytest.param(b"\x00\x7f\xff\xff\xff" + b"\x02\x00", id="unknown schema id"),
        pytest.param(CODEC.encode({"id": 5, "note": None})[:-1] + b"\x09", id="no such branch of a union"),
    ],
)
def test_poison_becomes_a_dead_letter_and_nothing_else(data: bytes | None) -> None:
    with pytest.raises(Undecodable) as caught:
        CODEC.decode(data)
    assert caught.value.action is Action.DEAD_LETTER


def test_a_message_of_an_older_schema_gets_the_new_fields_default() -> None:
    old, new = a_codec(), a_codec(WIDER)
    assert new.decode(old.encode({"id": 1, "note": None})) == {"id": 1, "note": None, "fee": None}


def test_a_message_of_a_newer_schema_loses_what_we_do_not_know() -> None:
    old, new = a_codec(), a_codec(WIDER)
    assert old.decode(new.encode({"id": 1, "note": None, "fee": 3})) == {"id": 1, "note": None}


def test_a_schema_that_nobody_registered_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="does not hold") as caught:
        Codec(REGISTRY, next(SUBJECTS), SCHEMA)
    assert "crossfade topics --apply" in caught.value.next_step


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        pytest.param(httpx2.ConnectError("refused"), DependencyUnreachable, id="nobody listens"),
        pytest.param(httpx2.ReadTimeout("late"), DependencyUnreachable, id="no answer in time"),
        pytest.param(OSError("no route"), DependencyUnreachable, id="no network"),
        pytest.param(SchemaRegistryError(500, 50001, "broken"), DependencyUnreachable, id="an error of its own"),
        pytest.param(SchemaRegistryError(401, 40101, "who"), DependencyRefused, id="a wrong password"),
    ],
)
@pytest.mark.parametrize(
    ("url", "where"),
    [
        pytest.param("http://registry.example.com:8081/apis/ccompat/v7", "registry.example.com:8081", id="a port"),
        pytest.param("https://registry.example.com", "registry.example.com:443", id="the port of TLS"),
        pytest.param("http://registry.example.com", "registry.example.com:80", id="the port of HTTP"),
    ],
)
def test_the_registrys_errors_are_ours_and_name_it(
    error: Exception, ours: type[SyncError], url: str, where: str
) -> None:
    settings = RegistrySettings.model_validate({"url": url, "user": "a_user", "password": "a_password"})
    with (
        make_registry(settings) as client,
        pytest.raises(SyncError) as caught,
        registry_errors(client, "a look-up"),
    ):
        raise error
    assert type(caught.value) is ours
    assert caught.value.next_step
    assert f"the schema registry {where} (registry.url in the settings)" in str(caught.value)
    assert "a_user" not in str(caught.value)
    assert "a_password" not in str(caught.value)


def test_an_address_with_a_log_in_in_it_is_named_without() -> None:
    settings = RegistrySettings(url="https://a_user:a_password@registry.example.com")
    with (
        make_registry(settings) as client,
        pytest.raises(DependencyUnreachable) as caught,
        registry_errors(client, "a look-up"),
    ):
        raise OSError
    assert str(caught.value) == (
        "the schema registry registry.example.com:443 (registry.url in the settings) does not answer"
    )


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: str) -> SchemaRegistryClient:
    """A registry's client that gets this answer to whatever it asks."""
    client = make_registry(RegistrySettings(url="https://registry.example.com/apis/ccompat/v7"))
    answer = httpx2.Response(status, text=body)
    monkeypatch.setattr(client._rest_client, "send_http_request", lambda *_args: answer)
    return client


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(404, "<html>no such page</html>", id="a wrong path"),
        pytest.param(404, '{"error_code": 404, "message": "nothing here"}', id="another API"),
        pytest.param(200, "<html>welcome</html>", id="a page"),
        pytest.param(200, '{"title": "welcome"}', id="an answer of something else"),
        pytest.param(200, "[1]", id="a list"),
    ],
)
def test_what_answers_and_is_no_registry_is_told(monkeypatch: pytest.MonkeyPatch, status: int, body: str) -> None:
    with (
        answering(monkeypatch, status, body) as client,
        pytest.raises(ConfigurationError, match=r"\(registry\.url in the settings\) is no schema registry") as caught,
    ):
        require_registry(client)
    assert "ccompat" in caught.value.next_step


def test_a_registry_is_one_and_one_that_asks_who_we_are_is_not_taken_for_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with answering(monkeypatch, 200, '{"compatibilityLevel": "BACKWARD"}') as client:
        require_registry(client)
    with (
        answering(monkeypatch, 401, '{"message": "who are you?"}') as client,
        pytest.raises(DependencyRefused, match="refuses this log-in"),
    ):
        require_registry(client)


def test_a_registry_that_is_away_is_named_by_whoever_asks_it() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        where = f"127.0.0.1:{closed.getsockname()[1]}"
        settings = RegistrySettings(url=f"http://{where}/apis/ccompat/v7")
        with make_registry(settings) as client, pytest.raises(DependencyUnreachable, match=where) as caught:
            Codec(client, next(SUBJECTS), SCHEMA)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
