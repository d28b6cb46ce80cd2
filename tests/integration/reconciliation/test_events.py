"""The newest event of each aggregate, whatever partition it lies in and whatever came after it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from plumbing.avro import Codec, make_registry
from plumbing.kafka import make_producer
from reconciliation.events import Events
from schemas.avro import envelope_schema
from schemas.catalogue import aggregate
from schemas.envelope import Event, envelope_of
from tests.integration.capture.conftest import PARTITIONS, Site, make_site

__all__ = ["make_site"]

ACCOUNTS = 6


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A few accounts on their topic."""
    made = make_site(ACCOUNTS)
    made.capture()
    return made


@pytest.fixture
def events(site: Site) -> Iterator[Events]:
    """Read up to now."""
    with Events(site.settings) as made:
        made.read_on()
        yield made


def publish(site: Site, event: Event, partition: int, value: bytes | None = None) -> None:
    """Put an event on a partition of the accounts' topic."""
    topic = site.topics.sonar("account")
    with make_registry(site.settings.registry) as registry:
        codec = Codec(registry, f"{topic}-value", envelope_schema(aggregate("account")))
        producer = make_producer(site.settings.kafka)
        key = json.dumps({"id": event.sonar_id}).encode()
        producer.produce(topic, partition=partition, key=key, value=value or codec.encode(envelope_of(event)))
        assert producer.flush(30) == 0


def newest(events: Events, **more: Any) -> dict[int, Event]:
    """`{account: its newest event}`, read in small pages."""
    return {at.id: event for page in events.newest("account", 2, **more) for at, event in page}


def test_every_aggregate_has_one_newest_event(site: Site, events: Events) -> None:
    expected = {id: event.sequence for id, event in site.folded("account").items()}
    assert {id: event.sequence for id, event in newest(events).items()} == expected
    assert len(expected) == ACCOUNTS
    assert events.count() >= ACCOUNTS


def test_the_highest_sequence_wins_over_later_offsets_and_other_partitions(site: Site, events: Events) -> None:
    first = next(iter(newest(events).values()))
    for partition in range(PARTITIONS):
        publish(site, replace(first, sequence=first.sequence - 1, op="d", after=None), partition)
    events.read_on()
    assert newest(events)[first.sonar_id].op != "d"
    publish(site, replace(first, sequence=first.sequence + 1, op="d", after=None), 0)
    publish(site, first, 1, b"poison")
    events.read_on()
    assert newest(events)[first.sonar_id].op == "d"
    found = events.find("account", first.sonar_id)
    assert found is not None
    assert (found.sequence, found.partition) == (first.sequence + 1, 0)


def test_some_accounts_are_asked_for_alone(events: Events) -> None:
    one = min(newest(events))
    assert list(newest(events, accounts=[str(one)])) == [one]
    assert newest(events, accounts=[]) == {}


def test_what_the_mapper_refuses_is_remembered_until_a_newer_event_comes(site: Site, events: Events) -> None:
    page = next(events.newest("account", 1))
    ((at, event),) = page
    events.refuse(at, "mapping.unmapped_value")
    assert events.refused() == {"account": {"mapping.unmapped_value": 1}}
    publish(site, replace(event, sequence=event.sequence + 1), 0)
    events.read_on()
    assert events.refused() == {}
