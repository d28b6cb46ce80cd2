"""The stock of the invented ISP: what was ordered, what came, and where each item lies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.sonar.declarations import parse
from sandbox.sonar.declared import inventory as declared
from sandbox.sonar.store import Store
from sandbox.world import World
from sandbox.world.invariants import violations
from sandbox.world.inventory_rows import canonical, mac_of
from sandbox.world.inventory_rules import oddities
from tests.unit.sandbox_world.conftest import a_world
from tests.unit.sandbox_world.test_invariants import first


@pytest.mark.parametrize("type_name", parse(declared.TYPES))
def test_sixty_accounts_are_enough_for_rows_of_every_type(sixty: World, type_name: str) -> None:
    assert sixty.store.table(type_name)


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_oddity_of_the_stock_occurs_whatever_the_seed(seed: int) -> None:
    assert [name for name, ids in oddities(a_world(seed=seed).store).items() if not ids] == []


def test_items_and_their_values_are_as_many_as_in_a_real_instance(three_hundred: World) -> None:
    """10,158 accounts have about 15,000 items and 40,000 values."""
    items, values = (
        len(three_hundred.store.table("InventoryItem")),
        len(three_hundred.store.table("InventoryModelFieldData")),
    )
    assert 1.1 <= items / 300 <= 1.9
    assert 3 <= values / 300 <= 5


def test_every_sort_of_owner_has_an_item(sixty: World) -> None:
    owners = {row["inventoryitemable_type"] for row in sixty.store.table("InventoryItem").values()}
    assert owners == set(sixty.store.declarations.enums["InventoryitemableType"])


def test_an_order_is_in_every_state_that_an_operator_sees(sixty: World) -> None:
    states = {row["status"] for row in sixty.store.table("PurchaseOrder").values()}
    assert states == set(sixty.store.declarations.enums["PurchaseOrderStatus"]) - {"DISPATCH_FAILED", "UNINITIALIZED"}


def test_with_its_full_history_every_item_has_passed_through_the_warehouse() -> None:
    short, full = a_world(20), a_world(20, full=True)
    assert violations(full.store) == []
    for world, moved in ((short, False), (full, True)):
        items = [
            row for row in world.store.table("InventoryItem").values() if row["inventoryitemable_type"] == "Address"
        ]
        assert any(row["updated_at"] > row["created_at"] for row in items) == moved


def test_mac_addresses_never_repeat_and_are_nobodys() -> None:
    some = {mac_of(number) for number in range(20_000)}
    assert len(some) == 20_000
    assert all(mac.startswith("02:5E:") for mac in some)


@pytest.mark.parametrize("spelling", ["02:5e:0a:bc:de:01", "025E.0ABC.DE01", "02-5E-0A-BC-DE-01", "025e0abcde01"])
def test_a_mac_address_is_one_however_it_is_spelled(spelling: str) -> None:
    assert canonical(spelling) == "025E0ABCDE01"


def test_a_deleted_item_takes_its_values_with_it(living: World) -> None:
    store = living.store
    item = first(store, "InventoryItem", inventoryitemable_type="Vehicle")
    values = store.pointing("InventoryModelFieldData", "inventory_item_id", item)[:]
    assert values
    store.delete("InventoryItem", item)
    assert not set(values) & set(store.table("InventoryModelFieldData"))
    assert violations(store) == []


def test_a_model_in_use_is_not_deleted(living: World) -> None:
    model = next(iter(living.store.table("InventoryItem").values()))["inventory_model_id"]
    with pytest.raises(ValueError, match="is still used by"):
        living.store.delete("InventoryModel", model)


def bought(store: Store) -> int:
    """An item that came with an order."""
    return next(id for id, row in store.table("InventoryItem").items() if row["purchase_order_item_id"] is not None)


def value_of(store: Store, field_name: str, place: int = 0) -> int:
    fields = {id for id, row in store.table("InventoryModelField").items() if row["name"] == field_name}
    values = store.table("InventoryModelFieldData")
    return [id for id, row in values.items() if row["inventory_model_field_id"] in fields][place]


def same_serial(store: Store) -> None:
    value = store.table("InventoryModelFieldData")[value_of(store, "Serial number")]["value"]
    store.update("InventoryModelFieldData", value_of(store, "Serial number", 1), value=value)


def same_mac(store: Store) -> None:
    value = store.table("InventoryModelFieldData")[value_of(store, "MAC address")]["value"]
    other = canonical(value).lower()
    store.update("InventoryModelFieldData", value_of(store, "MAC address", 1), value=other)


def one_more(store: Store) -> None:
    """Shrinks an order below what has come."""
    line = store.table("InventoryItem")[bought(store)]["purchase_order_item_id"]
    store.update("PurchaseOrderItem", line, units=0)


def line_of(store: Store, status: str) -> int:
    return first(store, "PurchaseOrderItem", purchase_order_id=first(store, "PurchaseOrder", status=status))


def other_model(store: Store) -> None:
    item = store.table("InventoryItem")[bought(store)]
    other = next(
        id
        for id, row in store.table("InventoryModel").items()
        if not row["generic"] and id != item["inventory_model_id"]
    )
    store.update("InventoryItem", item["id"], inventory_model_id=other)


def generic_model(store: Store) -> int:
    return first(store, "InventoryModel", generic=True)


def again(store: Store) -> None:
    row = store.table("GenericInventoryItem")[1]
    columns = ("genericinventoryitemable_id", "genericinventoryitemable_type", "inventory_model_id")
    store.insert("GenericInventoryItem", quantity=1, **{column: row[column] for column in columns})


def drop_value(store: Store) -> None:
    store.delete("InventoryModelFieldData", value_of(store, "MAC address"))


def serve_nobody(store: Store) -> None:
    service = store.insert("Service", application="DEBIT", display_if_zero=True, enabled=True, name="Data", type="DATA")
    sold = store.insert("AccountService", account_id=1, quantity=1, service_id=service)
    store.update("InventoryItem", first(store, "InventoryItem", inventoryitemable_type="User"), account_service_id=sold)


BREAKS: list[tuple[str, Callable[[Store], object], str]] = [
    ("a service in a pocket", serve_nobody, "in nobody's house"),
    ("a cent too much", lambda s: s.update("InventoryItem", bought(s), purchase_price=8_991), "not its share"),
    ("another model came", other_model, "was ordered as another model"),
    ("values of another model", other_model, "is a field of another model"),
    (
        "an item of cable",
        lambda s: s.update("InventoryItem", bought(s), inventory_model_id=generic_model(s)),
        "its model is kept by quantity",
    ),
    (
        "deployed as another",
        lambda s: s.update("InventoryItem", first(s, "InventoryItem", deployment_type_id=None), deployment_type_id=1),
        "is deployed as another model",
    ),
    ("a serial number twice", same_serial, "is not unique"),
    ("a MAC address twice", same_mac, "is not unique"),
    (
        "a tag of no form",
        lambda s: s.update("InventoryModelFieldData", value_of(s, "Asset tag"), value="?"),
        "the form",
    ),
    ("a short MAC", lambda s: s.update("InventoryModelFieldData", value_of(s, "MAC address"), value="02"), "no MAC"),
    ("a value missing", drop_value, "has 0 values of a field"),
    (
        "two primary fields",
        lambda s: s.update("InventoryModelField", first(s, "InventoryModelField", primary=False), primary=True),
        "has not one primary field",
    ),
    ("more than ordered", one_more, "more came than was ordered"),
    (
        "a canceled line that came",
        lambda s: s.update("PurchaseOrderItem", line_of(s, "CANCELED"), generic_quantity_received=1),
        "came though it was canceled",
    ),
    (
        "complete too early",
        lambda s: s.update("PurchaseOrderItem", line_of(s, "COMPLETE"), status="PENDING"),
        "complete with something to come",
    ),
    ("paid in secret", lambda s: s.update("PurchaseOrder", 1, is_paid=None), "is_paid and status differ"),
    (
        "canceled at no time",
        lambda s: s.update("PurchaseOrder", first(s, "PurchaseOrder", status="CANCELED"), canceled_at=None),
        "canceled_at and status differ",
    ),
    ("a number twice", lambda s: s.update("PurchaseOrder", 1, order_number=1001), "another one has its number"),
    ("nothing on a shelf", lambda s: s.update("GenericInventoryItem", 1, quantity=0), "is nothing"),
    (
        "a heap of routers",
        lambda s: s.update("GenericInventoryItem", 1, inventory_model_id=first(s, "InventoryModel", generic=False)),
        "its model is kept one by one",
    ),
    ("a model twice in one place", again, "keeps a model twice"),
    (
        "cable from nowhere",
        lambda s: s.update("GenericInventoryItem", 1, quantity=9_999_999),
        "more is there than ever came",
    ),
]


@pytest.mark.parametrize(("how", "says"), [pytest.param(how, says, id=situation) for situation, how, says in BREAKS])
def test_a_broken_rule_of_the_stock_is_named(how: Callable[[Store], object], says: str) -> None:
    store = a_world().store
    assert violations(store) == []
    how(store)
    found = violations(store)
    assert any(says in line for line in found), found
