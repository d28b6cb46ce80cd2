"""A changed look-up reaches every root that carries it: in portions, beside other changes, and after a restart."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from clients.sonar_errors import SonarTimeout
from clients.sonar_purpose import asked_for
from producers import fan_outs, thin_pages
from producers.cursors import CursorUnusable
from producers.documents import any_of
from producers.followed import followed
from tests.unit.producers.scene import AGGREGATES, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, read


async def a_crowd(accounts: int = 30) -> Scene:
    """Accounts in one status, and a payment of the first; all of them read once."""
    scene = Scene(page_size=50)
    for number in range(1, accounts + 1):
        scene.shop.an_account(f"A{number}")
    scene.shop.a_payment(1)
    await read(scene)
    await look(scene)
    return scene


@pytest.fixture
def portions_of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_outs, "_PORTION", 8)
    monkeypatch.setattr(fan_outs, "_LEAST", 8)


async def look(scene: Scene) -> None:
    scene.shop.clock.tick(60)
    await scene.following.poll()


def rename(scene: Scene, name: str) -> None:
    scene.shop.store.update("AccountStatus", scene.shop.status, name=name)


def showing(scene: Scene, name: str) -> int:
    """How many accounts show their status by this name."""
    return sum(row["account_status"]["name"] == name for row in scene.folded().values())


def watch(scene: Scene) -> list[int]:
    """A list that the accounts are put on which are asked for from now on."""
    asked: list[int] = []

    def note(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document and " accounts(" in document:
            for one in variables["search"]:
                low, *high = [int(bound["search_value"]) for bound in one["integer_fields"]]
                asked.extend(range(low + 1, high[0] + 1) if high else [low])

    scene.client.before = note
    return asked


async def test_a_changed_look_up_reads_the_roots_that_carry_it() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea", account_status_id=scene.shop.a_status("Lead"))
    await scene.following.poll()
    scene.shop.store.update("AccountStatus", scene.shop.status, name="In service")
    await scene.following.poll()
    await scene.following.poll()
    assert scene.folded()[1]["account_status"]["name"] == "In service"
    assert [event["op"] for event in scene.events() if event["source"]["sonar_id"] == other] == ["c"]


async def test_a_look_up_of_certain_columns_is_looked_at_for_those_only() -> None:
    scene = await a_scene()
    shop = scene.shop

    def published() -> list[int]:
        return [event["after"]["account"]["account_status_id"] for event in scene.events("payment")]

    shop.store.update("Account", 1, name="Renamed")
    scene.client.asked.clear()
    await scene.following.poll()
    assert not [document for document in scene.client.asked if "amount" in document]  # no payment was read again
    lead = shop.a_status("Lead")
    shop.store.update("Account", 1, account_status_id=lead)
    await scene.following.poll()
    await scene.following.poll()
    assert published() == [shop.status, lead]
    shop.store.update("Account", 1, archived_at=shop.clock.now)
    shop.store.update("Payment", 1, amount=5)
    await scene.following.poll()
    assert published() == [shop.status, lead, lead]  # an archived account is no missing one


@pytest.mark.parametrize("known", [True, False], ids=["as it was", "new"])
async def test_a_look_up_that_changes_again_while_its_fan_out_is_under_way_fans_out_again(known: bool) -> None:
    scene = await a_scene()
    shop = scene.shop
    lead, held = shop.a_status("Lead"), shop.an_account("Bea")
    await scene.following.poll()
    shop.a_contact(held)
    shop.store.hold("Account", held)  # a demand that stays open: no fan-out ends
    account = 1 if known else shop.an_account("Cleo")
    payment = 1 if known else shop.a_payment(account)
    for status in (lead, shop.status) if known else (shop.status, lead):
        shop.store.update("Account", account, account_status_id=status)
        for _ in range(2):
            shop.clock.tick()
            await scene.following.poll()
    assert scene.folded("payment")[payment]["account"]["account_status_id"] == status


@pytest.mark.usefixtures("portions_of_eight")
async def test_many_carriers_are_read_in_portions_and_other_changes_go_between() -> None:
    scene = await a_crowd()
    held = scene.following.low
    rename(scene, "In service")
    shown = []
    for poll in range(5):
        scene.shop.store.update("Payment", 1, amount=poll + 1)
        await look(scene)
        assert scene.folded("payment")[1]["amount"] == poll + 1
        shown.append(showing(scene, "In service"))
    assert shown == [8, 16, 24, 30, 30]
    assert scene.following.low is not None
    assert held is not None
    assert scene.following.low > held


@pytest.mark.usefixtures("portions_of_eight")
async def test_the_watermark_waits_until_the_last_carrier_was_read() -> None:
    scene = await a_crowd()
    changed = scene.shop.clock.now
    rename(scene, "In service")
    for _ in range(3):
        await look(scene)
        assert scene.following.low is not None
        assert scene.following.low <= changed + timedelta(seconds=60)
    await look(scene)
    assert showing(scene, "In service") == 30
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)


@pytest.mark.usefixtures("portions_of_eight")
async def test_carriers_of_what_is_left_out_for_a_while_are_read_once_it_is_taken_in_again() -> None:
    scene = await a_crowd()
    rename(scene, "In service")
    await look(scene)
    assert showing(scene, "In service") == 8
    everything, scene.aggregates = scene.aggregates, (PAYMENT,)
    scene.restart()
    await scene.begin()
    await look(scene)
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)
    scene.aggregates = everything
    scene.restart()
    await scene.begin()
    for _ in range(5):
        await look(scene)
    assert showing(scene, "In service") == 30


@pytest.mark.usefixtures("portions_of_eight")
async def test_after_a_restart_only_what_was_not_read_yet_is_read() -> None:
    scene = await a_crowd()
    rename(scene, "In service")
    await look(scene)
    await look(scene)
    scene.broker.lose()
    scene.restart()
    await scene.begin()
    read = watch(scene)
    for _ in range(4):
        await look(scene)
    assert sorted(read) == list(range(17, 31))
    assert showing(scene, "In service") == 30
    scene.restart()
    assert scene.cursors.get("fan_outs") == {}


@pytest.mark.fault(2)
@pytest.mark.usefixtures("portions_of_eight")
async def test_carriers_whose_events_a_kill_kept_from_the_broker_are_read_again() -> None:
    scene = await a_crowd()
    rename(scene, "In service")
    await look(scene)
    await look(scene)
    keys = [key for _, _, key, _ in scene.broker.messages]
    del scene.broker.messages[len(keys) - keys[::-1].index(b"unsure") :]
    before = showing(scene, "In service")
    assert 0 < before < 16
    scene.restart()
    await scene.begin()
    for _ in range(6):
        scene.shop.clock.tick(60)
        await scene.following.poll(sweeping=())  # a sweep would find them within a day
    assert showing(scene, "In service") == 30


@pytest.mark.usefixtures("portions_of_eight")
async def test_what_was_kept_goes_on_although_the_look_up_is_seen_no_more() -> None:
    """A sweep finds changes whose `updated_at` lies before the overlap: no look would show them again."""
    scene = await a_crowd()
    rename(scene, "In service")
    await look(scene)
    scene.restart()
    await scene.begin()
    scene.damage(emptied=frozenset({"account_statuses"}))
    for _ in range(4):
        await look(scene)
    assert showing(scene, "In service") == 30


@pytest.mark.usefixtures("portions_of_eight")
async def test_a_look_up_that_changes_while_portions_are_read_reaches_all_in_its_last_state() -> None:
    scene = await a_crowd()
    rename(scene, "In service")
    await look(scene)
    rename(scene, "Out of service")
    await look(scene)
    assert 0 < showing(scene, "In service") < 30
    for _ in range(6):
        await look(scene)
    assert showing(scene, "Out of service") == 30


async def test_changes_of_several_look_ups_ask_for_their_carriers_together() -> None:
    scene = await a_crowd()
    lead = scene.shop.a_status("Lead")
    payments = [scene.shop.a_payment(account) for account in range(1, 21)]
    await look(scene)
    for account in range(1, 21):
        scene.shop.store.update("Account", account, account_status_id=lead, name="Renamed")
    scene.client.asked.clear()
    await look(scene)
    thin = [one for one in scene.client.asked if "query Changed" in one]
    # One look for changes; then the payments and notes of all twenty accounts in one request.
    assert len(thin) == 2
    assert [scene.folded("payment")[id]["account"]["account_status_id"] for id in payments] == [lead] * 20


def in_lead(scene: Scene, accounts: int) -> int:
    """So many accounts come to be leads by another name, which their payments and notes show; the status."""
    lead = scene.shop.a_status("Lead")
    for account in range(1, accounts + 1):
        scene.shop.store.update("Account", account, account_status_id=lead, name="Renamed")
    return lead


def carriers_asked_for(scene: Scene) -> list[int]:
    """Of each request for carriers of how many kinds it asked together."""
    return [one.count("entities") for one in scene.client.asked if "query Changed" in one][1:]  # the first is the look


@pytest.mark.parametrize(
    ("conditions", "asked"), [pytest.param(40, [2], id="together"), pytest.param(39, [1, 1], id="apart")]
)
async def test_no_more_carriers_are_looked_for_together_than_sonar_can_bear(
    monkeypatch: pytest.MonkeyPatch, conditions: int, asked: list[int]
) -> None:
    monkeypatch.setattr(fan_outs, "_CONDITIONS", conditions)
    scene = await a_crowd()
    lead = in_lead(scene, 20)
    scene.client.asked.clear()
    await look(scene)
    assert carriers_asked_for(scene) == asked
    assert scene.folded("payment")[1]["account"]["account_status_id"] == lead


async def test_looking_for_carriers_takes_no_more_than_its_time_of_a_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_outs, "_CONDITIONS", 1)
    monkeypatch.setattr(fan_outs, "_STEP_SECONDS", -1.0)
    scene = await a_crowd()
    lead = in_lead(scene, 1)
    scene.client.asked.clear()
    await look(scene)
    assert carriers_asked_for(scene) == [1]
    await look(scene)
    assert scene.folded("payment")[1]["account"]["account_status_id"] == lead
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)


@pytest.mark.parametrize("most", [0, 1], ids=["for any", "for two together"])
async def test_carriers_that_sonar_is_too_slow_for_hold_up_no_change(most: int) -> None:
    scene = await a_crowd(3)
    in_lead(scene, 1)
    held = scene.following.low

    def slow(document: str, variables: Mapping[str, Any]) -> None:
        if asked_for().purpose == "look-up" and document.count("entities") > most:
            raise SonarTimeout("too slow")

    scene.client.before = slow
    for name in ("Eda", "Ada"):
        scene.shop.store.update("Account", 2, name=name)
        await look(scene)
        assert scene.folded()[2]["name"] == name
    assert scene.following.low is not None
    assert held is not None
    assert (scene.following.low > held + timedelta(seconds=60)) == bool(most)
    scene.client.before = None
    for _ in range(12):
        await look(scene)
    assert scene.folded("payment")[1]["account"]["account_status_id"] != scene.shop.status
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)


async def test_a_look_up_that_is_new_reads_nothing_again() -> None:
    scene = await a_crowd(3)
    lead = scene.shop.a_status("Lead")
    read = watch(scene)
    scene.client.purposes.clear()
    await look(scene)
    assert read == []
    assert "look-up" not in {purpose for purpose, _ in scene.client.purposes}  # nor is any carrier looked for
    scene.shop.store.update("AccountStatus", lead, name="Prospect")
    await look(scene)
    assert read == []  # nobody carries it


async def test_a_new_look_up_that_comes_late_is_shown_by_what_was_read_before_it() -> None:
    """By a server that lags behind: the account is there, and what it refers to is not."""
    scene = await a_scene()
    status = scene.shop.a_status("New")
    scene.shop.store.hold("AccountStatus", status)
    scene.shop.store.update("Account", 1, account_status_id=status)
    for _ in range(2):
        scene.shop.clock.tick(1)
        await scene.following.poll()
    assert scene.folded()[1]["account_status"] is None
    scene.shop.store.release("AccountStatus", status)
    scene.shop.clock.tick(1)
    await scene.following.poll()
    assert scene.folded()[1]["account_status"] == {"name": "New"}


async def test_a_look_up_that_is_first_seen_after_it_changed_reads_its_carriers_again() -> None:
    scene = await a_crowd(3)
    lead = scene.shop.a_status("Lead")
    scene.shop.store.hold("AccountStatus", lead)  # what Sonar shows late
    scene.shop.store.update("Account", 2, account_status_id=lead)
    await look(scene)
    assert scene.folded()[2]["account_status"] is None
    scene.shop.clock.tick(1)
    scene.shop.store.update("AccountStatus", lead, name="Prospect")
    scene.shop.store.release("AccountStatus", lead)
    await look(scene)
    assert scene.folded()[2]["account_status"] == {"name": "Prospect"}


async def test_carriers_that_may_not_be_read_wait_and_hold_up_no_others() -> None:
    scene = await a_crowd(3)
    await look(scene)
    scene.damage(denied=frozenset({"payments"}))
    lead = scene.shop.a_status("Lead")
    scene.shop.store.update("Account", 1, account_status_id=lead)
    rename(scene, "In service")
    for _ in range(2):
        await look(scene)
    assert showing(scene, "In service") == 2
    held = scene.following.low
    await look(scene)
    assert scene.following.low == held
    scene.damage()
    for _ in range(14):
        await look(scene)
    assert scene.folded("payment")[1]["account"]["account_status_id"] == lead


async def test_fan_outs_that_are_none_of_ours_stop_capture() -> None:
    scene = await a_crowd(1)
    await scene.cursors.save("fan_outs", {"accounts|@account_statuses": {"sequence": 1}})
    with pytest.raises(CursorUnusable):
        scene.restart()


async def test_pages_of_carriers_are_read_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_crowd(10)
    monkeypatch.setattr(thin_pages, "PAGE", 3)
    rename(scene, "In service")
    await look(scene)
    assert showing(scene, "In service") == 10


async def test_a_look_up_that_was_another_only_while_a_snapshot_read_its_carriers_is_shown_as_it_is() -> None:
    scene = Scene(page_size=50)
    account = scene.shop.an_account("Ann")
    payment, other = scene.shop.a_payment(account), scene.shop.a_status("On holiday")
    await scene.begin()
    scene.shop.clock.tick(5)
    scene.shop.store.update("Account", account, account_status_id=other)
    await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert scene.folded("payment")[payment]["account"]["account_status_id"] == other
    scene.shop.clock.tick(5)
    scene.shop.store.update("Account", account, account_status_id=scene.shop.status)
    await look(scene)
    assert scene.folded("payment")[payment]["account"]["account_status_id"] == scene.shop.status


async def test_what_changed_for_good_reaches_all_though_it_is_unsure_afterwards() -> None:
    scene = await a_crowd()
    rename(scene, "Renamed")
    (one,) = [each for each in followed(AGGREGATES, scene.schema) if each.thin.collection == "account_statuses"]
    now, rows = scene.shop.clock.now, await scene.following._changes.page(one, any_of([scene.shop.status]))
    assert rows is not None
    (row,) = rows
    noticing = scene.following._noticing
    assert noticing.row(one, row, now)
    assert noticing.row(one, row, now, unsure_from=2**62)
    await noticing.fan_outs.step(resting_too=False)
    assert len(scene.following._demands) == 30
