"""Which aggregates' last bundle was overtaken by one before it, and what is published again."""

from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import Mock

import pytest

from plumbing.kafka import NotAcknowledged
from plumbing.metrics import REGISTRY
from plumbing.reading import Place
from sinks import regressions as subject
from sinks.jobs import Delivery
from sinks.plan import AggregateState, Outcome
from sinks.regressions import Regressions, publish_again
from tests.unit.sinks.records import AGGREGATE, stamped

TOPIC = "splynx.t.thing"


def sent(offset: int, sequence: int = 1, generation: int = 1) -> Delivery:
    """Of thing 1, at an offset."""
    bundle = stamped({}, sequence=sequence, rules_generation=generation)
    return Delivery(TOPIC, 0, offset, b"k", f"{sequence}/{generation}".encode(), AGGREGATE, bundle)


def noted(*outcomes: Outcome | None) -> Regressions:
    """After a batch whose messages needed no work because of that; None: it was written."""
    regressions = Regressions()
    deliveries = [sent(offset) for offset in range(len(outcomes))]
    done = {one.at: (outcome, "") for one, outcome in zip(deliveries, outcomes, strict=True) if outcome is not None}
    regressions.note(deliveries, done, {})
    return regressions


@pytest.mark.parametrize(
    ("outcomes", "count"),
    [
        pytest.param([Outcome.STALE], 1, id="an older one"),
        pytest.param([None, Outcome.STALE], 1, id="behind a newer one of its batch"),
        pytest.param([Outcome.SUPERSEDED], 1, id="of older rules"),
        pytest.param([Outcome.STALE, None], 0, id="before a newer one"),
        pytest.param([Outcome.STALE, Outcome.UNCHANGED], 0, id="before the newest one again"),
        pytest.param([Outcome.SUPERSEDED, None], 0, id="the usual"),
    ],
)
def test_what_matters_is_what_became_of_the_last_one(outcomes: list[Outcome | None], count: int) -> None:
    assert len(noted(*outcomes)) == count


def test_a_newer_one_in_a_later_batch_settles_it() -> None:
    regressions = noted(Outcome.STALE)
    regressions.note([sent(7)], {}, {})
    assert len(regressions) == 0


def test_what_was_taken_back_is_not_written_again_by_its_newest_bundle() -> None:
    regressions, late = Regressions(), sent(7)
    taken_back = {("thing", 1): AggregateState(9, "h", 1, "rolled_back")}
    regressions.note([late], {late.at: (Outcome.STALE, "")}, taken_back)
    assert len(regressions) == 0


def test_poison_says_nothing_about_anybody() -> None:
    regressions = noted(Outcome.STALE)
    poison = Delivery(TOPIC, 0, 7, b"k", b"", AGGREGATE, None)
    regressions.note([poison], {poison.at: (Outcome.DEAD_LETTERED, "")}, {})
    assert len(regressions) == 1


def test_of_a_replay_of_everything_not_all_is_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_MOST", 0)
    assert len(noted(Outcome.STALE)) == 0


def published(
    monkeypatch: pytest.MonkeyPatch, regressions: Regressions, *there: tuple[int, int], error: Exception | None = None
) -> Sequence[bytes]:
    """The values that are published again where these bundles lie, each a sequence and a generation."""
    messages = [Mock(**{"key.return_value": b"k", "value.return_value": f"{s}/{g}".encode()}) for s, g in there]

    def spans(*_: object) -> Iterator[tuple[Place, Mock]]:
        for offset, message in enumerate(messages):
            yield Place(TOPIC, 0, offset), message

    def decoded(topic: str, partition: int, offset: int, key: bytes, value: bytes) -> Delivery:
        return sent(offset, *map(int, value.split(b"/")))

    monkeypatch.setattr(subject, "watermarks", lambda *_: (0, len(there)))
    monkeypatch.setattr(subject, "read_spans", spans)
    bus: Any = Mock(**{"flush.side_effect": error})
    subject._publish_again(Mock(**{"intake.delivery": decoded}), bus, regressions)
    return [call.kwargs["value"] for call in bus.produce.call_args_list]


def counted() -> float:
    return REGISTRY.get_sample_value("crossfade_bundles_published_again_total", {"topic": TOPIC}) or 0.0


@pytest.mark.parametrize(
    ("there", "again"),
    [
        pytest.param([(1, 1), (3, 1), (2, 1)], [b"3/1"], id="an older state"),
        pytest.param([(3, 2), (3, 1)], [b"3/2"], id="older rules"),
        pytest.param([(3, 1), (2, 1), (3, 1)], [], id="the newest came again by itself"),
        pytest.param([(2, 1)], [], id="what was newer lies in another partition"),
    ],
)
def test_the_newest_is_published_again_unless_it_is_the_last(
    monkeypatch: pytest.MonkeyPatch, there: list[tuple[int, int]], again: list[bytes]
) -> None:
    regressions, before = noted(Outcome.STALE), counted()
    assert published(monkeypatch, regressions, *there) == again
    assert len(regressions) == 0
    assert counted() - before == len(again)


async def test_what_was_not_acknowledged_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    regressions = noted(Outcome.STALE)
    with pytest.raises(NotAcknowledged):
        published(monkeypatch, regressions, (3, 1), (2, 1), error=NotAcknowledged("not yet"))
    assert len(regressions) == 1
    assert await publish_again(Mock(), Mock(), Regressions()) == 0
