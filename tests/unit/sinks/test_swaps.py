"""Who stands in the way of another when values change hands."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ledger import GONE, LIVE
from sinks.entries import Owner
from sinks.jobs import Job
from sinks.plan import Known, Step, Verb
from sinks.swaps import able_to_move, aside, granted, in_the_way, moved, stands_aside, ways_back
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
        pytest.param([job("1", "a", "b"), job("2", "b", None)], [], id="what is withdrawn keeps it"),
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


@pytest.mark.parametrize(
    ("written", "state", "stands"),
    [
        pytest.param("moving-1-7", LIVE, True, id="whatever bundle it was for"),
        pytest.param("moving-1-7", GONE, False, id="it was withdrawn since"),
        pytest.param("moving-12-7", LIVE, False, id="a name like that of another"),
        pytest.param("a", LIVE, False, id="it has its own"),
        pytest.param(None, LIVE, False, id="it is new"),
    ],
)
def test_who_stands_aside_is_known_by_what_was_written_last(written: str | None, state: str, stands: bool) -> None:
    assert stands_aside(job("1", written, "b", state=state).step) is stands


@pytest.mark.parametrize(
    ("now", "images", "ways"),
    [
        pytest.param("b", [{"name": "o"}, {"name": "a"}], [{"name": "b"}, {"name": "a"}], id="its own, or the last"),
        pytest.param(None, [{"name": "a"}, {"status": "x"}], [{"name": "a"}], id="it has no own"),
        pytest.param(
            "b", [{"name": "a"}, {"name": "moving-1-2"}], [{"name": "b"}, {"name": "a"}], id="not aside again"
        ),
        pytest.param("b", [], [{"name": "b"}], id="nobody knows what it had"),
    ],
)
def test_who_stands_aside_gets_its_own_value_else_that_of_before(
    now: str | None, images: list[dict[str, Any]], ways: list[dict[str, Any]]
) -> None:
    assert ways_back(job("1", "moving-1-2", now).step, images) == ways


class People:
    """Splynx's, by id; a search for a name finds what its database takes for equal."""

    def __init__(self, **names: str) -> None:
        self._names = names

    async def list(self, _: str, search: Any) -> list[dict[str, Any]]:
        return [
            {"id": id[1:], "name": name}
            for id, name in self._names.items()
            if name.lower() == search.main["name"].lower()
        ]


@pytest.mark.parametrize(
    ("jobs", "able"),
    [
        pytest.param([job("1", "a", "b"), job("2", "b", "a")], {"1", "2"}, id="a swap"),
        pytest.param([job("1", "a", "free")], {"1"}, id="what it is to get is free"),
        pytest.param([job("1", "a", "Kept")], set(), id="somebody keeps what it is to get"),
        pytest.param([job("1", "a", "b"), job("2", "b", "kept")], set(), id="and so does who waits for it"),
    ],
)
async def test_nobody_steps_aside_who_would_stay_there(jobs: list[Job], able: set[str]) -> None:
    """Its customer could not log in."""
    client: Any = People(_1="a", _2="b", _9="kept")
    assert await able_to_move(client, [one.step for one in jobs]) == {("person", key) for key in able}


@pytest.mark.parametrize(
    ("wanted", "holders", "may"),
    [
        pytest.param({1: "B"}, {}, {1}, id="nobody has it"),
        pytest.param({1: "B", 2: "A"}, {"A": [1], "B": [2]}, {1, 2}, id="a swap"),
        pytest.param({1: "B", 2: "C", 3: "A"}, {"A": [1], "B": [2], "C": [3]}, {1, 2, 3}, id="a ring"),
        pytest.param({1: "B", 2: "C"}, {"A": [1], "B": [2]}, {1, 2}, id="a chain with a free end"),
        pytest.param({1: "B", 2: "C"}, {"A": [1], "B": [2], "C": [9]}, set(), id="a chain that ends at somebody's"),
        pytest.param({1: "B", 2: "A"}, {"A": [1], "B": [2, 9]}, set(), id="a swap with what is there twice"),
        pytest.param({1: "C", 2: "C"}, {}, {1}, id="two want one"),
        pytest.param({2: "A"}, {"A": [1]}, set(), id="behind one that may not move"),
        pytest.param({1: "a"}, {"a": [1]}, {1}, id="its own, spelled otherwise"),
    ],
)
def test_a_value_is_taken_when_nobody_is_left_who_has_it(
    wanted: dict[int, str], holders: dict[str, list[int]], may: set[int]
) -> None:
    assert granted(wanted, holders) == may


@given(st.dictionaries(st.integers(0, 7), st.sampled_from("ABCDEFGHXY"), max_size=8))
def test_however_they_move_no_two_rows_have_one_value(wanted: dict[int, str]) -> None:
    has = dict(enumerate("ABCDEFGH"))
    holders = {value: [id] for id, value in has.items()}
    after = has | {id: wanted[id] for id in granted(wanted, holders)}
    assert len(set(after.values())) == len(after)
