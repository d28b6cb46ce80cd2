"""Rows that come to belong to another account: each is told once, on its new partition, and nothing is deleted.

What an account becomes in Splynx is made of the newest event of each root: the old account's partition keeps older
ones, which a higher sequence elsewhere outdates.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from plumbing.kafka import partition_of
from sandbox.sonar.store import Store
from sandbox.world.populate import populate
from schemas.catalogue import AGGREGATES
from schemas.entities.account import ACCOUNT
from schemas.entities.network.assignment import IP_ASSIGNMENT
from schemas.entities.stock.items import INVENTORY_ITEM
from schemas.entities.support.messages import TICKET_REPLY
from schemas.entities.support.ticket import TICKET
from tests.unit.producers.scene import Scene
from tests.unit.producers.test_plant import Plant
from tests.unit.sandbox_sonar.shop import Desk

PARTITIONS = 4
pytestmark = pytest.mark.fault(36)
Told = list[tuple[int, str, int | None]]
"""Partition, operation and owner of each event of a root, in the order of the topic's acknowledgements."""


def told(scene: Scene, aggregate: str, id: int, since: int) -> Told:
    """What was said of a root by events with this sequence and higher ones."""
    topic = scene.topics.sonar(aggregate)
    partitions = [partition for name, partition, *_ in scene.broker.messages if name == topic]
    sources = [(event["op"], event["source"]) for event in scene.events(aggregate)]
    return [
        (partition, op, source["owner_id"])
        for partition, (op, source) in zip(partitions, sources, strict=True)
        if source["sonar_id"] == id and int(source["sequence"]) >= since
    ]


def at(account: int, op: str = "u") -> tuple[int, str, int]:
    """An event of an account's, where it has to be."""
    return partition_of(account, PARTITIONS), op, account


def owned_by(scene: Scene, account: int) -> set[tuple[str, int]]:
    """`(aggregate, id)` of the roots that are an account's by their newest events, wherever these lie."""
    newest: dict[tuple[str, int], dict[str, Any]] = {}
    for one in scene.aggregates:
        for event in scene.events(one.name):
            key = one.name, event["source"]["sonar_id"]
            if key not in newest or int(event["source"]["sequence"]) >= int(newest[key]["source"]["sequence"]):
                newest[key] = event
    return {key for key, event in newest.items() if event["op"] != "d" and event["source"]["owner_id"] == account}


async def pass_by(scene: Scene, polls: int = 1) -> None:
    """Time goes by, and what happened is seen."""
    for _ in range(polls):
        scene.desk.clock.tick(60)
        await scene.following.poll()


_STAYS = ("Log", "AccountBillingParameter")
"""Kinds of rows that do not go to the other account: it has its own."""


def merge(store: Store, one: int, other: int) -> None:
    """All that an account has becomes another's, and then it is deleted, as Sonar merges accounts."""
    for kind in store.declarations.types.values():
        for id, row in list(store.table(kind.name).items()) if kind.name not in _STAYS else ():
            morphs = [name for name in kind.columns if name.endswith("able_id")]
            columns: dict[str, Any] = {
                name: other for name in morphs if (row[f"{name[:-3]}_type"], row[name]) == ("Account", one)
            }
            if "account_id" in kind.columns and row["account_id"] == one:
                columns["account_id"] = other
            if columns:
                store.update(kind.name, id, **columns)
    store.delete("Account", one)


async def test_all_that_a_merged_account_had_is_told_once_of_the_other_and_only_the_account_is_deleted() -> None:
    desk = Desk()
    populate(desk.store, seed=11, accounts=8, full=True)
    desk.clock.tick(600)
    scene = Scene(page_size=50, desk=desk, aggregates=AGGREGATES)
    await scene.begin()
    await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=desk.clock.now, force=None)
    await pass_by(scene)
    one, other = 4, next(id for id in (1, 2, 3, 5) if partition_of(id, PARTITIONS) != partition_of(4, PARTITIONS))
    owned = owned_by(scene, one) - {("account", one)}
    kinds = {name for name, _ in owned}
    assert {"invoice", "payment", "ticket", "ticket_reply", "job", "note", "email", "credit_card"} <= kinds
    before = scene.numbers.next
    merge(desk.store, one, other)
    await pass_by(scene, polls=4)
    assert {key: told(scene, *key, before) for key in sorted(owned)} == {key: [at(other)] for key in sorted(owned)}
    assert told(scene, "account", one, before)[-1] == at(one, "d")
    assert scene.following.low == desk.clock.now - timedelta(seconds=10)  # nothing waits for what is not there
    assert owned_by(scene, one) == set()
    assert owned <= owned_by(scene, other)
    events = [(each.name, event) for each in AGGREGATES for event in scene.events(each.name)]
    deleted = [(name, event["source"]["sonar_id"]) for name, event in events if event["op"] == "d"]
    assert deleted == [("account", one)]


@pytest.fixture
async def plant() -> Plant:
    """Two accounts that lie in different partitions, and what stands at their addresses."""
    plant = Plant((ACCOUNT, INVENTORY_ITEM, IP_ASSIGNMENT, TICKET, TICKET_REPLY))
    assert partition_of(plant.one, PARTITIONS) != partition_of(plant.other, PARTITIONS)
    return plant


async def test_an_item_that_is_assigned_to_another_account_is_told_once_of_it(plant: Plant) -> None:
    item = plant.an_item("Address", plant.home)
    await plant.begin()
    before = plant.scene.numbers.next
    plant.store.update("InventoryItem", item, inventoryitemable_id=plant.next_door)
    await pass_by(plant.scene, polls=3)
    assert told(plant.scene, "inventory_item", item, before) == [at(plant.other)]
    assert devices(plant, plant.one) == []
    assert devices(plant, plant.other) == [item]


@pytest.mark.parametrize("how", ["by itself", "with its log-in"])
async def test_an_ip_address_that_goes_to_another_account_is_told_once_of_it(plant: Plant, how: str) -> None:
    log_in = plant.a_holder("RadiusAccount")
    ip = plant.an_ip("RadiusAccount", log_in)
    await plant.begin()
    before = plant.scene.numbers.next
    if how == "by itself":
        plant.store.update("IpAssignment", ip, ipassignmentable_type="Account", ipassignmentable_id=plant.other)
    else:
        plant.store.update("RadiusAccount", log_in, account_id=plant.other)
    await pass_by(plant.scene, polls=3)
    assert told(plant.scene, "ip_assignment", ip, before) == [at(plant.other)]
    assert ("ip_assignment", ip) in owned_by(plant.scene, plant.other) - owned_by(plant.scene, plant.one)


async def test_a_ticket_that_was_another_accounts_is_told_once_of_it_with_all_that_is_written_in_it(
    plant: Plant,
) -> None:
    values: dict[str, Any] = {"priority": "MEDIUM", "status": "OPEN", "subject": "No link", "description": "Dark."}
    ticket = plant.store.insert("Ticket", ticketable_type="Account", ticketable_id=plant.one, **values)
    replies = [
        plant.store.insert("TicketReply", ticket_id=ticket, body="It is dark.", incoming=True, author="ada@example.com")
        for _ in range(3)
    ]
    await plant.begin()
    before = plant.scene.numbers.next
    plant.store.update("Ticket", ticket, ticketable_id=plant.other)
    await pass_by(plant.scene, polls=3)
    roots = [("ticket", ticket), *(("ticket_reply", id) for id in replies)]
    assert [told(plant.scene, *root, before) for root in roots] == [[at(plant.other)]] * 4
    assert set(roots) <= owned_by(plant.scene, plant.other)
    assert owned_by(plant.scene, plant.one) == {("account", plant.one)}


def devices(plant: Plant, account: int) -> list[int]:
    """What the account itself shows at its addresses."""
    return [item["id"] for one in plant.scene.folded()[account]["addresses"] for item in one["inventory_items"]]
