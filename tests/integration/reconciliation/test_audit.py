"""What a stage drops behind the auditor's back is named: the newest record and an older one, of either stage."""

import time
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from plumbing.kafka import committed_offsets, end_offsets, make_consumer, make_producer
from plumbing.settings import Settings, load_settings
from reconciliation.audit import NEWER, SAME
from reconciliation.gaps import NO_OUTCOME, NO_STATE, NOT_PROCESSED
from schemas.topics import Topics
from tests.integration.console.conftest import Site
from tests.integration.reconciliation.conftest import Pair, stages

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def pair(site: Site) -> Pair:
    """A pair that was copied, its stages ended; before that nothing was there to compare."""
    refused = Pair(site).run("reconcile")
    assert (refused.code, "holds no ledger" in refused.err) == (2, True), refused
    with stages(Pair(site)):
        pass
    return Pair(site)


@pytest.fixture
def settings(pair: Pair) -> Settings:
    """As the commands read them."""
    return load_settings(pair.site.config)


def audit(pair: Pair) -> list[dict[str, Any]]:
    """The gaps; exit code 3 when there are any."""
    ended = pair.run("status", "--audit", "--json")
    gaps: list[dict[str, Any]] = ended.document["audit"]
    assert ended.code == (3 if gaps else 0)
    return gaps


def commit_when_empty(consumer: Consumer, offset: TopicPartition, seconds: float = 90) -> None:
    """Commit for a group; the broker lets nobody else while it remembers a member that has just ended."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            consumer.commit(offsets=[offset], asynchronous=False)
        except KafkaException:
            assert time.monotonic() < deadline
            time.sleep(1)
        else:
            return


def test_a_pair_that_was_copied_is_accounted_for(pair: Pair) -> None:
    assert audit(pair) == []


def test_a_newest_record_and_an_older_one_that_the_sink_dropped_are_both_named(pair: Pair) -> None:
    topic = Topics(pair.site.settings["instance"]).splynx("account")
    ranges = pair.site.rows(
        f"SELECT * FROM {{ledger}}.outcomes WHERE topic = '{topic}' ORDER BY last_offset - first_offset DESC LIMIT 1"
    )
    (whole,) = ranges
    partition, first, last = whole["partition_no"], whole["first_offset"], whole["last_offset"]
    assert last - first >= 3, "a range of some messages is needed"
    newest, older = last, first + 1
    (applied,) = pair.site.rows(
        "SELECT sonar_id, sequence FROM {ledger}.aggregates WHERE aggregate = 'account'"
        f" AND partition_no = {partition} AND topic_offset = {newest}"
    )
    here = f"topic = '{topic}' AND partition_no = {partition} AND first_offset"
    pair.execute(
        f"UPDATE {{ledger}}.outcomes SET last_offset = {first} WHERE {here} = {first}",
        f"INSERT INTO {{ledger}}.outcomes VALUES ('{topic}', {partition}, {older + 1}, {newest - 1}, 'applied')",
        "UPDATE {ledger}.aggregates SET sequence = sequence - 1 WHERE aggregate = 'account'"
        f" AND sonar_id = {applied['sonar_id']}",
    )
    try:
        gaps = audit(pair)
    finally:
        pair.execute(
            f"DELETE FROM {{ledger}}.outcomes WHERE {here} = {older + 1}",
            f"UPDATE {{ledger}}.outcomes SET last_offset = {last} WHERE {here} = {first}",
            "UPDATE {ledger}.aggregates SET sequence = sequence + 1 WHERE aggregate = 'account'"
            f" AND sonar_id = {applied['sonar_id']}",
        )
    assert [(one["place"]["partition"], one["place"]["offset"], one["problem"]) for one in gaps] == [
        (partition, older, NO_OUTCOME),
        (partition, newest, NO_OUTCOME),
        (partition, newest, "is the newest of its aggregate, and the ledger has an older one"),
    ]
    assert gaps[-1]["sonar_id"] == applied["sonar_id"]


def test_events_that_the_processors_skipped_are_named_and_what_lies_before_them_is_not(
    pair: Pair, settings: Settings
) -> None:
    topics = Topics(settings.instance)
    topic = topics.sonar("account")
    consumer = make_consumer(settings.kafka, topics.process_group)
    try:
        (partition, (low, high)) = next(
            (number, span)
            for number, span in end_offsets(consumer, topic, settings.kafka.partitions).items()
            if span[1] > 2
        )
        consumer.assign([TopicPartition(topic, partition, low)])
        first, second = consumer.poll(30), consumer.poll(30)
        assert first is not None
        assert second is not None
        producer = make_producer(settings.kafka)
        # Again what was processed before, and bytes that are no event: nobody is there to process either.
        for value in (first.value(), second.value(), b"poison"):
            producer.produce(topic, partition=partition, key=first.key(), value=value)
        assert producer.flush(30) == 0
        assert audit(pair) == [], "what the processors have not committed is not theirs to account for"
        committed = committed_offsets(consumer, topic, settings.kafka.partitions)[partition]
        assert committed == high
        commit_when_empty(consumer, TopicPartition(topic, partition, high + 3))
        gaps = audit(pair)
    finally:
        consumer.close()
    assert [(one["place"]["topic"], one["place"]["offset"], one["problem"]) for one in gaps] == [
        (topic, high, NOT_PROCESSED),
        (topic, high + 1, NOT_PROCESSED),
        (topic, high + 2, NOT_PROCESSED),
    ]
    assert gaps[0]["sonar_id"] > 0
    assert gaps[2]["sonar_id"] == 0


def test_a_record_in_two_states_is_named(pair: Pair) -> None:
    held = (
        "INSERT INTO {ledger}.held SELECT entity, record_key, aggregate, sonar_id, 'dead', 'c', 'r', NULL, NULL,"
        " sequence - %d, hash, document, 'splynx.t.account', 0, 3, 'r', updated_at FROM {ledger}.crosswalk"
        " WHERE entity = 'customer' AND hash <> '' ORDER BY target_id LIMIT 1"
    )
    for older, problem in ((0, SAME), (1, NEWER)):
        pair.execute(held % older)
        try:
            (gap,) = [one for one in audit(pair) if " is dead" in one["problem"]]
        finally:
            pair.execute("DELETE FROM {ledger}.held WHERE code = 'c'")
        assert gap["problem"] == f"customer {gap['sonar_id']} is dead, and {problem}"
        assert gap["place"]["offset"] == 3


def test_a_record_in_no_state_is_named(pair: Pair) -> None:
    """Its bundle was taken, and the ledger knows of neither a row nor a reason."""
    (one,) = pair.site.rows(
        "SELECT c.record_key AS name, a.sonar_id, a.partition_no, a.topic_offset FROM {ledger}.crosswalk c"
        " JOIN {ledger}.aggregates a ON a.aggregate = c.aggregate AND a.sonar_id = c.sonar_id"
        " WHERE c.entity = 'customer_info' ORDER BY c.target_id LIMIT 1"
    )
    of_it = f"entity = 'customer_info' AND record_key = '{one['name']}'"
    lost = f"UPDATE {{ledger}}.crosswalk SET record_key = 'lost' WHERE {of_it}"
    held = (
        "INSERT INTO {ledger}.held SELECT 'customer_info', sonar_id, aggregate, sonar_id, 'parked', 'c', 'r', NULL,"
        " NULL, sequence, '', 'null', 'splynx.t.account', 0, 3, 'r', updated_at FROM {ledger}.aggregates"
    )

    def nowhere() -> list[dict[str, Any]]:
        return [gap for gap in audit(pair) if NO_STATE in gap["problem"]]

    assert nowhere() == []
    pair.execute(lost)
    try:
        (gap,) = nowhere()
        pair.execute(f"{held} WHERE aggregate = 'account' AND sonar_id = {one['sonar_id']}")
        assert nowhere() == [], "what waits is in a state"
        pair.execute("DELETE FROM {ledger}.held WHERE code = 'c'")
    finally:
        pair.execute(f"UPDATE {{ledger}}.crosswalk SET record_key = '{one['name']}' WHERE record_key = 'lost'")
    assert gap["problem"] == f"customer_info {one['name']} is neither written nor held"
    assert (gap["aggregate"], gap["sonar_id"]) == ("account", one["sonar_id"])
    assert (gap["place"]["partition"], gap["place"]["offset"]) == (one["partition_no"], one["topic_offset"])
