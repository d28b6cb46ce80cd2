"""Who is on the network at the beginning: RADIUS accounts, MAC addresses, IP addresses, telephone numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from sandbox.sonar.store import Store
from sandbox.world.domain import Beginning
from sandbox.world.inventory_rows import Owner, canonical, mac_of, services_of
from sandbox.world.network_holding import assign, top_of
from sandbox.world.network_space import DELEGATIONS, LINKS, ROUTES, Row, draw_block
from sandbox.world.rows import Writer

SHORT_PAST, FULL_PAST = 0.15, 3.0
"""How many addresses an account had before, on average."""


def connect(ground: Beginning) -> None:
    """Write what the network knows of its customers."""
    store = ground.store
    Connector(ground).run()
    _numbers(ground)
    _moves_to_come(ground)
    for site in store.table("NetworkSite"):
        subnet = _named(store, f"Devices of {store.table('NetworkSite')[site]['name']}")
        at = store.table("NetworkSite")[site]["created_at"] + timedelta(days=1)
        items = store.pointing("InventoryItem", "inventoryitemable", ("NetworkSite", site))
        for holder in [("NetworkSite", site), *(("InventoryItem", item) for item in items)]:
            block = draw_block(store, subnet, ground.rng)
            if block is not None:
                # Sonar shows single hosts with and without their mask.
                bare = block.removesuffix("/32") if holder[0] == "NetworkSite" else block
                assign(store, store, holder, subnet["id"], bare, at, description="Management")
    _oddities(ground)


class Connector:
    """Puts the homes of the ISP on its network, oldest account first."""

    def __init__(self, ground: Beginning) -> None:
        self.ground, self.store, self.rng = ground, ground.store, ground.rng
        self.sites = [row["name"] for row in self.store.table("NetworkSite").values()]
        # {what a subnet is for: the subnet of each site}
        self.subnets = {
            purpose: [_named(self.store, f"{purpose} of {site}") for site in self.sites]
            for purpose in ("Customers", LINKS, DELEGATIONS)
        }
        self.shared = {"static": _named(self.store, "Statics"), "route": _named(self.store, ROUTES)}
        types = self.store.table("AccountType")
        self.business = {id for id, row in types.items() if row["type"] != "RESIDENTIAL"}

    def run(self) -> None:
        for account, address in sorted(homes(self.store)):
            row = self.store.table("Account")[account]
            if row["activation_date"] is not None and self.rng.random() < 0.92:
                self._connect(account, address, row)

    def _connect(self, account: int, address: int, row: Row) -> None:
        store, rng = self.store, self.rng
        at = max(row["created_at"], store.table("Address")[address]["created_at"]) + timedelta(minutes=30)
        holder = add_holder(store, store, rng, account, address, at)
        place = account % len(self.sites)
        subnet = self.subnets["Customers"][place]
        pool = None
        if rng.random() < 0.25:
            pool = store.table("IpPool")[store.pointing("IpPool", "subnet_id", subnet["id"])[0]]
        self._past(account, holder, subnet, at)
        self._assign(holder, subnet, at, pool)
        if row["account_type_id"] in self.business and rng.random() < 0.5:
            self._assign(holder, self.shared[rng.choice(("static", "route"))], at)
        if rng.random() < 0.3:
            self._assign(holder, self.subnets[LINKS if rng.random() < 0.3 else DELEGATIONS][place], at)

    def _assign(self, holder: Owner, subnet: Row, at: datetime, pool: Row | None = None) -> None:
        block = draw_block(self.store, subnet, self.rng, pool)
        if block is None:
            return
        if self.rng.random() < 0.05:
            block = block.removesuffix("/32")
        assign(self.store, self.store, holder, subnet["id"], block, at, pool=None if pool is None else pool["id"])

    def _past(self, account: int, holder: Owner, subnet: Row, at: datetime) -> None:
        mean = FULL_PAST if self.ground.full else SHORT_PAST
        span = (self.store.now() - at).total_seconds()
        for _ in range(int(mean) + (self.rng.random() < mean % 1)):
            block = draw_block(self.store, subnet, self.rng)
            began = at + timedelta(seconds=int(span * 0.5 * self.rng.random()))
            ended = began + timedelta(seconds=int(span * 0.4 * self.rng.random()))
            self.store.insert(
                "IpAssignmentHistory",
                at=began,
                assigned_datetime=began,
                ipassignmentable_id=holder[1],
                ipassignmentable_type=holder[0],
                ipassignmenthistoryable_id=account,
                ipassignmenthistoryable_type="Account",
                removed_datetime=ended,
                soft=False,
                subnet=block or subnet["subnet"],
            )


def homes(store: Store) -> Iterator[tuple[int, int]]:
    """(account, address) of every serviceable address that an account holds."""
    for id, row in store.table("Address").items():
        if row["serviceable"] and row["addressable_type"] == "Account":
            yield row["addressable_id"], id


def add_holder(
    writer: Writer, store: Store, rng: Random, account: int, address: int, at: datetime | None = None
) -> Owner:
    """What an account's address hangs on: a RADIUS account or a MAC address made for it, a device, or itself."""
    way = rng.choices(("radius", "mac", "device", "account"), (40, 15, 30, 15))[0]
    if way == "radius":
        return "RadiusAccount", add_radius(writer, store, account, rng, at)
    if way == "mac":
        mac = mac_of(rng.getrandbits(32), prefix=0x06)
        return "UninventoriedMacAddress", writer.insert(
            "UninventoriedMacAddress", at=at, account_id=account, mac_address=mac
        )
    if way == "device":
        value = next(iter(macs_at(store, address)), None)
        if value is not None:
            return "InventoryModelFieldData", value
    return "Account", account


def macs_at(store: Store, address: int) -> Iterator[int]:
    """The MAC address values of the items at an address."""
    fields, values = store.table("InventoryModelField"), store.table("InventoryModelFieldData")
    for item in store.pointing("InventoryItem", "inventoryitemable", ("Address", address)):
        for id in store.pointing("InventoryModelFieldData", "inventory_item_id", item):
            if fields[values[id]["inventory_model_field_id"]]["type"] == "MAC_ADDRESS":
                yield id


def add_radius(writer: Writer, store: Store, account: int, rng: Random, at: datetime | None = None) -> int:
    """A RADIUS account; its password is invented, and a secret all the same."""
    name, password = username(store, account, rng), f"demo-{rng.getrandbits(32):08x}"
    return writer.insert("RadiusAccount", at=at, account_id=account, password=password, username=name)


def username(store: Store, account: int, rng: Random) -> str:
    """A name nobody has yet: plain letters of the customer's, the account, and a number."""
    customer = unicodedata.normalize("NFKD", str(store.table("Account")[account]["name"]))
    plain = re.sub(r"[^a-z]", "", customer.encode("ascii", "ignore").decode().lower())[:12] or "user"
    radius = store.table("RadiusAccount")
    taken = {radius[id]["username"].lower() for id in store.pointing("RadiusAccount", "account_id", account)}
    while (name := f"{plain}{account}-{rng.randint(10, 9_999)}") in taken:
        pass
    return name


def _named(store: Store, start: str) -> Row:
    return next(row for row in store.table("Subnet").values() if str(row["name"]).startswith(start))


def _numbers(ground: Beginning) -> None:
    """Telephone numbers, one for ten accounts; seven in ten are somebody's."""
    store, rng = ground.store, ground.rng
    at = ground.calendar.instant(ground.calendar.history_start)
    accounts = sorted({account for account, _ in homes(store)})
    talking = [account for account in accounts if services_of(store, account, "VOICE")]
    provider = next(iter(store.table("VoiceProvider")))
    for place in range(max(4, len(store.table("Account")) // 10)):
        number = f"{217 + place // 100}55501{place % 100:02d}"
        did = store.insert("Did", at=at, number=number, voice_provider_id=provider)
        if accounts and rng.random() < 0.7:
            # One in ten is on an account without telephony: kept when the service was given up.
            account = rng.choice(talking if talking and rng.random() < 0.9 else accounts)
            later = max(at, store.table("Account")[account]["created_at"]) + timedelta(hours=1)
            assign_number(store, store, did, account, later)


def assign_number(writer: Writer, store: Store, did: int, account: int, at: datetime | None = None) -> None:
    """Give an account a telephone number, for its voice service where it has one."""
    service = next((row["service_id"] for row in services_of(store, account, "VOICE")), None)
    writer.insert("DidAssignment", at=at, account_id=account, did_id=did, service_id=service)


def _moves_to_come(ground: Beginning) -> None:
    """Customers who are to get a house that nobody holds yet."""
    store, rng, today = ground.store, ground.rng, ground.calendar.today
    accounts = sorted({account for account, _ in homes(store)})
    count = max(1, len(store.table("Account")) // 60)
    free = [id for id, row in store.table("Address").items() if is_free(store, row)]
    for address in free[:count] if accounts else []:
        store.insert(
            "ServiceableAddressAccountAssignmentFuture",
            at=ground.calendar.instant(ground.calendar.yesterday),
            account_id=rng.choice(accounts),
            address_id=address,
            note="Moves when the house is finished",
            target_date=(today + timedelta(days=rng.randint(3, 40))).isoformat(),
        )


def is_free(store: Store, address: Row) -> bool:
    """Whether nobody holds a serviceable address and nobody is to get it."""
    return (
        bool(address["serviceable"])
        and address["addressable_type"] is None
        and not store.pointing("ServiceableAddressAccountAssignmentFuture", "address_id", address["id"])
    )


def _oddities(ground: Beginning) -> None:
    """What a migration stumbles over; `network_rules.oddities` finds it again."""
    store, at = ground.store, ground.calendar.instant(ground.calendar.yesterday)
    radius = store.table("RadiusAccount")
    if radius:
        first = next(iter(radius.values()))
        # Another log-in by its case alone, on the same account; its password was never set.
        store.insert("RadiusAccount", at=at, account_id=first["account_id"], username=str(first["username"]).upper())
    owners = sorted(homes(store))
    sold = next((value for _, address in owners for value in macs_at(store, address)), None)
    if sold is not None:
        # A router that one customer sold to another: stock knows it here, and the network there.
        mac = canonical(store.table("InventoryModelFieldData")[sold]["value"])
        seller = top_of(store, ("InventoryModelFieldData", sold))
        for buyer in [account for account, _ in owners if seller != ("Account", account)][-1:]:
            store.insert("UninventoriedMacAddress", at=at, account_id=buyer, mac_address=mac)
    # The radio on an empty house still has its address.
    items = store.table("InventoryItem")
    empty = next(
        (
            id
            for id, row in items.items()
            if row["inventoryitemable_type"] == "Address" and top_of(store, ("InventoryItem", id)) is None
        ),
        None,
    )
    subnet = _named(store, "Customers")
    block = draw_block(store, subnet, ground.rng)
    if empty is not None and block is not None:
        assign(store, store, ("InventoryItem", empty), subnet["id"], block, at)
