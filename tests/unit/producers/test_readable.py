"""What the token may read is tried before it is read: what is refused is null, and a failure is no refusal."""

from collections.abc import Mapping
from typing import Any, cast

import orjson
import pytest

from clients.sonar import SonarClient
from clients.sonar_errors import SonarGraphqlError, data_of
from plumbing.errors import Action, SyncError
from producers.nested import NESTED_PAGE
from producers.source import Source, read_source
from tests.unit.producers.drifting import HOUR, SMALL, Drifting

CONTACTS = " contacts("
FAILED = {"message": "Internal server error", "path": ["accounts", "entities", 0, "contacts"]}
"""As graphql-php says it, in whose words nobody is refused anything."""


def answered(scene: Drifting, asked: str, error: Mapping[str, Any], times: int = 1000) -> None:
    """Whatever asks for this gets an error, so many times."""
    found, left = data_of(200, {}, orjson.dumps({"data": {}, "errors": [error]})), times

    def before(document: str, _: Mapping[str, Any]) -> None:
        nonlocal left
        if asked in document and left:
            left -= 1
            assert isinstance(found, SyncError)
            raise found

    scene.client.before = before


async def source_of(scene: Drifting) -> Source:
    return await read_source(cast(SonarClient, scene.client), scene.aggregates, NESTED_PAGE)


@pytest.mark.parametrize(
    ("asked", "error", "denied"),
    [
        pytest.param(
            CONTACTS, {"message": "You are not authorized to access contacts."}, {"account": {"contacts"}},
            id="in words that are known",
        ),
        pytest.param(
            CONTACTS, {"message": "Nope", "path": ["accounts", "entities", 0, "contacts"]}, {"account": {"contacts"}},
            id="in others, at the field",
        ),
        pytest.param(
            CONTACTS,
            {"message": "Nope", "path": ["accounts", "entities", 0, "contacts", "entities", 0, "phone_numbers"]},
            {"account": {"contacts"}},
            id="in others, below it",
        ),
        pytest.param(
            " account: noteable", {"message": "Nope", "path": ["notes", "entities", 0, "account"]},
            {"note": {"noteable"}}, id="in others, of a relation that an answer shows under another name",
        ),
    ],
)  # fmt: skip
async def test_a_nested_field_that_is_refused_is_left_out(
    asked: str, error: Mapping[str, Any], denied: Mapping[str, set[str]]
) -> None:
    scene = Drifting()
    answered(scene, asked, error)
    source = await source_of(scene)
    assert source.denied == denied
    assert not source.forbidden


async def test_a_collection_that_is_refused_in_unknown_words_stands_still() -> None:
    scene = Drifting()
    answered(scene, "accounts(", {"message": "Nope", "path": ["accounts"]})
    source = await source_of(scene)
    assert source.denied == {}
    assert source.forbidden == {"account"}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(FAILED, id="Sonar says that it failed"),
        pytest.param({"message": "Nope"}, id="nobody knows where"),
        pytest.param({"message": "Nope", "path": ["accounts", "entities", 0, "addresses"]}, id="elsewhere"),
        pytest.param({"message": "Nope", "path": ["payments", "entities", 0, "contacts"]}, id="in another collection"),
    ],
)
async def test_an_error_that_is_no_refusal_is_told_and_makes_nothing_null(error: Mapping[str, Any]) -> None:
    scene = Drifting()
    answered(scene, CONTACTS, error)
    with pytest.raises(SonarGraphqlError, match="whether the token may read accounts is not known") as told:
        await source_of(scene)
    assert told.value.action is Action.RETRY
    assert "name account in sonar.leave_out" in told.value.next_step


async def test_a_failure_that_has_passed_when_each_is_tried_by_itself_makes_nothing_null() -> None:
    scene = Drifting()
    answered(scene, CONTACTS, FAILED, times=1)
    assert (await source_of(scene)).denied == {}


async def test_a_failure_while_the_schema_is_looked_at_leaves_what_is_read_as_it_was() -> None:
    scene = await Drifting.begun()
    scene.drifting.drift(SMALL.drifted(hide=["Account.addresses"]))
    answered(scene, CONTACTS, FAILED)
    known, scene.clock = scene.drift.source, HOUR
    assert await scene.fitting.look() is None
    assert scene.drift.source is known
    scene.client.before = None
    scene.clock += 60
    await scene.look()
    assert (scene.drift.source.denied, scene.drift.source.lacking) == ({}, ["Account.addresses"])
    assert scene.schema_events() == [("gone", "Account.addresses", "null", ["account"])]
