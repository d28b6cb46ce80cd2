"""Texts at the edge of what one may be: in a processor's bundles they are clean, as its mapper says, or set aside."""

import random
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from processors.transform import DeadLetter
from schemas.avro import value_of
from schemas.bundle import Bundle, record_document
from schemas.catalogue import TARGETS, aggregate
from schemas.envelope import Event
from schemas.records import MaxLength, marks
from schemas.shapes import members
from schemas.values.errors import MappingError
from schemas.values.text import one_line
from tests.builders import RULES, a_contact, a_payment, an_account, an_address
from tests.faults.alarms import dead_letters, rings
from tests.faults.seeds import seeds
from tests.faults.test_processor_drift import DRIFTS, Stream

EVENTS = 20
AS_IT_WAS = DRIFTS["as it was"][1]
TEXTS = (
    "", "null", "NULL", "None", "0", "007", "1e3", "-0", "false", " both ends ", "trailing  ", "\t", "\u00a0",
    "two\nlines\r\n", "\U0001f600 Ada", "\U0001f469\u200d\U0001f680", "e\u0301 is not \u00e9", "\u202eabc",
    "\u05e9\u05dc\u05d5\u05dd", "a\u0000b", "\u0000", "bell\u0007 and \u001b[31m", "O'Neil \\ \"x\" %s {}", "'; --",
    "<b>bold</b> &amp; <br>", "\U00020000" * 70, "x" * 5_000, "word " * 200, "0000-00-00",
)  # fmt: skip
"""Empty, what looks like nothing or like a number, blanks, right to left, four bytes to a character, control
characters, what SQL and HTML escape, and far too long."""
NAMELESS = ("", "\t", "\u00a0", "\u0000")
"""Names of which nothing is left: an account of each stream has one."""


def _account(chance: random.Random, number: int) -> Any:
    # Of blanks alone no address is none yet: it is told as entered, with nothing behind that.
    mail = chance.choice([one for one in TEXTS if one_line(one) or not one])
    contact = a_contact(email_address=mail, **_odd(chance, "name", "username"))
    address = an_address(**_odd(chance, "line1", "line2", "city", "zip"))
    return an_account(id=number, contacts=[contact], addresses=[address], **_odd(chance, "name"))


def _payment(chance: random.Random, number: int) -> Any:
    return a_payment(id=number, **_odd(chance, "description", "reference", "transaction_id", "payment_tracker_id"))


def _odd(chance: random.Random, *names: str) -> dict[str, str]:
    return {name: chance.choice(TEXTS) for name in names}


def _event(name: str, number: int, record: Any, sequence: int) -> Event:
    return Event(
        aggregate=name, sonar_id=number, owner_id=number, op="u", after=value_of(record), sequence=sequence,
        snapshot=False, source_ts_ms=1_700_000_000_000, read_ts_ms=1_700_000_001_000, run_id="r",
        schema_fingerprint="f", instance="main",
    )  # fmt: skip


def _expected(name: str, record: Any) -> Bundle | str:
    """The bundle that its mapper makes, or the code of why it makes none."""
    mapper = aggregate(name).mapper
    assert mapper is not None
    try:
        return mapper(record, RULES)
    except MappingError as exc:
        return exc.code


def _documents(bundle: Bundle) -> dict[str, list[dict[str, Any]]]:
    return {entity: [record_document(one) for one in some or ()] for entity, some in bundle.records.items()}


def _texts(bundle: Bundle) -> Iterator[tuple[str, str, int | None]]:
    """Each text of each record: its field, what it is, and how long it may be."""
    for entity, records in bundle.records.items():
        for member in members(TARGETS[entity].record):
            longest = next((mark.characters for mark in marks(list(member.metadata), MaxLength)), None)
            for record in records or ():
                value = getattr(record, member.name)
                if isinstance(value, str):
                    yield f"{entity}.{member.name}", value, longest


@pytest.mark.fault(29)
@rings(dead_letters("process"))
@seeds(30, guards={"control characters are taken out": 1})
def test_odd_texts_are_clean_in_the_bundles_of_a_processor_or_set_aside(seed: int) -> None:
    chance, stream = random.Random(seed), Stream(f"values-{seed}")
    for sequence in range(1, EVENTS + 1):
        name, made = chance.choice([("account", _account), ("payment", _payment)])
        record = made(chance, sequence)
        if sequence == EVENTS:
            name, record = "account", an_account(id=sequence, name=chance.choice(NAMELESS))
        event = _event(name, sequence, record, sequence)
        found, expected = stream.result(event, AS_IT_WAS), _expected(name, record)
        if isinstance(expected, str):
            assert isinstance(found, DeadLetter)
            assert (found.code, found.at.offset) == (expected, sequence)
            continue
        bundle = stream.bundle(event, found)
        assert _documents(bundle) == _documents(expected)
        for field, text, longest in _texts(bundle):
            assert not [sign for sign in text if unicodedata.category(sign) == "Cc" and sign not in "\t\n"], field
            assert text == unicodedata.normalize("NFC", text.strip()), field
            assert longest is None or len(text) <= longest, field
