"""Sonar's answers in the words that real clients met, and the type each becomes."""

from typing import Any

import orjson
import pytest
from msgspec import UNSET, Struct, UnsetType

from clients.sonar import entities_of
from clients.sonar_answers import Connection, into
from clients.sonar_errors import (
    IncompletePage,
    SonarFailed,
    SonarForbidden,
    SonarGraphqlError,
    SonarLimited,
    SonarQueryInvalid,
    SonarUnauthenticated,
    SonarUnreachable,
    data_of,
)
from plumbing.errors import Action, DependencyRefused, SyncError


class Row(Struct):
    """What is asked for of a row."""

    id: int | UnsetType = UNSET
    name: Any = UNSET
    groups: Connection[Any] | UnsetType = UNSET


ROWS = into(Row)


def test_rows_are_read_into_the_layout_that_was_asked_for() -> None:
    data = data_of(
        200,
        {},
        b'{"data": {"accounts": {"entities": [{"id": "1", "name": "7", "new": 2}], "page_info": {"page": 1}}}}',
        ROWS,
    )
    assert not isinstance(data, SyncError)
    connection = data["accounts"]
    assert isinstance(connection, Connection)
    assert connection.page_info == {"page": 1}
    assert entities_of(connection, asked=1, counted=False) == [Row(id=1, name="7")]


@pytest.mark.parametrize(
    "accounts",
    [
        b"null",
        b'"x"',
        b"[]",
        b"{}",
        b'{"entities": [null]}',
        b'{"entities": [{"groups": []}]}',
        b'{"entities": [1]}',
        b'{"entities": [{"id": null}]}',
        b'{"entities": [{"id": "x"}]}',
    ],
)
def test_an_answer_in_another_shape_is_no_page(accounts: bytes) -> None:
    assert type(data_of(200, {}, b'{"data": {"accounts": %s}}' % accounts, ROWS)) is IncompletePage


def test_a_page_without_its_page_info_is_incomplete() -> None:
    with pytest.raises(IncompletePage):
        entities_of(Connection[Any]([]), asked=1, counted=True)


def test_an_answer_without_errors_is_its_data() -> None:
    assert data_of(200, {}, b'{"data": {"accounts": null}}') == {"accounts": None}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(429, b"", SonarLimited, id="429 without a body"),
        pytest.param(200, b'{"error": "Request limit of 400/min reached."}', SonarLimited, id="limit inside a 200"),
        pytest.param(200, b'{"error": "Unauthenticated."}', SonarUnauthenticated, id="bad token inside a 200"),
        pytest.param(401, b"{}", SonarUnauthenticated, id="401"),
        pytest.param(500, b'{"message": "Server Error"}', SonarFailed, id="500"),
        pytest.param(502, b"<html>", SonarFailed, id="a proxy's page"),
        pytest.param(200, b"<html>maintenance</html>", SonarUnreachable, id="a page inside a 200"),
        pytest.param(200, b'{"data": {"accounts": {"ent', SonarUnreachable, id="cut off"),
        pytest.param(200, b'{"data": null}', SonarUnreachable, id="no data"),
        pytest.param(404, b"", DependencyRefused, id="no Sonar at this address"),
        pytest.param(200, b'{"data": {"a": 1}, "errors": [{"message": "x"}]}', SonarGraphqlError, id="partial data"),
    ],
)
def test_each_answer_becomes_its_type(status: int, body: bytes, kind: type[Exception]) -> None:
    assert type(data_of(status, {}, body)) is kind
    assert type(data_of(status, {}, body, ROWS)) is kind


def test_retry_after_is_kept_in_seconds() -> None:
    failure = data_of(429, {"Retry-After": "17"}, b"")
    assert isinstance(failure, SonarLimited)
    assert failure.retry_after == 17


def test_a_field_that_sonar_no_longer_knows_halts_instead_of_trying_again() -> None:
    body = orjson.dumps({"errors": [{"message": "Cannot query field 'x' on type 'Account'."}]})
    failure = data_of(200, {}, body)
    assert isinstance(failure, SonarQueryInvalid)
    assert failure.action is Action.HALT


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("This action is unauthorized.", id="Laravel's words"),
        pytest.param("You are not authorized to access contacts", id="Lighthouse's words"),
    ],
)
def test_what_the_token_may_not_read_is_not_tried_again(message: str) -> None:
    body = orjson.dumps({"data": {"a": None}, "errors": [{"message": message, "path": ["accounts", "entities", 0]}]})
    failure = data_of(200, {}, body)
    assert isinstance(failure, SonarForbidden)
    assert failure.action is Action.HALT
    assert "accounts.entities.0" in str(failure)


def test_an_error_text_never_repeats_what_sonar_said_about_a_record() -> None:
    body = orjson.dumps({"errors": [{"message": "Ada Lovelace is not allowed", "path": ["accounts"]}]})
    assert "Ada" not in str(data_of(200, {}, body))


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(None, id="no connection"),
        pytest.param({"entities": [{"id": "1"}, None]}, id="an empty place"),
    ],
)
def test_a_page_with_empty_places_is_incomplete(connection: Any) -> None:
    with pytest.raises(IncompletePage):
        entities_of(connection, asked=5, counted=False)


@pytest.mark.parametrize(
    ("total", "per_page", "complete"),
    [
        pytest.param(2, 5, True, id="all of them"),
        pytest.param(9, 2, True, id="clamped by the server"),
        pytest.param(3, 5, False, id="one is missing"),
    ],
)
def test_a_page_must_have_as_many_rows_as_its_page_info_promises(total: int, per_page: int, complete: bool) -> None:
    connection = {
        "entities": [{"id": "1"}, {"id": "2"}],
        "page_info": {"total_count": total, "records_per_page": per_page},
    }
    if complete:
        assert len(entities_of(connection, asked=5, counted=True)) == 2
    else:
        with pytest.raises(IncompletePage):
            entities_of(connection, asked=5, counted=True)
