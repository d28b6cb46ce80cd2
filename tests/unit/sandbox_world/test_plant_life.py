"""What happens to the network and the stock of the invented ISP, and what does not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from sandbox.sonar.store import Store
from sandbox.world import World
from sandbox.world.invariants import violations
from sandbox.world.inventory_rows import services_of
from sandbox.world.network import assign_number, homes
from sandbox.world.network_holding import hand_over, top_of
from sandbox.world.plant import PLANT
from sandbox.world.registry import Registry
from tests.unit.sandbox_world.conftest import a_world
from tests.unit.sandbox_world.test_invariants import first

NAMES = [event.__name__ for event, _ in PLANT.events]


def live(world: World, steps: int) -> None:
    for _ in range(steps):
        world.domains["plant"].step()


def versions(store: Store, type_names: Iterable[str]) -> dict[tuple[str, int], object]:
    return {(name, id): row["_version"] for name in type_names for id, row in store.table(name).items()}


def changes(world: World, event: str, *type_names: str, tries: int = 20) -> dict[str, list[int]]:
    """Let an event happen: `{type: [ids that are new, changed or gone]}` of the types asked for."""
    before = versions(world.store, type_names)
    assert any(world.happen(event) for _ in range(tries))
    after = versions(world.store, type_names)
    found: dict[str, list[int]] = {name: [] for name in type_names}
    for name, id in sorted(before.keys() | after.keys()):
        if before.get((name, id)) != after.get((name, id)):
            found[name].append(id)
    return found


@pytest.fixture(scope="module")
def plant() -> World:
    """One world for all tests that look at what an event changes: whatever has happened before."""
    return a_world(120)


@pytest.mark.parametrize("accounts", [1, 60])
def test_a_long_life_breaks_no_rule(accounts: int) -> None:
    world = a_world(accounts, seed=5)
    world.step(2_000)
    live(world, 3_000)
    assert violations(world.store) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_event_of_the_plant_breaks_no_rule(plant: World, name: str) -> None:
    logs = len(plant.store.table("Log"))
    assert any(plant.happen(name) for _ in range(10))
    assert violations(plant.store) == []
    assert len(plant.store.table("Log")) > logs


def test_the_same_seed_gives_the_plant_the_same_life() -> None:
    one, other = a_world(), a_world()
    live(one, 1_000)
    live(other, 1_000)
    for name in ("IpAssignment", "InventoryItem", "PurchaseOrder", "Subnet"):
        assert [dict(row) for row in one.store.table(name).values()] == [
            dict(row) for row in other.store.table(name).values()
        ]


def test_an_address_that_moves_stays_the_same_row_and_changes_its_customer(plant: World) -> None:
    store = plant.store
    before = {
        id: top_of(store, (row["ipassignmentable_type"], row["ipassignmentable_id"]))
        for id, row in store.table("IpAssignment").items()
    }
    found = changes(plant, "ip_moved", "IpAssignment", "IpAssignmentHistory")
    (moved,) = found["IpAssignment"]
    row = store.table("IpAssignment")[moved]
    now = top_of(store, (row["ipassignmentable_type"], row["ipassignmentable_id"]))
    assert now != before[moved]
    ended, begun = (store.table("IpAssignmentHistory")[id] for id in found["IpAssignmentHistory"])
    assert ("Account", ended["ipassignmenthistoryable_id"]) == before[moved]
    assert ("Account", begun["ipassignmenthistoryable_id"]) == now
    assert ended["removed_datetime"] is not None
    assert begun["removed_datetime"] is None


def test_a_released_address_ends_its_history_and_its_row(plant: World) -> None:
    found = changes(plant, "ip_released", "IpAssignment", "IpAssignmentHistory")
    (gone,) = found["IpAssignment"]
    assert gone not in plant.store.table("IpAssignment")
    ended = [plant.store.table("IpAssignmentHistory")[id] for id in found["IpAssignmentHistory"]]
    assert all(row["removed_datetime"] is not None and row["ip_assignment_id"] is None for row in ended)


def test_equipment_that_moves_on_takes_its_addresses_to_the_next_customer(plant: World) -> None:
    store = plant.store
    for _ in range(200):
        found = changes(plant, "item_moved_on", "InventoryItem", "IpAssignment", "IpAssignmentHistory")
        assert len(found["InventoryItem"]) == 1
        assert found["IpAssignment"] == []
        if found["IpAssignmentHistory"]:
            break
    item = store.table("InventoryItem")[found["InventoryItem"][0]]
    begun = store.table("IpAssignmentHistory")[found["IpAssignmentHistory"][-1]]
    owner = store.table("Address")[item["inventoryitemable_id"]]["addressable_id"]
    assert (begun["ipassignmenthistoryable_type"], begun["ipassignmenthistoryable_id"]) == ("Account", owner)
    assert begun["removed_datetime"] is None


def test_equipment_that_comes_back_loses_its_addresses(plant: World) -> None:
    gone: list[int] = []
    for _ in range(30):
        gone += changes(plant, "item_returned", "IpAssignment")["IpAssignment"]
    assert gone
    assert not set(gone) & set(plant.store.table("IpAssignment"))
    assert violations(plant.store) == []


def test_a_deleted_radius_account_gives_its_leases_back(plant: World) -> None:
    available = sum(row["ips_available"] for row in plant.store.table("IpPool").values())
    leases = sum(row["soft"] for row in plant.store.table("IpAssignment").values())
    for _ in range(30):
        assert changes(plant, "radius_deleted", "RadiusAccount")["RadiusAccount"]
    given_back = leases - sum(row["soft"] for row in plant.store.table("IpAssignment").values())
    assert given_back > 0
    assert sum(row["ips_available"] for row in plant.store.table("IpPool").values()) == available + given_back


def test_a_split_subnet_leaves_every_address_as_it_was(plant: World) -> None:
    store = plant.store
    blocks = {id: row["subnet"] for id, row in store.table("IpAssignment").items()}
    found = changes(plant, "subnet_split", "Subnet", "IpAssignment")
    lower, upper = (store.table("Subnet")[id] for id in found["Subnet"])
    assert lower["subnet"].partition("/")[2] == upper["subnet"].partition("/")[2]
    assert found["IpAssignment"]
    assert {store.table("IpAssignment")[id]["subnet_id"] for id in found["IpAssignment"]} == {upper["id"]}
    assert {id: row["subnet"] for id, row in store.table("IpAssignment").items()} == blocks


def test_an_item_written_off_is_logged_with_its_values(plant: World) -> None:
    logs = set(plant.store.table("Log"))
    found = changes(plant, "item_written_off", "InventoryItem", "InventoryModelFieldData")
    gone = {
        (row["logged_entity_type"], row["logged_entity_id"])
        for id, row in plant.store.table("Log").items()
        if id not in logs and row["type"] == "DELETED"
    }
    values = {("InventoryModelFieldData", id) for id in found["InventoryModelFieldData"]}
    assert values
    assert values | {("InventoryItem", found["InventoryItem"][0])} <= gone


def test_a_new_firmware_leaves_the_items_row_alone(plant: World) -> None:
    found = changes(plant, "firmware_updated", "InventoryItem", "InventoryModelFieldData")
    assert (len(found["InventoryItem"]), len(found["InventoryModelFieldData"])) == (0, 1)


def test_a_van_that_is_handed_over_changes_no_row(plant: World) -> None:
    logs = set(plant.store.table("Log"))
    assert changes(plant, "van_handed_over", "Vehicle", "User") == {"Vehicle": [], "User": []}
    kinds = {row["type"] for id, row in plant.store.table("Log").items() if id not in logs}
    assert "ATTACHED" in kinds
    assert kinds <= {"ATTACHED", "DETACHED"}


def test_a_renamed_model_changes_no_item(plant: World) -> None:
    found = changes(plant, "model_renamed", "InventoryModel", "InventoryItem")
    assert (len(found["InventoryModel"]), len(found["InventoryItem"])) == (1, 0)


def sell(store: Store, account: int, type_: str) -> int:
    """Sell a service to an account; the id of the account's oldest one of the type."""
    service = store.insert(
        "Service", application="DEBIT", display_if_zero=True, enabled=True, name=type_.title(), type=type_
    )
    store.insert("AccountService", account_id=account, quantity=1, service_id=service)
    return int(services_of(store, account, type_)[0]["id"])


def test_equipment_carries_the_data_service_of_the_house_that_it_is_in(plant: World) -> None:
    store, registry = plant.store, Registry(plant.store)
    account, home = next(homes(store))
    sold = sell(store, account, "DATA")
    item = first(store, "InventoryItem", inventoryitemable_type="Vehicle")
    hand_over(registry, item, ("Address", home))
    assert store.table("InventoryItem")[item]["account_service_id"] == sold
    hand_over(registry, item, ("InventoryLocation", 1))
    assert store.table("InventoryItem")[item]["account_service_id"] is None


def test_a_number_is_assigned_for_the_voice_service(plant: World) -> None:
    store = plant.store
    account, _ = next(homes(store))
    sold = sell(store, account, "VOICE")
    did = store.insert("Did", number="9995550100", voice_provider_id=first(store, "VoiceProvider"))
    assign_number(store, store, did, account)
    assigned = store.table("DidAssignment")[first(store, "DidAssignment", did_id=did)]
    assert assigned["service_id"] == store.table("AccountService")[sold]["service_id"]


def test_a_line_that_comes_fills_the_stock_with_what_was_ordered(plant: World) -> None:
    store = plant.store
    for _ in range(10):
        found = changes(plant, "line_received", "PurchaseOrderItem", "InventoryItem")
        if found["InventoryItem"]:
            break
    (line,) = (store.table("PurchaseOrderItem")[id] for id in found["PurchaseOrderItem"])
    items = [store.table("InventoryItem")[id] for id in found["InventoryItem"]]
    assert line["status"] == "RECEIVED"
    assert len(items) == line["units"] * line["quantity_per_unit"]
    assert sum(item["purchase_price"] for item in items) == line["units"] * line["price"]


def test_a_new_price_leaves_what_was_ordered_at_the_old_one(plant: World) -> None:
    for _ in range(10):
        assert (
            changes(plant, "price_changed", "PurchaseOrderItem", "InventoryItem", "VendorItem")["InventoryItem"] == []
        )
    assert violations(plant.store) == []


def test_every_event_of_the_plant_happens_in_an_ordinary_life(plant: World) -> None:
    live(plant, 20_000)
    assert {name for name, count in plant.domains["plant"].lived.items() if count} == set(NAMES)
