"""What Sonar's answers may do to capture: read again whole, stood still, set aside or halted; never half taken."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from clients.sonar_errors import SonarForbidden
from console import doctor_sonar
from plumbing.errors import DependencyRefused
from plumbing.kafka import AckedProducer, make_producer
from plumbing.shares import whole
from producers.cursors import CursorUnusable
from producers.identity import ForeignSonar
from producers.sequence import SequenceBehind
from sandbox.local.sandboxes import SonarSandbox
from sandbox.sonar.settings_rows import SYSTEM_SETTING
from tests.integration.capture.conftest import Site, assert_topics_equal_sonar
from tests.integration.instance import make_anew
from tests.prepared import ForkedServer, Prepared


@pytest.fixture(scope="module")
def unchanging(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[SonarSandbox]:
    """A Sonar in which nothing happens but what goes wrong on the way, for all kinds of that."""
    sandbox = SonarSandbox(tmp_path_factory.mktemp("sonar"), accounts=10, requests_per_minute=0)
    sandbox.process = ForkedServer(sandbox.process, prepared)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "429", "retry_after": 1}, id="429 with Retry-After"),
        pytest.param({"kind": "429"}, id="429 without Retry-After"),
        pytest.param({"kind": "500"}, id="500"),
        pytest.param({"kind": "errors"}, id="errors in a 200"),
        pytest.param({"kind": "html"}, id="a proxy's page"),
        pytest.param({"kind": "html", "status": 503, "retry_after": 1}, id="a maintenance page"),
        pytest.param({"kind": "slow", "seconds": 3}, id="later than the deadline"),
        pytest.param({"kind": "cutoff"}, id="cut off"),
        pytest.param({"kind": "reset"}, id="connection closed"),
        pytest.param({"kind": "partial"}, id="partial data beside errors"),
    ],
)
def test_a_damaged_answer_is_read_again_whole(
    make_site: Callable[..., Site], unchanging: SonarSandbox, fault: dict[str, Any]
) -> None:
    site = make_site(sonar=unchanging, timeout_seconds=1)
    site.control("faults", method="DELETE")
    site.control("faults", {"count": 2, "match": "accounts", "skip": 2, **fault})
    site.capture()
    assert site.control("faults") == []
    assert_topics_equal_sonar(site)


@pytest.mark.fault(20)
def test_a_token_that_expires_in_the_middle_ends_capture_and_a_new_one_goes_on(make_site: Callable[..., Site]) -> None:
    site = make_site(accounts=60, page_size=5, concurrency=2)
    site.control("faults", {"kind": "unauthenticated", "match": "payments", "skip": 12, "count": None})
    with pytest.raises(DependencyRefused) as refused:
        site.capture()
    assert "token" in refused.value.next_step
    read = len(site.events("payment"))
    assert 0 < read < site.control("store/Payment")["count"]
    site.control("faults", method="DELETE")
    site.capture()
    assert_topics_equal_sonar(site)
    # What had been acknowledged was not read again, but for one page of each range; two ranges per request at a time.
    assert len(site.events("payment")) <= site.control("store/Payment")["count"] + 2 * 2 * 5


@pytest.mark.fault(41)
def test_contacts_that_may_not_be_read_are_null_and_not_empty(make_site: Callable[..., Site]) -> None:
    site = make_site(accounts=5)
    site.control("faults", {"kind": "permission", "field": "Account.contacts", "count": None})
    told, *others = asyncio.run(doctor_sonar.sonar(site.settings, whole))
    assert all(one.ok for one in others)  # what this generation of Sonar lacks
    assert "may not read account.contacts" in told.says
    site.capture()
    folded = site.folded("account")
    assert len(folded) == site.control("store/Account")["count"]
    assert [event.after["contacts"] for event in folded.values() if event.after is not None] == [None] * len(folded)


@pytest.mark.fault(41)
def test_a_collection_that_may_not_be_read_stands_still_and_says_so_while_the_others_are_read(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(accounts=5)
    site.control("faults", {"kind": "permission", "field": "payments", "count": None})
    (wrong,) = [one for one in asyncio.run(doctor_sonar.sonar(site.settings, whole)) if not one.ok]
    assert "the token may not read payments: payment stands still, and with it in Splynx payment" in wrong.says
    assert "name payment in sonar.leave_out" in wrong.next_step
    with pytest.raises(SonarForbidden) as refused:
        site.capture()
    assert "may not read payment in full" in str(refused.value)
    assert "right to read" in refused.value.next_step
    assert len(site.folded("account")) == site.control("store/Account")["count"]
    assert site.events("payment") == []
    site.control("faults", method="DELETE")
    assert site.capture().standing == {}
    assert_topics_equal_sonar(site)
    # Later it is nothing that was never read; and yet it is told.
    site.control("faults", {"kind": "permission", "field": "payments", "count": None})
    assert site.capture().standing == {"payment": SonarForbidden.code}


@pytest.mark.fault(21)
@pytest.mark.parametrize("minutes", [-5, 5], ids=["behind", "ahead"])
def test_a_sonar_whose_clock_is_wrong_is_followed_by_its_own_clock(
    make_site: Callable[..., Site], minutes: int
) -> None:
    site = make_site(accounts=10)
    site.control("clock", {"offset_seconds": 60 * minutes})
    site.capture()
    site.change("update", "Account", id=1, columns={"name": "Renamed"})
    summary = site.capture()
    assert_topics_equal_sonar(site)
    assert summary.watermark is not None
    # Freshness is Sonar's time less the safety lag; when we read is ours.
    ahead = (summary.watermark.source_time - summary.watermark.read_started).total_seconds()
    assert ahead == pytest.approx(60 * minutes - 2, abs=5)


@pytest.mark.fault(13)
def test_an_aggregate_of_nine_mebibytes_is_set_aside_by_name_and_the_others_flow(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(accounts=5)
    owner = {"contactable_id": 2, "contactable_type": "Account", "primary": False}
    large = [
        site.change("insert", "Contact", columns={**owner, "name": f"{number}" * 1024 * 1024}) for number in range(9)
    ]
    site.capture()
    folded = site.folded("account")
    assert set(folded) == {int(id) for id in range(1, site.control("store/Account")["count"] + 1)} - {2}
    (letter,) = [json.loads(one.value() or b"") for one in site.messages(site.topics.dead_letters("capture"))]
    assert (letter["aggregate"], letter["sonar_id"], letter["code"]) == ("account", 2, "capture.too_large")
    assert "contacts" in letter["reason"]
    for contact in large[1:]:
        site.change("update", "Contact", id=contact, columns={"name": "Short"})
    site.capture()
    assert_topics_equal_sonar(site)


@pytest.mark.fault(3)
@pytest.mark.fault(34)
@pytest.mark.fault(43)
def test_what_is_lost_of_kafka_and_another_sonar_halt_instead_of_a_start_from_nothing(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(accounts=5)
    site.capture()
    published = len(site.events("account"))
    for number, refused in ((17, True), (SYSTEM_SETTING["instance_id"], False)):
        site.change("update", "SystemSetting", id=1, columns={"instance_id": number})
        with pytest.raises(ForeignSonar) if refused else nullcontext():
            site.capture()
    assert len(site.events("account")) == published
    for topic, told in ((site.topics.children, "the topic of children"), (site.topics.cursors, "the cursors topic")):
        make_anew(site.settings.kafka, topic, 1, **{"cleanup.policy": "compact"})
        with pytest.raises(CursorUnusable) as unusable:
            site.capture()
        assert told in unusable.value.next_step
        assert len(site.events("account")) == published
        assert site.messages(topic) == []


@pytest.mark.fault(43)
def test_cursors_of_yesterday_and_a_clock_behind_them_never_lead_below_what_was_published(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(accounts=5)
    site.control("clock", {"offset_seconds": 3600})
    site.capture()
    published = len(site.events("account"))
    producer = AckedProducer(make_producer(site.settings.kafka))
    old = json.dumps({"instance": site.settings.instance, "cursor": {"end": 1, "epoch": 1}}).encode()
    producer.produce(site.topics.cursors, partition=0, key=b"sequence", value=old)
    producer.flush()
    site.control("clock", {"offset_seconds": 0})
    with pytest.raises(SequenceBehind):
        site.capture()
    assert len(site.events("account")) == published
    site.control("clock", {"offset_seconds": 3600})
    site.change("update", "Account", id=1, columns={"name": "Renamed"})
    site.capture()
    assert_topics_equal_sonar(site)
