"""What is done with each dead letter: nothing old is put over something new, and what cannot pass is told."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

import console.deadletters_replay as replaying
from console.deadletters_replay import NOBODYS, NOT_KEPT, READ_AGAIN, REFUSED, REPLAY, SUPERSEDED, UNTOLD, decide
from console.letter_states import PASSED, Letter
from console.letter_states import SUPERSEDED as CLOSED
from console.replay_bundles import Mapped
from plumbing.errors import ExitCode
from processors.context import Context
from processors.transform import Coordinates, DeadLetter, Produced
from reconciliation.events import Newest, Stored
from schemas.bundle import Bundle, Refused
from schemas.entities.scoped import OUT_OF_SCOPE

TOPIC = "sonar.main.account"
LETTER = Letter(
    "process:3", "process", "mapping.unmapped_value", "status", "2026-03-04T05:06:07+00:00", "account",
    place=(TOPIC, 1, 40), root=("account", 7), sequence=100,
)  # fmt: skip
RECORD = replace(LETTER, id="sink:9", stage="sink", entity="customer", record="7", place=("splynx.main.account", 1, 12))
CONTEXT = cast(Context, SimpleNamespace())


def an_event(sequence: int = 100, offset: int = 40, value: bytes = b"good") -> Stored:
    return Stored(Newest("account", 7, 7, sequence, TOPIC, 1, offset), b"key", value)


@pytest.fixture(autouse=True)
def _mapper(monkeypatch: pytest.MonkeyPatch) -> None:
    def mapped(stored: Stored, _: Context) -> Mapped:
        at = Coordinates("account", stored.at.topic, stored.at.partition, stored.at.offset)
        dead = DeadLetter(at, "mapping.unmapped_value", "status")
        refused = (Refused("customer", "7", "mapping.out_of_range", "quantity"),) if stored.value == b"partly" else ()
        return Mapped(stored, dead if stored.value == b"bad" else Produced(b"bundle", refused=refused))

    def bundle_of(stored: Stored, _: Context) -> Bundle:
        if stored.value == b"left out":
            return Bundle({"customer": None}, reason=OUT_OF_SCOPE)
        return Bundle({"customer": [], "internet_service": None})

    monkeypatch.setattr(replaying, "map_again", mapped)
    monkeypatch.setattr(replaying, "bundle_of", bundle_of)


def nothing(_: Letter) -> None:
    """There is no such message."""


def newest(stored: Stored | None) -> Callable[[str, int], Stored | None]:
    return lambda name, id: stored if (name, id) == ("account", 7) else None


@pytest.mark.parametrize(
    ("letter", "stored", "action"),
    [
        pytest.param(LETTER, an_event(), REPLAY, id="its rules were mended"),
        pytest.param(LETTER, an_event(value=b"bad"), REFUSED, id="its rules were not mended"),
        pytest.param(LETTER, an_event(101, 55), SUPERSEDED, id="a newer event lies on the topic"),
        pytest.param(LETTER, None, NOT_KEPT, id="its event is no longer kept"),
        pytest.param(replace(LETTER, state=CLOSED), an_event(), SUPERSEDED, id="something newer was written"),
        pytest.param(replace(LETTER, state=PASSED), an_event(), SUPERSEDED, id="it passed already"),
        pytest.param(replace(LETTER, stage="capture", place=None), an_event(), READ_AGAIN, id="capture set it aside"),
        pytest.param(replace(LETTER, root=None, sequence=None), an_event(), NOBODYS, id="nobody knows whose it is"),
        pytest.param(replace(LETTER, sequence=None), an_event(99, 30), NOT_KEPT, id="unreadable, and not kept"),
        pytest.param(replace(LETTER, sequence=None), an_event(101, 50), SUPERSEDED, id="unreadable, then a good one"),
        pytest.param(RECORD, an_event(), REPLAY, id="a record that Splynx refused"),
        pytest.param(RECORD, an_event(value=b"partly"), REFUSED, id="a record that alone cannot be mapped yet"),
        pytest.param(replace(RECORD, record="8"), an_event(value=b"partly"), REPLAY, id="another one of its bundle"),
        pytest.param(RECORD, an_event(101, 50), SUPERSEDED, id="a record, and a newer event"),
        pytest.param(RECORD, an_event(value=b"left out"), UNTOLD, id="a record that the rules leave out by now"),
        pytest.param(replace(RECORD, entity="internet_service"), an_event(), UNTOLD, id="its part was not read since"),
        pytest.param(replace(RECORD, record=None, sequence=None), an_event(), REPLAY, id="an unreadable bundle"),
    ],
)
def test_a_letter_is_replayed_only_where_nothing_newer_came(letter: Letter, stored: Stored | None, action: str) -> None:
    found = decide(letter, newest(stored), nothing, CONTEXT)
    assert found.action == action
    assert (found.mapped is not None) == (action == REPLAY)
    assert found.why or action == REPLAY


def test_what_was_not_read_is_to_be_read_again_and_what_is_left_out_is_not() -> None:
    unread, left_out = replace(RECORD, entity="internet_service"), an_event(value=b"left out")
    told = decide(unread, newest(an_event()), nothing, CONTEXT).why
    assert told == "internet_service could not be read; crossfade snapshot --only account --ids 7 reads it again"
    assert decide(RECORD, newest(left_out), nothing, CONTEXT).why == OUT_OF_SCOPE


def test_an_event_that_was_unreadable_is_tried_again_itself() -> None:
    letter = replace(LETTER, sequence=None)
    found = decide(letter, newest(an_event(99, 30)), lambda _: an_event(0, 40, b"bad"), CONTEXT)
    assert found.action == REFUSED
    found = decide(letter, newest(an_event(99, 30)), lambda _: an_event(0, 40), CONTEXT)
    assert found.mapped is not None
    assert found.mapped.stored.at.offset == 40


@pytest.mark.parametrize(
    ("applied", "value", "code"),
    [
        (True, b"bad", ExitCode.PARTLY),
        (True, b"left out", ExitCode.PARTLY),
        (False, b"bad", ExitCode.DONE),
        (True, b"good", ExitCode.DONE),
    ],
)
def test_what_stays_where_it_is_makes_the_command_end_with_5(applied: bool, value: bytes, code: ExitCode) -> None:
    decisions = [decide(RECORD, newest(an_event(value=value)), nothing, CONTEXT)]
    result: Any = replaying.LettersReplayed(applied, decisions, {}, 0, [])
    assert result.exit_code == code
    assert f"{RECORD.id}" in replaying.text_of(result.document())
