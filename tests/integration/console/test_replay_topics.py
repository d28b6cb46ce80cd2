"""A replay on the topics alone: what it takes, what it puts there, and that what is newest stays last."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import yaml
from confluent_kafka import TopicPartition
from structlog.testing import capture_logs

import console.replay_bundles as bundles_again
from clients.mysql import Database, Transaction
from console.letter_sources import message_at
from console.pilot import Pilot
from console.replay import Replay, run_replay
from console.replay_asof import as_of
from console.replay_bundles import Mapped, Publisher, mapped_again, rules_of_now
from console.replay_scope import EARLIEST, BeforeRetention, chosen, find_scope
from plumbing.kafka import AckedProducer, make_admin, make_consumer, make_producer
from plumbing.settings import Settings
from processors.batch import process_batch
from processors.context import Context
from producers.orders import Order
from reconciliation.events import Events
from schemas.bundle import StampedBundle
from sinks.plan import AggregateState, Known
from sinks.store import AggregateKey, Ledger
from tests.integration.capture.conftest import Site, make_site
from tests.integration.processors.conftest import MAPPED, RULES, bundles, by_origin, dead, poison

__all__ = ["make_site"]


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A small ISP whose snapshot was processed."""
    made = make_site(12)
    shutil.copy(RULES, made.settings.rules)
    made.capture()
    process_batch(made.settings, until_end=True)
    return made


def replay(site: Site, **more: Any) -> Replay:
    """Replay for real."""
    asked: dict[str, Any] = {"only": (), "account": None, "since": EARLIEST, "engine": "batch", "apply": True, **more}
    return asyncio.run(run_replay(site.settings, tell=lambda *_: None, **asked))


def counted(site: Site, name: str) -> Counter[int]:
    """`{Sonar id: bundles on the topic}`."""
    return Counter(one.sonar_id for one in bundles(site, name))


def last_ones(site: Site, name: str) -> dict[int, StampedBundle]:
    """What compaction would keep."""
    return {one.sonar_id: one for one in bundles(site, name)}


def test_each_newest_event_is_published_once_as_the_engines_publish_it(site: Site) -> None:
    before = {name: by_origin(site, name) for name in MAPPED}
    result = replay(site)
    assert not result.resumed
    for name in MAPPED:
        assert by_origin(site, name) == before[name]
        assert set(counted(site, name).values()) == {2}
        assert result.published[name] == len(counted(site, name))
    # By the same key: compaction takes the two for one.
    messages = site.messages(site.topics.splynx("account"))
    assert len({message.key() for message in messages}) == len(messages) / 2


def test_an_interrupted_replay_goes_on_where_it_was(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles_again, "AT_ONCE", 5)
    publish, pages = Publisher.publish, Counter[str]()

    def interrupted(self: Publisher, page: Sequence[Mapped]) -> None:
        publish(self, page)
        pages["published"] += 1
        if pages["published"] == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Publisher, "publish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replay(site)
    monkeypatch.setattr(Publisher, "publish", publish)
    result = replay(site)
    assert result.resumed
    # The page of the interruption was on the topic and is not kept as such: it alone comes again.
    again = Counter(n for name in MAPPED for n in counted(site, name).values())
    assert set(again) == {2, 3}
    assert 0 < again[3] <= 5
    assert not replay(site, only=["company"]).resumed


def test_a_wider_scope_takes_in_what_was_left_out_with_all_that_belongs_to_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {name: last_ones(site, name) for name in MAPPED}
    inside = min(whole["account"])
    scoped(site, [inside])
    replay(site)
    applied = {name: last_ones(site, name) for name in MAPPED}
    monkeypatch.setattr(Pilot, "open", partial(pilot_of, applied))
    assert replay(site, entering=True).published == {}, "nothing is newly inside"

    scoped(site, [])
    with capture_logs() as told:
        result = replay(site, entering=True)
    assert "process.scope_changed" in [one["event"] for one in told]
    assert result.entering == result.published
    assert result.published["account"] == len(whole["account"]) - 1
    mine = sum(one.owner_id == inside for one in whole["payment"].values())
    assert result.published["payment"] == len(whole["payment"]) - mine
    assert result.published.keys() == {"account", "payment"}, "what no pilot leaves out was there all the time"
    for name in ("account", "payment"):
        assert {id: one.hash for id, one in last_ones(site, name).items()} == {
            id: one.hash for id, one in whole[name].items()
        }


def scoped(site: Site, accounts: list[int]) -> None:
    """Make another pilot."""
    rules = yaml.safe_load(site.settings.rules.read_text())
    site.settings.rules.write_text(yaml.safe_dump(rules | {"scope": {"accounts": accounts}}))


@asynccontextmanager
async def pilot_of(
    applied: dict[str, dict[int, StampedBundle]], settings: Settings, context: Context
) -> AsyncIterator[Pilot]:
    """Beside a ledger that has these bundles as applied, and whose crosswalk is empty."""

    class Applied(Ledger):
        async def exists(self, tx: Transaction, table: str = "crosswalk") -> bool:
            return True

        async def states(
            self, tx: Transaction, keys: Iterable[AggregateKey], *, lock: bool = False
        ) -> dict[AggregateKey, AggregateState]:
            found = {key: applied[key[0]][key[1]] for key in keys}
            return {key: AggregateState(one.sequence, one.hash, 1, "applied") for key, one in found.items()}

        async def known(self, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, list[Known]]:
            return {}

    class Nowhere(Database):
        @asynccontextmanager
        async def session(self) -> AsyncIterator[Transaction]:
            yield Transaction(None, self.settings)

    yield Pilot(settings, context, Nowhere(settings.ledger_db), Applied("l", ""))


def test_what_the_processors_publish_meanwhile_stays_the_last_on_the_topic(site: Site) -> None:
    producer = AckedProducer(make_producer(site.settings.kafka))
    context = rules_of_now(site.settings, producer)
    scope = find_scope(site.settings, chosen(["account"], None), None, EARLIEST)
    publisher = Publisher(site.settings, context, producer)
    with Events(site.settings, scope.aggregates, scope.starts) as events:
        events.read_on()
        (page,) = mapped_again(events, scope, context)
        account = page[0].stored.at.id
        # Read, and not published yet: now a newer event comes and is processed.
        site.change("update", "Account", id=account, columns={"name": "Newer Example"})
        site.capture(order=Order(("account",)))
        process_batch(site.settings, until_end=True)
        publisher.publish(page)
        newest = max(one.sequence for one in bundles(site, "account") if one.sonar_id == account)
        assert last_ones(site, "account")[account].sequence < newest
        assert publisher.publish_newer(scope, lambda key: True, events.ends) >= 1
    context.close()
    assert last_ones(site, "account")[account].sequence == newest


def test_an_event_that_the_rules_refuse_gets_no_second_letter_under_the_same_rules(site: Site) -> None:
    site.change("update", "Account", id=min(counted(site, "account")), columns={"name": " "})
    site.capture(order=Order(("account",)))
    process_batch(site.settings, until_end=True)
    letters = len(dead(site))
    assert letters
    result = replay(site, only=["account"])
    assert {name: dict(codes) for name, codes in result.refused.items()} == {
        "account": {"mapping.required_value_missing": 1}
    }
    assert len(site.messages(site.topics.dead_letters("process"))) == letters


def test_poison_is_left_where_it_is(site: Site) -> None:
    poison(site, [b"poison", None])
    result = replay(site, only=["payment"])
    assert result.refused == {}
    assert len(site.messages(site.topics.dead_letters("process"))) == 0


def test_the_live_engine_is_handed_every_event_again(site: Site) -> None:
    before = {name: by_origin(site, name) for name in MAPPED}
    moment = datetime.now(UTC)
    site.change("update", "Account", id=min(counted(site, "account")), columns={"name": "Later Example"})
    site.capture(order=Order(("account",)))
    process_batch(site.settings, until_end=True)
    replay(site, engine="live", since=moment.isoformat(), only=["account"])
    process_batch(site.settings, until_end=True)
    since = by_origin(site, "account").keys() - before["account"].keys()
    assert since
    found = Counter((one.origin.partition, one.origin.offset) for one in bundles(site, "account"))
    assert {place: count for place, count in found.items() if count > 1} == dict.fromkeys(since, 2)


def test_a_moment_that_retention_has_removed_is_refused_and_what_is_left_is_named(site: Site) -> None:
    start = datetime.now(UTC) - timedelta(days=1)
    assert find_scope(site.settings, chosen(["account"], None), None, start.isoformat()).starts
    topic = site.topics.sonar("account")
    message = site.messages(topic)[0]
    admin = make_admin(site.settings.kafka)
    place = TopicPartition(topic, message.partition() or 0, (message.offset() or 0) + 1)
    for future in admin.delete_records([place]).values():
        future.result(30)
    with pytest.raises(BeforeRetention, match=r"holds nothing before 20"):
        find_scope(site.settings, chosen(["account"], None), None, start.isoformat())
    with pytest.raises(BeforeRetention):
        as_of(site.settings, 1, start.isoformat(), only=(), values=False)
    left = find_scope(site.settings, chosen(["account"], None), None, EARLIEST)
    assert left.cut == (topic,)
    assert left.starts[topic, message.partition() or 0] == place.offset
    assert find_scope(site.settings, chosen(["payment"], None), None, start.isoformat()).cut == ()


def test_a_record_that_moved_on_is_no_longer_the_accounts(site: Site) -> None:
    payments = {one.sonar_id: one.owner_id for one in bundles(site, "payment")}
    payment, before = min(payments.items())
    assert before is not None
    after = next(one.sonar_id for one in bundles(site, "account") if one.sonar_id != before)
    moment = datetime.now(UTC).isoformat()
    site.change("update", "Payment", id=payment, columns={"account_id": after})
    site.capture(order=Order(("payment",)))
    for account, state in ((before, "gone"), (after, "new")):
        found = as_of(site.settings, account, moment, only=["payment"], values=False)
        assert {one["key"]: one["state"] for one in found["records"]}[str(payment)] == state
    with Events(site.settings) as events:
        events.read_on()
        owners = {one.at.id: one.at.owner for page in events.stored("payment", 50) for one in page}
    assert owners[payment] == after


def test_a_letters_message_that_retention_has_removed_is_not_waited_for(site: Site) -> None:
    topic = site.topics.sonar("account")
    last = max((one for one in site.messages(topic) if one.partition() == 0), key=lambda one: one.offset() or 0)
    place = (topic, 0, last.offset() or 0)
    with closing(make_consumer(site.settings.kafka, "letters")) as consumer:
        found = message_at(consumer, place)
        assert found is not None
        assert found.value() == last.value()
        admin = make_admin(site.settings.kafka)
        for future in admin.delete_records([TopicPartition(topic, 0, place[2] + 1)]).values():
            future.result(30)
        begun = time.monotonic()
        assert message_at(consumer, place) is None
        assert time.monotonic() - begun < 5
