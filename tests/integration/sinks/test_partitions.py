"""Where the sink goes on in a partition, and with whom it shares them."""

import asyncio

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource  # type: ignore[attr-defined]

from plumbing.kafka import make_admin, partition_of
from sinks.ledger_errors import HistoryLost
from sinks.rebuild import run_rebuild
from sinks.runner import run_sink
from tests.integration.instance import make_anew
from tests.integration.sinks.pair import PARTITIONS, Pair, account, going_on, until

pytestmark = pytest.mark.timeout(300)


@pytest.mark.fault(9)
async def test_a_checkpoint_beyond_the_topic_halts(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    with pair.mariadb.connect(pair.splynx.ledger) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE checkpoint SET next_offset = next_offset + 100")
    with pytest.raises(HistoryLost):
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)


@pytest.mark.fault(9)
async def test_a_checkpoint_below_what_the_topic_keeps_halts(pair: Pair) -> None:
    for sequence in (2, 3, 4):
        pair.send("account", 1, account(1), sequence=sequence, owner=1)
    await pair.sink()
    pair.run("UPDATE {ledger}.checkpoint SET next_offset = 1 WHERE next_offset = 3")
    place = TopicPartition(pair.topics.splynx("account"), partition_of(1, PARTITIONS), 2)
    admin = make_admin(pair.settings.kafka)
    policy = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
    cut = ConfigResource(ConfigResource.Type.TOPIC, place.topic, incremental_configs=[policy])
    for future in admin.incremental_alter_configs([cut]).values():
        future.result(30)
    for future in admin.delete_records([place]).values():
        future.result(30)
    with pytest.raises(HistoryLost, match="goes on from 1, but holds 2 to 3") as caught:
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)
    assert "ledger rebuild" in caught.value.next_step


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    "earlier", [False, True], ids=["noted at first", "noted later: by an earlier release's ledger"]
)
async def test_a_topic_that_was_made_anew_halts_also_when_it_has_the_offset_to_go_on_from(
    pair: Pair, earlier: bool
) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    if earlier:
        pair.run("DELETE FROM {ledger}.meta WHERE name LIKE 'topic %'")
        pair.send("account", 1, account(1), sequence=3, owner=1)
        await pair.sink()
    topic = pair.topics.splynx("account")
    make_anew(pair.settings.kafka, topic, PARTITIONS)
    for sequence in (3, 4, 5):
        pair.send("account", sequence, account(sequence), sequence=sequence, owner=1)
    with pytest.raises(HistoryLost, match=rf"{topic} was made anew") as caught:
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)
    assert "ledger rebuild" in caught.value.next_step
    assert pair.rows("SELECT login FROM customers") == [{"login": "s1"}]
    await run_rebuild(pair.settings, apply=True)
    await pair.sink()
    assert pair.rows("SELECT login FROM customers ORDER BY login") == [{"login": f"s{one}"} for one in (1, 3, 4, 5)]


@pytest.mark.fault(8)
async def test_two_sinks_share_the_partitions_and_neither_waits_for_itself(pair: Pair) -> None:
    stop = asyncio.Event()
    one = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    await until(pair, "SELECT 1 FROM {ledger}.fence GROUP BY owner HAVING COUNT(*) = 2", going_on(one))
    two = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    await until(pair, "SELECT 1 FROM {ledger}.fence HAVING MIN(token) = 2", going_on(one), going_on(two))
    for number in range(1, 9):
        pair.send("account", number, account(number), sequence=2, owner=number)
    await until(pair, "SELECT 1 FROM {ledger}.aggregates HAVING COUNT(*) = 8", going_on(one), going_on(two))
    stop.set()
    done = await asyncio.gather(one, two)
    assert sorted(summary.consumed for summary in done)[0] > 0
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 8
