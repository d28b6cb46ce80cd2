"""What re-reads an account, over several steps: its devices and their addresses, what is sold to it."""

import asyncio
from datetime import datetime
from typing import Any

from schemas.catalogue import aggregate
from tests.unit.producers.scene import Scene

ACCOUNT = aggregate("account")


class House:
    """Two accounts, each at an address; the first has a router with a MAC address, which holds an IP address."""

    def __init__(self) -> None:
        self.scene = Scene(aggregates=(ACCOUNT,))
        shop = self.scene.shop
        self.store = store = shop.store
        self.one, self.other = shop.an_account("Ada"), shop.an_account("Bea")
        self.home, self.next_door = shop.an_address(self.one), shop.an_address(self.other)
        supernet = store.insert("Supernet", subnet="10.0.0.0/8")
        self.subnet = store.insert(
            "Subnet", supernet_id=supernet, subnet="10.0.0.0/24", polling_priority=1, type="ACCOUNT"
        )
        maker = store.insert("Manufacturer", name="Acme")
        kind = store.insert("InventoryModelCategory", name="Routers", icon="CIRCLE")
        model = store.insert(
            "InventoryModel", name="R1", manufacturer_id=maker, inventory_model_category_id=kind, enabled=True,
            generic=False, icon="CIRCLE", is_segmentable=False, device_type="OTHER",
        )  # fmt: skip
        self.field = store.insert(
            "InventoryModelField", inventory_model_id=model, name="MAC", primary=True, required=True,
            type="MAC_ADDRESS", unique="GLOBAL",
        )  # fmt: skip
        self.router = store.insert(
            "InventoryItem", inventory_model_id=model, inventoryitemable_type="Address", inventoryitemable_id=self.home,
            flapping=False, icmp_status_flap_count=0, snmp_status_flap_count=0, status="FUNCTIONAL",
        )  # fmt: skip
        self.mac = store.insert(
            "InventoryModelFieldData", inventory_item_id=self.router, inventory_model_field_id=self.field,
            value="02:00:00:00:00:01",
        )  # fmt: skip
        self.ip = self.an_ip("InventoryModelFieldData", self.mac, "10.0.0.1/32")

    def an_ip(self, type_name: str, holder: int, subnet: str) -> int:
        return self.store.insert(
            "IpAssignment", ipassignmentable_type=type_name, ipassignmentable_id=holder, soft=False, subnet=subnet,
            subnet_id=self.subnet,
        )  # fmt: skip

    async def begin(self) -> None:
        await self.scene.begin()
        await self.scene.snapshot.run([ACCOUNT], asyncio.Event(), started=self.scene.shop.clock.now, force=None)
        await self.pass_by()

    async def pass_by(self) -> None:
        self.scene.shop.clock.tick(60)
        await self.scene.following.poll()

    def devices(self, account: int) -> list[Any]:
        return [item for one in self.scene.folded()[account]["addresses"] for item in one["inventory_items"]]

    def ips(self, account: int) -> list[str]:
        fields = [field for item in self.devices(account) for field in item["inventory_model_field_data"]]
        return [ip["subnet"] for field in fields for ip in field["ip_assignments"]]


async def a_house() -> House:
    house = House()
    await house.begin()
    assert house.ips(house.one) == ["10.0.0.1/32"]
    return house


async def test_a_device_that_moves_takes_its_addresses_from_one_account_to_the_other() -> None:
    house = await a_house()
    house.store.update("InventoryItem", house.router, inventoryitemable_id=house.next_door)
    await house.pass_by()
    assert (house.ips(house.one), house.ips(house.other)) == ([], ["10.0.0.1/32"])
    house.store.update("IpAssignment", house.ip, subnet="10.0.0.9/32")
    await house.pass_by()
    assert house.ips(house.other) == ["10.0.0.9/32"]


async def test_a_device_that_goes_back_to_the_stock_is_gone_from_the_account() -> None:
    house = await a_house()
    location = house.store.insert("InventoryLocation", name="Main", default_shipping_location=True)
    house.store.update(
        "InventoryItem", house.router, inventoryitemable_type="InventoryLocation", inventoryitemable_id=location
    )
    await house.pass_by()
    assert house.devices(house.one) == []
    house.store.update("InventoryModelFieldData", house.mac, value="02:00:00:00:00:02")
    await house.pass_by()
    assert len(house.scene.events()) == 3  # two accounts, and the first once more


async def test_an_address_that_another_account_moves_into_brings_what_stands_there() -> None:
    house = await a_house()
    house.store.update("Address", house.home, addressable_id=house.other)
    await house.pass_by()
    assert (house.ips(house.one), house.ips(house.other)) == ([], ["10.0.0.1/32"])


async def test_a_device_with_all_that_is_on_it_may_come_at_once() -> None:
    house = await a_house()
    router = house.store.insert(
        "InventoryItem",
        **{
            name: house.store.table("InventoryItem")[house.router][name]
            for name in ("inventory_model_id", "flapping", "icmp_status_flap_count", "snmp_status_flap_count", "status")
        },
        inventoryitemable_type="Address",
        inventoryitemable_id=house.next_door,
    )
    mac = house.store.insert(
        "InventoryModelFieldData", inventory_item_id=router, inventory_model_field_id=house.field, value="x"
    )
    ip = house.an_ip("InventoryModelFieldData", mac, "10.0.0.2/32")
    await house.pass_by()
    assert house.ips(house.other) == ["10.0.0.2/32"]
    house.store.update("IpAssignment", ip, subnet="10.0.0.3/32")
    await house.pass_by()
    assert house.ips(house.other) == ["10.0.0.3/32"]


async def test_a_look_up_is_found_by_every_way_that_leads_to_it() -> None:
    house = await a_house()
    house.an_ip("Account", house.other, "10.0.0.7/32")
    await house.pass_by()
    events = len(house.scene.events())
    house.store.update("Subnet", house.subnet, type="MIXED")
    await house.pass_by()
    assert len(house.scene.events()) == events + 2
    (held,) = house.scene.folded()[house.other]["ip_assignments"]
    assert held["parent_subnet"]["type"] == "MIXED"


async def test_a_list_price_reads_those_again_to_whom_it_is_sold() -> None:
    house = await a_house()
    plan = house.store.insert(
        "Service", name="Plan", type="DATA", application="DEBIT", amount=5000, enabled=True, display_if_zero=True
    )
    house.store.insert("AccountService", account_id=house.one, service_id=plan, quantity=1)
    await house.pass_by()
    events = len(house.scene.events())
    house.store.update("Service", plan, enabled=False)  # what is on an account keeps running
    await house.pass_by()
    assert len(house.scene.events()) == events
    house.store.update("Service", plan, amount=5500)
    await house.pass_by()
    assert len(house.scene.events()) == events + 1
    (sold,) = house.scene.folded()[house.one]["account_services"]
    assert sold["service"]["amount"] == 5500


async def test_a_value_that_was_asked_of_a_contact_reads_its_account_again() -> None:
    house = await a_house()
    contact = house.scene.shop.a_contact(house.one)
    asked = house.store.insert(
        "CustomField", entity_type="Contact", name="Gate code", required=False, type="TEXT", unique=False
    )
    await house.pass_by()
    house.store.insert(
        "CustomFieldData", custom_field_id=asked, customfielddataable_type="Contact", customfielddataable_id=contact,
        value="12",
    )  # fmt: skip
    await house.pass_by()
    (person,) = house.scene.folded()[house.one]["contacts"]
    assert [one["value"] for one in person["custom_field_data"]] == ["12"]


async def test_of_all_that_has_happened_to_an_account_only_its_last_change_of_status_is_read() -> None:
    house = await a_house()
    for event, day in (
        ("STATUS_UPDATED", "2025-03-01"), ("STATUS_UPDATED", "2025-05-01"), ("STATUS_UPDATED", "2025-04-01"),
        ("SERVICES_ADDED", "2025-06-01"),
    ):  # fmt: skip
        at = datetime.fromisoformat(f"{day}T12:00:00Z")
        house.store.insert("AccountEvent", account_id=house.one, event=event, event_datetime=at)
    house.store.update("Account", house.one, name="Ada again")
    await house.pass_by()
    after = house.scene.folded()
    assert [one["event_datetime"] for one in after[house.one]["status_changes"]] == [1_746_100_800_000]
    assert after[house.other]["status_changes"] == []
    read_on = [one for one in house.scene.client.asked if "account_events(search" in one]
    assert read_on == [], "one row fills its page, and no more are wanted"
