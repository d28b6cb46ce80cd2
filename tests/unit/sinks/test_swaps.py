"""Who stands in the way of another when values change hands."""

from dataclasses import replace

import pytest

from schemas.ledger import GONE, LIVE
from sinks.entries import Owner
from sinks.jobs import Job
from sinks.plan import Known, Step, Verb
from sinks.swaps import aside, in_the_way, moved
from tests.unit.sinks.records import PERSON

TARGET = replace(PERSON, once=("name",))


def job(key: str, before: str | None, now: str | None, *, state: str = LIVE) -> Job:
    known = None
    if before is not None:
        known = Known("person", key, int(key), "h", 1, state, 0, {"key": key, "name": before})
    document = {"key": key, "name": now} if now is not None else None
    verb = Verb.GONE if now is None else Verb.CREATE if known is None else Verb.CHANGE
    return Job(Step(verb, TARGET, key, "n", document, known), Owner("people", int(key), 2, 0, 1), "t", 0)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        pytest.param([job("1", "a", "b"), job("2", "b", "a")], ["1", "2"], id="a swap"),
        pytest.param([job("1", "a", "b"), job("2", "b", "c"), job("3", "c", "a")], ["1", "2", "3"], id="a ring"),
        pytest.param([job("1", "a", "B"), job("2", "b", "c")], ["2"], id="a chain, as the database compares"),
        pytest.param([job("1", None, "b"), job("2", "b", "c")], ["2"], id="a new one wants it"),
        pytest.param([job("1", "a", "b"), job("2", "b", "b")], [], id="it is kept"),
        pytest.param([job("1", "a", "c"), job("2", "b", "d")], [], id="nobody wants it"),
        pytest.param([job("1", "a", "A")], [], id="only spelled otherwise"),
        pytest.param([job("1", "a", "b"), job("2", "b", "c", state=GONE)], [], id="it was withdrawn before"),
    ],
)
def test_who_frees_what_another_wants_steps_aside(jobs: list[Job], expected: list[str]) -> None:
    assert [one.step.key for one in in_the_way(jobs)] == expected


def test_who_stands_aside_was_written_as_it_is_now() -> None:
    step = job("1", "a", "b").step
    values = aside(step, 7)
    after = moved(step, values)
    assert after.known is not None
    assert (after.known.document["name"], after.known.hash) == (values["name"], "")
    assert values["name"] not in {"a", "b"}
    assert after.document == step.document
