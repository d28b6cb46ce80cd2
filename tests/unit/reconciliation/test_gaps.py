"""What a stage dropped behind the auditor's back is named."""

import random
import tracemalloc
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import pytest

from plumbing.reading import Place
from reconciliation.folding import Bundle, Fold, Key
from reconciliation.gaps import (
    NAMED,
    NO_OUTCOME,
    NO_STATE,
    NOT_PROCESSED,
    Event,
    Gap,
    Gaps,
    Held,
    ProcessAudit,
    Record,
    SinkAudit,
)
from reconciliation.outcomes import Exceptions, Outcomes

TOPIC, EVENTS = "splynx.main.account", "sonar.main.account"


def at(offset: int) -> Place:
    return Place(TOPIC, 0, offset)


def a_bundle(offset: int, sonar_id: int, sequence: int, digest: str = "a") -> Bundle:
    return Bundle(at(offset), "account", sonar_id, sequence, 1, digest)


SEEN = [a_bundle(0, 5, 10), a_bundle(1, 6, 11), a_bundle(2, 5, 12)]
LEDGER = {("account", 5): Held(12, 1, "a"), ("account", 6): Held(11, 1, "a")}
WHOLE = Outcomes({(TOPIC, 0): [(0, 2, "applied")]}, Exceptions())


def gaps_of(
    seen: Iterable[Bundle], ledger: Mapping[Key, Held], outcomes: Outcomes, states: Collection[Record] = ()
) -> list[Gap]:
    with Fold() as newest:
        audit = SinkAudit(outcomes, newest)
        for one in seen:
            audit.see(one)
        for part in audit.newest(2):
            audit.compare(part, ledger, states)
    return audit.gaps.named


def test_a_ledger_that_followed_every_message_has_no_gap() -> None:
    assert gaps_of(SEEN, LEDGER, WHOLE) == []


def test_a_dropped_newest_record_and_a_dropped_older_one_are_both_named() -> None:
    outcomes = Outcomes({(TOPIC, 0): [(1, 1, "applied")]}, Exceptions())
    ledger = {**LEDGER, ("account", 5): Held(9, 1, "a")}
    assert [(one.place.offset, one.problem) for one in gaps_of(SEEN, ledger, outcomes)] == [
        (0, NO_OUTCOME),
        (2, NO_OUTCOME),
        (2, "is the newest of its aggregate, and the ledger has an older one"),
    ]


@pytest.mark.parametrize(
    ("held", "problem"),
    [
        pytest.param(None, "the ledger has none", id="nothing"),
        pytest.param(Held(10, 1, "a"), "the ledger has an older one", id="an older one"),
        pytest.param(Held(12, 1, "b"), "the ledger has another hash", id="another content"),
        pytest.param(Held(12, 0, "b"), "the ledger has another hash", id="what earlier rules made of it"),
    ],
)
def test_a_newest_bundle_that_the_ledger_lacks_is_named(held: Held | None, problem: str) -> None:
    ledger = {("account", 6): LEDGER[("account", 6)]} | ({("account", 5): held} if held else {})
    expected = Gap(at(2), "account", 5, f"is the newest of its aggregate, and {problem}")
    assert gaps_of(SEEN, ledger, WHOLE) == [expected]


@pytest.mark.parametrize(
    "held",
    [Held(13, 1, "b"), Held(12, 2, "b"), Held(10, 2, "b"), Held(12, 0, "a")],
    ids=["a later event", "later rules", "later rules of an older event", "the same by earlier rules"],
)
def test_a_bundle_that_the_sink_rightly_passed_over_is_no_gap(held: Held) -> None:
    assert gaps_of(SEEN, {**LEDGER, ("account", 5): held}, WHOLE) == []


OWNS = {"customer": ["5"], "internet_service": ["51", "52"]}


@pytest.mark.parametrize(
    ("held", "named"),
    [
        pytest.param(Held(12, 1, "a"), ["internet_service 52"], id="the one that is neither written nor held"),
        pytest.param(Held(13, 1, "b"), [], id="none, for a newer bundle was taken meanwhile"),
        pytest.param(Held(12, 2, "b"), [], id="none, for later rules mapped it otherwise"),
    ],
)
def test_a_record_of_the_newest_bundle_that_is_in_no_state_is_named(held: Held, named: list[str]) -> None:
    newest = replace(SEEN[2], records=OWNS)
    states = [("customer", "5"), ("internet_service", "51"), ("customer", "52")]
    gaps = gaps_of([*SEEN[:2], newest], {**LEDGER, ("account", 5): held}, WHOLE, states)
    assert gaps == [Gap(at(2), "account", 5, f"{one} {NO_STATE}") for one in named]


def test_an_offset_with_two_outcomes_is_named() -> None:
    twice = Outcomes({(TOPIC, 0): [(0, 2, "applied"), (1, 1, "stale")]}, Exceptions())
    assert [(one.place.offset, one.problem) for one in gaps_of(SEEN, LEDGER, twice)] == [(1, "has 2 outcomes")]


def test_a_dead_letter_need_not_stand_in_the_ledger() -> None:
    outcomes = Outcomes({(TOPIC, 0): [(0, 3, "applied")]}, Exceptions([(at(3), "dead_lettered")]))
    assert gaps_of([*SEEN, a_bundle(3, 7, 13)], LEDGER, outcomes) == []


def test_poison_needs_an_outcome_and_nothing_else() -> None:
    poison = Bundle(at(3), "account")
    assert [one.place.offset for one in gaps_of([*SEEN, poison], LEDGER, WHOLE)] == [3]


@pytest.mark.parametrize(
    ("offset", "outcomes"),
    [(0, ["a"]), (4, ["a"]), (5, []), (6, ["c", "b"]), (9, ["b"]), (10, []), (11, ["x"]), (12, ["d"])],
)
def test_an_offset_lies_in_its_range_or_in_none(offset: int, outcomes: list[str]) -> None:
    ranges = [(11, 12, "d"), (0, 4, "a"), (6, 9, "b"), (6, 6, "c")]
    held = Outcomes({(TOPIC, 0): ranges}, Exceptions([(at(2), "a"), (at(11), "x")]))
    assert sorted(held.of(at(offset))) == sorted(outcomes)


def an_event(offset: int, sonar_id: int, sequence: int | None, *, old: bool = False) -> Event:
    return Event(Place(EVENTS, 0, offset), "account", sonar_id, sequence, old)


@pytest.fixture
def processed() -> Iterator[ProcessAudit]:
    """Of account 5 two events became bundles, of account 6 one was set aside."""
    with Fold() as newest:
        audit = ProcessAudit(newest)
        audit.see_bundle(a_bundle(0, 5, 10), Place(EVENTS, 0, 0))
        audit.see_bundle(a_bundle(1, 5, 12), Place(EVENTS, 0, 3))
        yield audit.cover(Place(EVENTS, 0, 1))


@pytest.mark.parametrize(
    ("event", "named"),
    [
        pytest.param(an_event(0, 5, 10), False, id="has its bundle"),
        pytest.param(an_event(1, 6, 11), False, id="has its dead letter"),
        pytest.param(an_event(2, 5, 11), True, id="an older one, dropped"),
        pytest.param(an_event(2, 5, 11, old=True), False, id="an older one, compacted since"),
        pytest.param(an_event(4, 5, 13), True, id="the newest one, dropped"),
        pytest.param(an_event(4, 5, 13, old=True), True, id="the newest one is never compacted"),
        pytest.param(an_event(9, 7, 14), True, id="the only one, dropped"),
        pytest.param(an_event(2, 0, None), True, id="poison that nobody set aside"),
    ],
)
def test_an_event_is_accounted_for_or_named(processed: ProcessAudit, event: Event, named: bool) -> None:
    processed.see_event(event)
    assert [one.problem for one in processed.gaps.named] == ([NOT_PROCESSED] if named else [])


def test_of_very_many_gaps_the_first_are_named_and_the_rest_counted() -> None:
    gaps = Gaps()
    for offset in range(NAMED + 7):
        gaps.add(at(offset), "account", offset, NO_OUTCOME)
    assert ([one.place.offset for one in gaps.named], gaps.omitted) == (list(range(NAMED)), 7)


def test_what_is_folded_is_not_kept_in_memory() -> None:
    """A million keys took 600 MB."""
    with Fold() as newest, Fold() as seen:
        sinks = SinkAudit(Outcomes({(TOPIC, 0): [(0, 20_000, "applied")]}, Exceptions()), newest)
        processors, held = ProcessAudit(seen), list[int]()
        tracemalloc.start()
        try:
            for number in range(20_000):
                one = a_bundle(number, 10**6 + number, 10**15 + number, f"{number:032}")
                sinks.see(one)
                processors.see_bundle(one, Place(EVENTS, 0, number))
                if number in (5_000, 19_999):
                    held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert held[1] - held[0] < 500_000  # as many as are entered at once; each kept would be nine million


def test_the_newest_of_each_key_stays_whatever_the_order_and_comes_in_parts_of_one_aggregate() -> None:
    """More of them than are entered at once."""
    chance = random.Random(5)
    told = [(id, chance.randrange(9), chance.randrange(3)) for id in range(700) for _ in range(3)]
    chance.shuffle(told)
    newest: dict[int, tuple[int, int, int]] = {}
    with Fold() as fold:
        for offset, (id, sequence, generation) in enumerate(told):
            fold.add(Bundle(at(offset), "account" if id < 600 else "payment", id, sequence, generation, f"{offset}"))
            newest[id] = max(newest.get(id, (0, 0, 0)), (sequence, generation, offset))
        parts = list(fold.parts(400))
        assert [fold.sequence_of(("account", id)) for id in (0, 599, 600)] == [newest[0][0], newest[599][0], None]
    assert [(part[0].aggregate, len(part)) for part in parts] == [("account", 400), ("account", 200), ("payment", 100)]
    found = {one.sonar_id: (one.sequence, one.generation, one.place.offset) for part in parts for one in part}
    assert found == newest
    assert list(found) == sorted(found)
