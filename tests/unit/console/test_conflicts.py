"""What is said before anything is decided about edits in Splynx, and how the command ends."""

from datetime import UTC, datetime
from typing import Any

import pytest

from console.conflicts import ConflictSettled, Filter, document_of, list_document, list_text
from console.conflicts_resolve import Resolved, checked, text_of
from plumbing.errors import ConfigurationError, ExitCode
from schemas.ownership import DECLARED
from sinks.tables.base import naive

ROW = {
    "id": 17, "state": "open", "entity": "customer", "record_key": "5", "target_id": 42, "account": 5, "field": "city",
    "sequence": 9, "at": naive(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)), "since": None,
    "settled_at": None, "settled_by": None,
    "settled_run": None, "base": '"Oslo"', "source": '"Rome"', "target": '"Bern"',
}  # fmt: skip


@pytest.mark.parametrize(
    ("take", "wanted", "everything", "says"),
    [
        pytest.param("mine", Filter(ids=[1]), False, "nobody's value", id="whose value is not known"),
        pytest.param("source", Filter(), False, "saying nothing", id="which ones is not said"),
    ],
)
def test_what_is_not_said_is_asked_for(take: str, wanted: Filter, everything: bool, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        checked(take, wanted, everything=everything)
    assert (refused.value.exit_code, bool(refused.value.next_step)) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("wanted", "everything"),
    [(Filter(), True), (Filter(ids=[1]), False), (Filter(entities=["customer"]), False), (Filter(account=5), False)],
)
def test_what_is_said_is_enough(wanted: Filter, everything: bool) -> None:
    checked("rules", wanted, everything=everything)


def test_one_that_was_decided_already_is_a_mistake_of_the_caller() -> None:
    assert ConflictSettled("conflict 17 is kept already").exit_code is ExitCode.USAGE


@pytest.mark.parametrize("values", [False, True])
def test_values_are_shown_only_when_they_are_asked_for(values: bool) -> None:
    document = list_document([ROW], DECLARED, values=values)
    text = list_text(document)
    for one in ("Oslo", "Rome", "Bern"):
        assert (one in text, one in str(document)) == (values, values)
    assert "1 wait for a decision" in text
    assert (document["conflicts"][0]["owner"], document["counts"]) == ("source", {"open": 1})


@pytest.mark.parametrize(
    ("applied", "state", "code"),
    [(True, "open", ExitCode.PARTLY), (True, "taken", ExitCode.DONE), (False, "open", ExitCode.DONE)],
)
def test_it_ends_with_5_when_some_still_wait(applied: bool, state: str, code: ExitCode) -> None:
    one: dict[str, Any] = document_of(ROW | {"state": state}, DECLARED, values=False) | {"action": "x", "why": ""}
    result = Resolved(applied, "run" if applied else None, "source", [one])
    assert result.exit_code is code
    assert ("Nothing was changed" in text_of(result.document())) is not applied
