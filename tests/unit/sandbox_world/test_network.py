"""The network of the invented ISP: addresses, who holds them, RADIUS and telephone numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.sonar.declarations import parse
from sandbox.sonar.declared import network as declared
from sandbox.sonar.store import Store
from sandbox.world import World
from sandbox.world.invariants import violations
from sandbox.world.network_rules import oddities
from sandbox.world.network_space import draw_block, network
from tests.unit.sandbox_world.conftest import NOW, a_world
from tests.unit.sandbox_world.test_invariants import first


@pytest.mark.parametrize("type_name", parse(declared.TYPES))
def test_sixty_accounts_are_enough_for_rows_of_every_type(sixty: World, type_name: str) -> None:
    assert sixty.store.table(type_name)


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_oddity_of_the_network_occurs_whatever_the_seed(seed: int) -> None:
    assert [name for name, ids in oddities(a_world(seed=seed).store).items() if not ids] == []


@pytest.mark.parametrize("accounts", [1, 3, 20])
def test_a_small_network_breaks_no_rule(accounts: int) -> None:
    assert violations(a_world(accounts, seed=11).store) == []


def test_a_full_history_has_years_of_addresses() -> None:
    short, full = a_world(), a_world(full=True)
    assert violations(full.store) == []
    past = {
        world: sum(row["removed_datetime"] is not None for row in world.store.table("IpAssignmentHistory").values())
        for world in (short, full)
    }
    assert past[full] > 10 * past[short] > 0


def test_only_a_full_history_has_people_and_places_that_are_no_customers(sixty: World) -> None:
    full = a_world(full=True)
    for world, expected in ((sixty, set()), (full, {"NetworkSite", "Vendor"})):
        assert {row["contactable_type"] for row in world.store.table("Contact").values()} == {"Account"} | expected
        owners = {row["addressable_type"] for row in world.store.table("Address").values()} - {None}
        places = expected and expected | {"InventoryLocation"}
        assert owners == {"Account", "Company"} | places
    full.step(300)
    assert violations(full.store) == []


def test_an_address_for_almost_every_account(three_hundred: World) -> None:
    assert 250 <= len(three_hundred.store.table("IpAssignment")) <= 450


def test_every_password_of_radius_is_invented(three_hundred: World) -> None:
    passwords = [row["password"] for row in three_hundred.store.table("RadiusAccount").values()]
    assert all(password is None or str(password).startswith("demo-") for password in passwords)
    assert len(set(passwords)) == len(passwords)


def test_every_address_is_private_shared_or_reserved_for_documentation(three_hundred: World) -> None:
    blocks = [row["subnet"] for row in three_hundred.store.table("IpAssignment").values()]
    allowed = [network(text) for text in ("100.64.0.0/10", "10.0.0.0/8", "198.51.100.0/24", "203.0.113.0/24")]
    v4 = [network(block) for block in blocks if ":" not in block]
    assert all(
        any(int(one.network_address) <= int(block.network_address) <= int(one.broadcast_address) for one in allowed)
        for block in v4
    )
    assert all(block.startswith("2001:db8:") for block in blocks if ":" in block)


def test_every_telephone_number_to_assign_is_a_555_01xx_one(three_hundred: World) -> None:
    numbers = [row["number"] for row in three_hundred.store.table("Did").values()]
    assert all(len(number) == 10 and number[3:8] == "55501" for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_a_subnet_that_is_full_gives_nothing(living: World) -> None:
    store = living.store
    supernet = first(store, "Supernet", name=None)
    subnet = store.insert("Subnet", polling_priority=1, subnet="192.0.2.240/30", supernet_id=supernet, type="ACCOUNT")
    row = store.table("Subnet")[subnet]
    # Four addresses: the network's own, the gateway's, one to give away, the broadcast one.
    assert draw_block(store, row, living._life.rng) == "192.0.2.242/32"
    store.insert(
        "IpAssignment",
        ipassignmentable_id=first(store, "Account"),
        ipassignmentable_type="Account",
        soft=False,
        subnet="192.0.2.242/32",
        subnet_id=subnet,
    )
    assert draw_block(store, row, living._life.rng) is None


def test_nobody_is_given_an_address_of_a_pool_for_good(three_hundred: World) -> None:
    store = three_hundred.store
    hard = [row for row in store.table("IpAssignment").values() if not row["soft"]]
    pooled = [row["ip_range"].partition("-") for row in store.table("IpPool").values()]
    spans = [(network(low), network(high)) for low, _, high in pooled]
    assert hard
    for row in hard:
        block = network(row["subnet"])
        assert block.version == 6 or not any(
            int(low.network_address) <= int(block.network_address) <= int(high.network_address) for low, high in spans
        )


def test_a_deleted_radius_account_takes_its_addresses_with_it(living: World) -> None:
    store = living.store
    radius = first(store, "IpAssignment", ipassignmentable_type="RadiusAccount", soft=False)
    owner = store.table("IpAssignment")[radius]["ipassignmentable_id"]
    logs = set(store.table("Log"))
    store.delete("RadiusAccount", owner)
    assert radius not in store.table("IpAssignment")
    gone = {
        (row["logged_entity_type"], row["logged_entity_id"])
        for id, row in store.table("Log").items()
        if id not in logs and row["type"] == "DELETED"
    }
    assert {("RadiusAccount", owner), ("IpAssignment", radius)} <= gone


def test_a_subnet_in_use_is_not_deleted(living: World) -> None:
    subnet = next(iter(living.store.table("IpAssignment").values()))["subnet_id"]
    with pytest.raises(ValueError, match="still used by IpAssignment"):
        living.store.delete("Subnet", subnet)


def hard(store: Store) -> int:
    """An assignment of one customer's host, for good."""
    return next(
        id
        for id, row in store.table("IpAssignment").items()
        if row["ipassignmentable_type"] == "RadiusAccount" and not row["soft"] and row["subnet"].endswith("/32")
    )


def soft(store: Store) -> int:
    return first(store, "IpAssignment", soft=True)


def twin(store: Store) -> None:
    some = [id for id, row in store.table("IpAssignment").items() if row["subnet"].endswith("/32") and not row["soft"]]
    store.update("IpAssignment", some[0], subnet=store.table("IpAssignment")[some[1]]["subnet"])


def current(store: Store) -> int:
    assignment = hard(store)
    return first(store, "IpAssignmentHistory", ip_assignment_id=assignment)


BREAKS: list[tuple[str, Callable[[Store], object], str]] = [
    (
        "a foreign subnet",
        lambda s: s.update("Subnet", 1, subnet="192.168.4.0/24"),
        "Subnet 1: lies outside its supernet",
    ),
    (
        "a subnet twice",
        lambda s: s.insert("Subnet", polling_priority=1, subnet="10.0.0.128/25", supernet_id=2, type="NETWORK"),
        "overlaps another one",
    ),
    (
        "a foreign address",
        lambda s: s.update("IpAssignment", hard(s), subnet="10.200.0.9/32"),
        "lies outside its subnet",
    ),
    (
        "an excluded address",
        lambda s: s.update(
            "IpAssignment", hard(s), subnet="192.0.2.3/32", subnet_id=first(s, "Subnet", type="EXCLUDED")
        ),
        "its subnet is excluded",
    ),
    ("an address twice", twin, "somebody else holds its address"),
    ("a lease of no pool", lambda s: s.update("IpAssignment", hard(s), soft=True), "soft and pool do not go together"),
    ("a lease outside", lambda s: s.update("IpAssignment", soft(s), subnet="100.64.0.77/32"), "lies outside its pool"),
    ("a lease uncounted", lambda s: s.update("IpPool", 1, ips_available=240), "ips_available is off by"),
    ("a pool outside", lambda s: s.update("IpPool", 1, ip_range="10.1.1.1-10.1.1.240"), "IpPool 1: lies outside"),
    (
        "a history cut short",
        lambda s: s.update("IpAssignmentHistory", current(s), removed_datetime=NOW),
        "its history and its holder differ",
    ),
    (
        "a history of another address",
        lambda s: s.update("IpAssignmentHistory", current(s), subnet="100.64.0.9/32"),
        "its history names another address",
    ),
    (
        "a history of nothing",
        lambda s: s.update("IpAssignmentHistory", current(s), ip_assignment_id=None),
        "goes on without an assignment",
    ),
    (
        "a history that ends early",
        lambda s: s.update("IpAssignmentHistory", current(s), removed_datetime=NOW - timedelta(days=9_000)),
        "ends before it starts",
    ),
    (
        "a log-in twice",
        lambda s: s.update("RadiusAccount", 1, username=s.table("RadiusAccount")[2]["username"]),
        "somebody else has its name",
    ),
    (
        "a number of two",
        lambda s: s.insert(
            "DidAssignment", account_id=1, did_id=next(iter(s.table("DidAssignment").values()))["did_id"]
        ),
        "assigned 2 times",
    ),
]


@pytest.mark.parametrize(("how", "says"), [pytest.param(how, says, id=situation) for situation, how, says in BREAKS])
def test_a_broken_rule_of_the_network_is_named(how: Callable[[Store], object], says: str) -> None:
    store = a_world().store
    assert violations(store) == []
    how(store)
    found = violations(store)
    assert any(says in line for line in found), found
