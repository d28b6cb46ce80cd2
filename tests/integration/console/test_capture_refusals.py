"""Bad input of capture's commands: one clear message, a documented exit code, and nothing half done on the topics."""

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import httpx2
import pytest

from plumbing.errors import ExitCode
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer, reach_broker
from plumbing.settings import load_settings
from sandbox.local.setup import ROOT
from schemas.topics import Topics
from tests.integration.console.conftest import ACCOUNTS, Ended, Site, bare_environment
from tests.integration.instance import make_anew

pytestmark = pytest.mark.timeout(480)
PAYMENTS_DENIED = {"kind": "permission", "field": "payments", "count": None}
COSTS = "it stands still, and with it in Splynx payment"


def on_topics(site: Site) -> dict[str, int]:
    """How many messages lie on each topic of the instance; what was begun is noted whatever comes of it."""
    settings = load_settings(site.config)
    noted = Topics(settings.instance).actions
    consumer = make_consumer(settings.kafka, f"{settings.instance}.test")
    try:
        return {
            topic: sum(high for _, high in end_offsets(consumer, topic, partitions).values())
            for topic, partitions in reach_broker(settings.kafka).items()
            if f".{settings.instance}." in topic and topic != noted
        }
    finally:
        consumer.close()


def written_since(site: Site, before: dict[str, int]) -> dict[str, int]:
    """Which aggregates' topics have more messages than `before`, and how many."""
    prefix = f"sonar.{site.settings['instance']}."
    return {
        topic.removeprefix(prefix): count - before[topic]
        for topic, count in on_topics(site).items()
        if topic.startswith(prefix) and count > before[topic]
    }


@contextmanager
def payments_denied(site: Site) -> Iterator[None]:
    """The role of the token's user may not read payments meanwhile."""
    site.tell(site.sonar.control, "faults", PAYMENTS_DENIED)
    try:
        yield
    finally:
        site.tell(site.sonar.control, "faults", method="DELETE")


@contextmanager
def cursor_of_another(site: Site) -> Iterator[None]:
    """On the cursors' topic lies a cursor that another instance saved."""
    settings = load_settings(site.config)
    topic = Topics(settings.instance).cursors
    value = json.dumps({"instance": "another", "cursor": {"end": 1, "epoch": 1}}).encode()
    producer = AckedProducer(make_producer(settings.kafka))
    producer.produce(topic, partition=0, key=b"sequence", value=value)
    producer.flush()
    try:
        yield
    finally:
        make_anew(settings.kafka, topic, 1, **{"cleanup.policy": "compact"})


@dataclass(frozen=True)
class Case:
    """A command that cannot be carried out, and what must be told about it."""

    command: tuple[str, ...]
    says: str
    next: str
    state: Callable[[Site], AbstractContextManager[None]] = lambda _: nullcontext()


CASES = {
    "an unknown collection": Case(
        ("snapshot", "--only", "account,paymnet", "--apply"), "nothing called paymnet is captured here",
        r"Captured are .*account, payment\.",
    ),
    "a collection that is left out": Case(
        ("snapshot", "--only", "ticket", "--apply"), "nothing called ticket is captured here",
        r"Captured are .*account, payment\.",
    ),
    "an unknown id": Case(
        ("snapshot", "--only", "account", "--ids", "999998-999999", "--apply"), "Sonar has no account 999998-999999",
        "Nothing was read",
    ),
    "what is no id": Case(
        ("snapshot", "--only", "account", "--ids", "5-3", "--apply"), "the range 5-3 holds no id", "Ids begin at 1"
    ),
    "ids of nothing": Case(("snapshot", "--ids", "5", "--apply"), "--ids needs --only", "--only account"),
    "an unknown customer": Case(
        ("snapshot", "--customer", "999999", "--apply"), "Sonar has no account 999999", "Look its id up in Sonar"
    ),
    "a collection without the right to read it": Case(
        ("snapshot", "--only", "payment", "--apply"), f"the token may not read payment: {COSTS}",
        "Give the role .* name the aggregate in sonar.leave_out", payments_denied,
    ),
    "a customer without the right to read all of it": Case(
        ("snapshot", "--customer", "1", "--apply"), f"the token may not read payment: {COSTS}",
        "Give the role .* name the aggregate in sonar.leave_out", payments_denied,
    ),
    "deletes of an unknown collection": Case(
        ("follow", "--accept-deletes", "paymnets"), "no collection called paymnets is followed",
        r"Followed are .*payments",
    ),
    "the cursors of another instance": Case(
        ("snapshot",), "cursor 'sequence' on .* belongs to instance 'another'",
        "kafka.bootstrap and instance in the settings belong together", cursor_of_another,
    ),
    "the cursors of another instance, for a part": Case(
        ("snapshot", "--only", "account", "--apply"), "cursor 'sequence' on .* belongs to instance 'another'",
        "kafka.bootstrap and instance in the settings belong together", cursor_of_another,
    ),
}  # fmt: skip


def test_before_there_are_topics_a_snapshot_says_so_and_how_to_make_them(site: Site) -> None:
    ended = site.crossfade("snapshot")
    assert_refused(ended, "topic .* does not exist", "crossfade topics --apply")
    assert on_topics(site) == {}


@pytest.fixture(scope="module")
def ready(site: Site) -> Site:
    """A site of which nothing was captured yet."""
    assert site.crossfade("topics", "--apply").code == 0
    return site


@pytest.mark.parametrize("case", list(CASES.values()), ids=list(CASES))
def test_it_is_one_message_with_the_next_step_and_nothing_is_on_the_topics(ready: Site, case: Case) -> None:
    with case.state(ready):
        before = on_topics(ready)
        ended = ready.crossfade(*case.command)
        assert_refused(ended, case.says, case.next)
        assert on_topics(ready) == before


def assert_refused(ended: Ended, says: str, next_step: str) -> None:
    assert ended.code == ExitCode.USAGE, ended.err
    (message, step) = ended.err.split("crossfade: ")[-1].splitlines()
    assert re.search(says, message), ended.err
    assert re.search(f"Next: .*{next_step}", step), ended.err
    assert ended.err.count("crossfade: ") == 1
    assert ended.out == ""


@pytest.fixture(scope="module")
def without_payments(ready: Site) -> Site:
    """A site whose token could not read payments when all was read for the first time."""
    with payments_denied(ready):
        ended = ready.crossfade("snapshot")
        assert ended.code == ExitCode.PARTLY, ended.err
        assert re.search(f"may not read payment in full: {COSTS}; all others were read", ended.err)
        assert "Give the role" in ended.err
        written = written_since(ready, dict.fromkeys(on_topics(ready), 0))
        assert written["account"] >= ACCOUNTS
        assert "payment" not in written
        doctor = ready.crossfade("doctor")
        assert "BAD  sonar rights: payment: the token may not read payments" in doctor.out
        assert "To go on without: name payment in sonar.leave_out" in doctor.out
    return ready


def test_what_the_token_may_not_read_is_named_and_left_out_it_is_gone_on_without(without_payments: Site) -> None:
    site = without_payments
    before = on_topics(site)
    with payments_denied(site):
        site.configure(**{"sonar.leave_out": [*site.settings["sonar"]["leave_out"], "payment"]})
        try:
            ended = site.crossfade("snapshot", "--json")
        finally:
            site.configure()
    assert (ended.code, ended.document["standing"]) == (ExitCode.DONE, {}), ended.err
    assert ended.document["snapshot_complete"] is True
    assert written_since(site, before) == {}


def test_one_customers_whole_world_is_read_again_while_everything_runs_and_nothing_else_is(
    without_payments: Site,
) -> None:
    site = without_payments
    assert site.crossfade("snapshot").code == ExitCode.DONE  # the right is back
    payers = payers_of(site)
    customer = max(payers, key=payers.count)
    mine = {"account": 1, "payment": payers.count(customer)}
    words = ("snapshot", "--customer", str(customer), "--json")
    before = on_topics(site)
    following = subprocess.Popen(site.command("follow"), cwd=ROOT, env=bare_environment(), stderr=subprocess.PIPE)
    try:
        assert following.stderr is not None
        assert b"capture.started" in following.stderr.readline()
        shown = site.crossfade(*words)
        assert {one["aggregate"]: one["rows"] for one in shown.document["parts"]} == mine
        assert written_since(site, before) == {}
        ended = site.crossfade(*words, "--apply")
        assert following.poll() is None
    finally:
        following.send_signal(signal.SIGTERM)
        following.communicate(timeout=60)
    assert (ended.code, following.returncode) == (ExitCode.DONE, 0), ended.err
    assert ended.document["signal_id"] is not None  # it was handed over to who captures
    assert ended.document["snapshot"] == {name: [rows, rows] for name, rows in mine.items()}
    assert written_since(site, before) == mine


def payers_of(site: Site) -> list[int]:
    """Of each payment of Sonar's the account that owns it."""
    sonar = site.settings["sonar"]
    query = "{ payments(paginator: {page: 1, records_per_page: 1000}) { entities { account_id } } }"
    headers = {"Authorization": f"Bearer {sonar['token']}"}
    answer = httpx2.post(sonar["url"], json={"query": query}, headers=headers).json()
    return [one["account_id"] for one in answer["data"]["payments"]["entities"]]
