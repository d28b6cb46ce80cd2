"""Nested lists that fill their page are read on to their end, as many as may be in one request."""

from collections.abc import Mapping
from typing import Annotated, Any

import pytest

from clients.sonar_errors import SonarTimeout
from schemas.aggregate import Aggregate, Collection, LookUp, Owner
from schemas.records import Morph, SonarRecord
from tests.unit.producers.scene import ACCOUNT, Person, Scene
from tests.unit.producers.settled import read


class Employer(SonarRecord):
    id: int
    contacts: list[Person] | None = None


class Told(SonarRecord):
    id: int
    noteable_id: int
    noteable_type: str
    account: Annotated[Employer | None, Morph("noteable", "Account")] = None


TOLD = Aggregate(
    name="note",
    root=Collection("notes", Told, "Note"),
    owned_by=[Owner("account.id")],
    looks_up=[LookUp("accounts", "Account", column="noteable_id", fields=("name",))],
)


def asked(scene: Scene) -> list[str]:
    """The names of the documents so far."""
    return [one.split("(")[0].removeprefix("query ") for one in scene.client.asked]


async def test_a_nested_list_that_fills_its_page_is_read_on() -> None:
    scene = Scene()
    account = scene.shop.an_account()
    for number in range(40):
        scene.shop.a_contact(account, f"C{number}")
    await read(scene)
    assert len(scene.folded()[account]["contacts"]) == 40


async def test_a_list_that_is_hardly_ever_long_is_asked_for_in_few_rows_and_read_on_where_it_is() -> None:
    scene = Scene(page_size=1000)
    store, account = scene.shop.store, scene.shop.an_account()
    supernet = store.insert("Supernet", subnet="10.0.0.0/8")
    subnet = store.insert("Subnet", supernet_id=supernet, subnet="10.0.0.0/24", polling_priority=1, type="ACCOUNT")
    for name, addresses in (("one", 1), ("three", 3)):
        log_in = store.insert("RadiusAccount", account_id=account, username=name)
        for number in range(addresses):
            store.insert(
                "IpAssignment", ipassignmentable_id=log_in, ipassignmentable_type="RadiusAccount", soft=False,
                subnet=f"10.0.0.{number}", subnet_id=subnet,
            )  # fmt: skip
    await read(scene)
    assert [len(one["ip_assignments"]) for one in scene.folded()[account]["radius_accounts"]] == [1, 3]
    assert asked(scene).count("Lists") == 1
    log_ins = 10 * (1 + 2)
    nodes = 1 + log_ins + 10 * (1 + 10) + 10 * (1 + 1) + 10 + 10 + 1  # contacts, former addresses, addresses, groups
    assert scene.reader.page_size(ACCOUNT) == 100_000 // nodes


async def test_the_long_lists_of_a_page_are_read_on_together() -> None:
    scene = Scene(page_size=100)
    accounts = [scene.shop.an_account(f"A{number}") for number in range(9)]
    for place, account in enumerate(accounts):
        for number in range(10 + place):
            scene.shop.a_contact(account, f"C{number}")
    longest = scene.shop.an_account("many")
    for number in range(205):
        scene.shop.a_contact(longest, f"C{number}")
    contact = scene.shop.a_contact(accounts[0], "with phones")
    for number in range(12):
        scene.shop.a_phone(contact, f"01455501{number:02d}")
    await read(scene)
    folded = scene.folded()
    assert [len(folded[one]["contacts"]) for one in accounts] == [11, *range(11, 19)]
    names = {one["name"] for one in folded[longest]["contacts"]}
    assert names == {f"C{number}" for number in range(205)}
    (person,) = [one for one in folded[accounts[0]]["contacts"] if one["name"] == "with phones"]
    assert len(person["phone_numbers"]) == 12
    assert asked(scene).count("Lists") == 2  # contacts of ten accounts, phone numbers of one contact
    assert asked(scene).count("Nested") == 2  # of the longest: its next hundred, its last five


async def test_long_lists_that_sonar_is_too_slow_for_together_are_read_one_by_one() -> None:
    scene = Scene(page_size=100)
    account = scene.shop.an_account()
    for person in range(2):
        contact = scene.shop.a_contact(account, f"C{person}")
        for number in range(12):
            scene.shop.a_phone(contact, f"01455501{number:02d}")

    def slow(document: str, variables: Mapping[str, Any]) -> None:
        if "query Lists" in document and variables["m"] > 1:
            raise SonarTimeout("too slow")

    scene.client.before = slow
    await read(scene)
    assert [len(one["phone_numbers"]) for one in scene.folded()[account]["contacts"]] == [12, 12]


async def test_nested_lists_that_sonar_cannot_count_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    accounts = [scene.shop.an_account(f"A{number}") for number in range(3)]
    for number in range(36):
        scene.shop.a_contact(accounts[number % 3], f"C{number}")
    execute = scene.shop.engine.execute

    def uncounted(*arguments: Any) -> Any:
        if "query Lists" in arguments[0]:
            return {"data": None, "errors": [{"message": "Unable to aggregate", "path": ["accounts"]}]}
        return execute(*arguments)

    monkeypatch.setattr(scene.shop.engine, "execute", uncounted)
    await read(scene)
    assert [len(scene.folded()[one]["contacts"]) for one in accounts] == [12] * 3
    assert asked(scene).count("Lists") == 1


async def test_nested_lists_are_whole_though_the_server_clamps_every_page() -> None:
    scene = Scene()
    accounts = [scene.shop.an_account(f"A{number}") for number in range(5)]
    for number in range(7):
        scene.shop.a_contact(accounts[0], f"C{number}")
    scene.damage(largest_page=2)
    await read(scene)
    assert len(scene.folded()) == 5
    assert len(scene.folded()[accounts[0]]["contacts"]) == 7


async def test_what_many_rows_of_a_page_belong_to_is_read_on_once() -> None:
    scene = Scene(page_size=100, aggregates=[TOLD])
    account = scene.shop.an_account()
    people = [scene.shop.a_contact(account, f"C{number}") for number in range(12)]
    for number in range(13):
        scene.shop.a_phone(people[0], f"01455501{number:02d}")
    for _ in range(3):
        scene.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=account, priority="NORMAL")
    await read(scene)
    shown = [row["account"]["contacts"] for row in scene.folded("note").values()]
    assert [len(one) for one in shown] == [12] * 3
    assert [len(one[0]["phone_numbers"]) for one in shown] == [13] * 3
    assert (asked(scene).count("Lists"), asked(scene).count("Nested")) == (2, 0)
