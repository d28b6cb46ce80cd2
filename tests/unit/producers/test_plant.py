"""Network and stock: whose an address or a device is, whatever lies between, and what re-reads them."""

from collections.abc import Sequence
from typing import Any

import pytest

from producers import descent, thin_pages
from producers.parts import owned
from schemas.aggregate import Aggregate
from schemas.entities.network.assignment import IP_ASSIGNMENT
from schemas.entities.network.site import NETWORK_SITE
from schemas.entities.stock.items import GENERIC_INVENTORY_ITEM, INVENTORY_ITEM
from schemas.entities.stock.places import VEHICLE
from schemas.entities.stock.purchases import PURCHASE_ORDER
from tests.unit.producers.scene import Scene
from tests.unit.producers.settled import read

AGGREGATES = (NETWORK_SITE, VEHICLE, PURCHASE_ORDER, INVENTORY_ITEM, GENERIC_INVENTORY_ITEM, IP_ASSIGNMENT)


class Plant:
    """Two accounts, each with an address; a warehouse, and a kind of router with one field."""

    def __init__(self, aggregates: Sequence[Aggregate] = AGGREGATES) -> None:
        self.scene = Scene(page_size=200, aggregates=aggregates)
        shop = self.scene.shop
        self.store = store = shop.store
        self.one, self.other = shop.an_account("Ada"), shop.an_account("Bea")
        self.home, self.next_door = shop.an_address(self.one), shop.an_address(self.other)
        self.warehouse = store.insert("InventoryLocation", default_shipping_location=True, name="Warehouse")
        supernet = store.insert("Supernet", subnet="10.0.0.0/8")
        self.subnet = store.insert(
            "Subnet", polling_priority=1, subnet="10.0.0.0/24", supernet_id=supernet, type="ACCOUNT"
        )
        self.model = store.insert(
            "InventoryModel",
            device_type="OTHER",
            enabled=True,
            generic=False,
            icon="CIRCLE",
            inventory_model_category_id=store.insert("InventoryModelCategory", icon="CIRCLE", name="Routers"),
            is_segmentable=False,
            manufacturer_id=store.insert("Manufacturer", name="Example Radio"),
            name="Router",
        )
        self.field = store.insert(
            "InventoryModelField", inventory_model_id=self.model, name="MAC", primary=True, required=True,
            type="MAC_ADDRESS", unique="GLOBAL",
        )  # fmt: skip

    def an_item(self, type_name: str, id: int, **columns: Any) -> int:
        return self.store.insert(
            "InventoryItem", flapping=False, icmp_status_flap_count=0, inventory_model_id=self.model,
            inventoryitemable_id=id, inventoryitemable_type=type_name, snmp_status_flap_count=0, status="FUNCTIONAL",
            **columns,
        )  # fmt: skip

    def an_interface(self, item: int) -> int:
        return self.store.insert(
            "InventoryModelFieldData", inventory_item_id=item, inventory_model_field_id=self.field,
            value="02:00:00:00:00:01",
        )  # fmt: skip

    def an_ip(self, type_name: str, holder: int) -> int:
        return self.store.insert(
            "IpAssignment", ipassignmentable_id=holder, ipassignmentable_type=type_name, soft=False,
            subnet="10.0.0.1/32", subnet_id=self.subnet,
        )  # fmt: skip

    def a_holder(self, type_name: str) -> int:
        """What holds an address for the first account."""
        if type_name == "Account":
            return self.one
        if type_name == "RadiusAccount":
            return self.store.insert(type_name, account_id=self.one, password="invented", username="ada")
        if type_name == "UninventoriedMacAddress":
            return self.store.insert(type_name, account_id=self.one, mac_address="02:00:00:00:00:02")
        item = self.an_item("Address", self.home)
        return item if type_name == "InventoryItem" else self.an_interface(item)

    async def begin(self) -> None:
        await read(self.scene)
        await self.pass_by()
        self.scene.client.asked.clear()

    async def pass_by(self) -> None:
        self.scene.shop.clock.tick(60)
        await self.scene.following.poll()

    def story(self, aggregate: str, id: int) -> list[tuple[str, int | None]]:
        """What was said of a row: the operation and its owner."""
        sources = [(event["op"], event["source"]) for event in self.scene.events(aggregate)]
        return [(op, source["owner_id"]) for op, source in sources if source["sonar_id"] == id]

    def read_again(self, collection: str) -> int:
        """How many pages of whole rows were asked for."""
        return sum("query Page" in one and f" {collection}(" in one for one in self.scene.client.asked)


HOLDERS = ("Account", "RadiusAccount", "UninventoriedMacAddress", "InventoryItem", "InventoryModelFieldData")


@pytest.mark.parametrize("holder", HOLDERS)
async def test_an_address_is_owned_by_the_account_that_its_holder_leads_to(holder: str) -> None:
    plant = Plant()
    ip = plant.an_ip(holder, plant.a_holder(holder))
    await plant.begin()
    assert plant.story("ip_assignment", ip) == [("r", plant.one)]


async def test_an_address_of_the_infrastructure_has_no_owner() -> None:
    plant = Plant()
    site = plant.store.insert("NetworkSite", height_in_meters=12.5, name="Hill")
    mast, shelf = plant.an_item("NetworkSite", site), plant.an_item("InventoryLocation", plant.warehouse)
    ips = [
        plant.an_ip("NetworkSite", site),
        plant.an_ip("InventoryItem", mast),
        plant.an_ip("InventoryModelFieldData", plant.an_interface(shelf)),
    ]
    await plant.begin()
    assert [plant.story("ip_assignment", ip) for ip in ips] == [[("r", None)]] * 3


@pytest.mark.parametrize("holder", HOLDERS)
async def test_what_an_account_owns_is_found_from_the_account_down(holder: str) -> None:
    plant = Plant()
    ip = plant.an_ip(holder, plant.a_holder(holder))
    generic = plant.store.insert(
        "GenericInventoryItem", genericinventoryitemable_id=plant.home, genericinventoryitemable_type="Address",
        inventory_model_id=plant.model, quantity=2,
    )  # fmt: skip
    for account, ips, items in ((plant.one, [ip], [generic]), (plant.other, [], [])):
        assert await owned(plant.scene.changes, IP_ASSIGNMENT, account) == ips
        assert await owned(plant.scene.changes, GENERIC_INVENTORY_ITEM, account) == items


@pytest.mark.parametrize("holder", ["RadiusAccount", "UninventoriedMacAddress"])
async def test_an_address_goes_with_its_holder_to_another_account(holder: str) -> None:
    plant = Plant()
    id = plant.a_holder(holder)
    ip = plant.an_ip(holder, id)
    await plant.begin()
    plant.store.update(holder, id, account_id=plant.other)
    await plant.pass_by()
    assert plant.story("ip_assignment", ip) == [("r", plant.one), ("u", plant.other)]


@pytest.mark.parametrize("holder", ["InventoryItem", "InventoryModelFieldData"])
@pytest.mark.parametrize("what", ["the device", "the house"])
async def test_a_device_and_its_address_go_to_another_account(holder: str, what: str) -> None:
    plant = Plant()
    ip = plant.an_ip(holder, plant.a_holder(holder))
    (device,) = plant.store.table("InventoryItem")
    await plant.begin()
    if what == "the device":
        plant.store.update("InventoryItem", device, inventoryitemable_id=plant.next_door)
    else:
        plant.store.update("Address", plant.home, addressable_id=plant.other)
    await plant.pass_by()
    assert plant.story("ip_assignment", ip) == [("r", plant.one), ("u", plant.other)]
    assert plant.story("inventory_item", device) == [("r", plant.one), ("u", plant.other)]


async def test_a_device_that_comes_back_to_the_stock_is_nobodys_but_the_services_that_it_is_kept_for() -> None:
    plant = Plant()
    plan = plant.store.insert(
        "Service", amount=5000, application="DEBIT", display_if_zero=True, enabled=True, name="Plan", type="DATA"
    )
    sold = plant.store.insert("AccountService", account_id=plant.other, quantity=1, service_id=plan)
    devices = [plant.an_item("Address", plant.home), plant.an_item("Address", plant.home, account_service_id=sold)]
    await plant.begin()
    for device in devices:
        plant.store.update(
            "InventoryItem", device, inventoryitemable_id=plant.warehouse, inventoryitemable_type="InventoryLocation"
        )
    await plant.pass_by()
    assert [plant.story("inventory_item", device) for device in devices] == [
        [("r", plant.one), ("u", None)],
        [("r", plant.one), ("u", plant.other)],
    ]


async def test_an_address_on_an_interface_re_reads_the_device() -> None:
    plant = Plant()
    device = plant.an_item("Address", plant.home)
    interface = plant.an_interface(device)
    await plant.begin()
    plant.an_ip("InventoryModelFieldData", interface)
    await plant.pass_by()
    (value,) = plant.scene.folded("inventory_item")[device]["inventory_model_field_data"]
    assert [one["subnet"] for one in value["ip_assignments"]] == ["10.0.0.1/32"]


async def test_what_takes_an_account_out_of_a_pilot_re_reads_what_stands_at_its_addresses() -> None:
    plant = Plant()
    device, far = plant.an_item("Address", plant.home), plant.an_item("Address", plant.next_door)
    cable = plant.store.insert(
        "GenericInventoryItem", genericinventoryitemable_id=plant.home, genericinventoryitemable_type="Address",
        inventory_model_id=plant.model, quantity=30,
    )  # fmt: skip
    await plant.begin()
    lead = plant.scene.shop.a_status("Lead")
    plant.store.update("Account", plant.one, account_status_id=lead)
    await plant.pass_by()
    held = plant.scene.folded("inventory_item")[device], plant.scene.folded("generic_inventory_item")[cable]
    assert [one["address"]["account"]["account_status_id"] for one in held] == [lead, lead]
    assert plant.story("inventory_item", far) == [("r", plant.other)]


async def test_a_place_of_another_kind_with_the_same_id_is_not_taken_for_the_address() -> None:
    plant = Plant()
    assert plant.warehouse == plant.home
    plant.an_item("InventoryLocation", plant.warehouse)
    await plant.begin()
    plant.store.update("Address", plant.home, addressable_id=plant.other)
    await plant.pass_by()
    assert plant.read_again("inventory_items") == 0


async def test_a_way_down_over_more_rows_than_one_search_takes_reaches_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin_pages, "PAGE", 3)
    monkeypatch.setattr(descent, "_TOGETHER", 2)
    plant = Plant()
    ips = [plant.an_ip("InventoryModelFieldData", plant.a_holder("InventoryModelFieldData")) for _ in range(5)]
    await plant.begin()
    plant.store.update("Address", plant.home, addressable_id=plant.other)
    await plant.pass_by()
    assert [plant.story("ip_assignment", ip)[-1] for ip in ips] == [("u", plant.other)] * 5


async def test_a_van_is_read_again_when_only_its_driver_changes() -> None:
    plant = Plant()
    days: dict[str, Any] = {
        f"gps_tracking_day_{day}day": False for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
    }
    van = plant.store.insert(
        "Vehicle", gps_tracking_always=False, gps_tracking_enabled=False, gps_tracking_end_time="17:00:00",
        gps_tracking_start_time="08:00:00", name="Van 1", **days,
    )  # fmt: skip
    await plant.begin()
    plant.store.attach("Vehicle", van, "users", plant.scene.shop.user)
    await plant.pass_by()
    assert plant.scene.folded("vehicle")[van]["users"] == [{"id": plant.scene.shop.user}]


async def test_what_a_monitor_says_of_a_device_at_the_moment_is_no_event() -> None:
    plant = Plant()
    device = plant.an_item("Address", plant.home)
    await plant.begin()
    plant.store.update("InventoryItem", device, flapping=True, icmp_status_flap_count=7)
    await plant.pass_by()
    assert plant.read_again("inventory_items") == 1
    assert plant.story("inventory_item", device) == [("r", plant.one)]


async def test_a_telephone_of_a_sites_contact_re_reads_the_site_and_no_account() -> None:
    plant = Plant()
    site = plant.store.insert("NetworkSite", height_in_meters=12.5, name="Hill")
    contact = plant.scene.shop.a_contact(site, "Cleo", contactable_type="NetworkSite")
    await plant.begin()
    plant.scene.shop.a_phone(contact, "0145550123")
    await plant.pass_by()
    (person,) = plant.scene.folded("network_site")[site]["contacts"]
    assert [one["number"] for one in person["phone_numbers"]] == ["0145550123"]
    assert plant.scene.folded("network_site")[site]["height_in_meters"] == "12.5"


async def test_a_collection_on_the_way_down_that_may_not_be_read_holds_up_nothing_else_and_loses_nothing() -> None:
    plant = Plant()
    ip = plant.an_ip("InventoryItem", plant.a_holder("InventoryItem"))
    site = plant.store.insert("NetworkSite", height_in_meters=12.5, name="Hill")
    await plant.begin()
    plant.scene.damage(denied=frozenset({"inventory_items"}))
    plant.store.update("Address", plant.home, addressable_id=plant.other)
    plant.store.update("NetworkSite", site, name="Hill, new")
    for _ in range(3):
        await plant.pass_by()
    assert plant.scene.folded("network_site")[site]["name"] == "Hill, new"
    assert "inventory_items" in plant.scene.following.halted
    plant.scene.damage()
    for _ in range(13):
        await plant.pass_by()
    assert plant.story("ip_assignment", ip)[-1] == ("u", plant.other)
