"""Nested lists that fill their page are read on to their end, as many as may be in one request."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pytest

from clients.sonar import SonarAnswer
from clients.sonar_errors import SonarFailed, SonarTimeout
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


def uncounted(scene: Scene) -> Callable[..., Any]:
    """The engine's answers where Sonar cannot count nested lists."""
    execute = scene.shop.engine.execute

    def answer(*arguments: Any) -> Any:
        if "query Lists" in arguments[0]:
            return {"data": None, "errors": [{"message": "Unable to aggregate", "path": ["accounts"]}]}
        return execute(*arguments)

    return answer


def bearing(most: int, error: type[Exception], refused: list[int]) -> Callable[[str, Mapping[str, Any]], None]:
    """A Sonar that cannot bear more than `most` rows of a nested list; `refused`: how many it was asked for."""

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if document.startswith(("query Lists", "query Nested")) and variables["n"] > most:
            refused.append(variables["n"])
            raise error("too heavy")

    return before


@pytest.mark.parametrize("error", [SonarTimeout, SonarFailed])
@pytest.mark.parametrize(
    ("others", "tries"),
    [
        pytest.param(0, [100, 50, 25, 12], id="of one owner alone"),
        pytest.param(1, [100, 100, 50, 25, 12], id="of one of several owners"),
    ],
)
async def test_a_long_list_that_sonar_is_too_slow_for_is_read_on_in_fewer_rows(
    others: int, tries: list[int], error: type[Exception]
) -> None:
    scene, refused = Scene(page_size=100), list[int]()
    account = scene.shop.an_account()
    for number in range(60):
        scene.shop.a_contact(account, f"C{number}")
    for _ in range(others):
        other = scene.shop.an_account()
        for number in range(12):
            scene.shop.a_contact(other, f"D{number}")
    scene.client.before = bearing(6, error, refused)
    await read(scene)
    assert [one["name"] for one in scene.folded()[account]["contacts"]] == [f"C{number}" for number in range(60)]
    assert len(scene.folded()) == 1 + others
    # Six rows eight times over, twelve of them are tried once more.
    assert refused == [*tries, 12]
    assert scene.reader.page_size(ACCOUNT) == 100
    assert asked(scene).count("Page") == len(scene.aggregates)


async def test_rows_that_were_found_before_sonar_was_too_slow_are_kept() -> None:
    scene = Scene(page_size=20)
    account = scene.shop.an_account()
    for number in range(50):
        scene.shop.a_contact(account, f"C{number}")

    def slow(document: str, variables: Mapping[str, Any]) -> None:
        if "query Nested" in document and variables["n"] > 10:
            raise SonarTimeout("too slow")

    scene.client.before = slow
    await read(scene)
    assert [one["name"] for one in scene.folded()[account]["contacts"]] == [f"C{number}" for number in range(50)]
    assert (asked(scene).count("Lists"), asked(scene).count("Nested")) == (1, 1 + 3)  # counted: none that is empty


async def test_each_list_has_a_size_of_its_own_which_is_kept_and_grows_again() -> None:
    scene, refused = Scene(page_size=100), list[int]()
    account = scene.shop.an_account()
    people = [scene.shop.a_contact(account, f"C{number}") for number in range(60)]
    for number in range(60):
        scene.shop.a_phone(people[0], f"01455501{number:02d}")

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if "accounts(" in document:
            bearing(25, SonarTimeout, refused)(document, variables)

    scene.client.before = before
    await read(scene)
    (person,) = [one for one in scene.folded()[account]["contacts"] if one["name"] == "C0"]
    assert len(person["phone_numbers"]) == 60
    assert asked(scene).count("Nested") == 1 + 4  # contacts in 50, in 25 until none is left; the phones' list at once
    await read(scene, force="again")
    assert refused == [100, 50]
    scene.client.before = None
    for number in range(3):
        await read(scene, force=f"again {number}")
    scene.client.asked.clear()
    await read(scene, force="at last")
    assert asked(scene).count("Nested") == 1  # 50, and the last ten


@pytest.mark.parametrize("counted", [pytest.param(True, id="counted"), pytest.param(False, id="uncounted")])
async def test_short_lists_do_not_let_a_size_grow_that_long_ones_are_too_much_for(
    counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, refused = Scene(page_size=100, aggregates=[ACCOUNT]), list[int]()
    account = scene.shop.an_account()
    people = [scene.shop.a_contact(account, f"C{number}") for number in range(60)]
    if not counted:
        monkeypatch.setattr(scene.shop.engine, "execute", uncounted(scene))
    scene.client.before = bearing(25, SonarTimeout, refused)
    await read(scene)
    assert refused == [100, 50]
    for contact in people[12:]:
        scene.shop.store.delete("Contact", contact)
    for number in range(10):
        await read(scene, force=f"again {number}")
    assert len(scene.folded()[account]["contacts"]) == 12
    assert refused == [100, 50]


@pytest.mark.parametrize("error", [SonarTimeout, SonarFailed])
async def test_a_list_whose_single_row_is_too_much_takes_nothing_off_the_size_of_pages(error: type[Exception]) -> None:
    scene, refused = Scene(page_size=8, aggregates=[ACCOUNT]), list[int]()
    accounts = [scene.shop.an_account(f"A{number}") for number in range(5)]
    for number in range(12):
        scene.shop.a_contact(accounts[0], f"C{number}")
    scene.client.before = bearing(0, error, refused)
    with pytest.raises(error):
        await read(scene)
    assert refused == [8, 4, 2, *[1] * 7]  # by halves until the root that has it is found
    assert asked(scene).count("Page") == 4
    assert scene.reader.page_size(ACCOUNT) == 8


async def test_only_one_row_of_one_list_is_asked_for_again_after_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, again = Scene(page_size=4, aggregates=[ACCOUNT]), list[tuple[int, bool]]()
    account = scene.shop.an_account()
    for number in range(12):
        scene.shop.a_contact(account, f"C{number}")
    query = scene.client.query

    async def noted(document: str, variables: Mapping[str, Any] | None = None, **options: Any) -> SonarAnswer:
        if variables is not None and document.startswith(("query Lists", "query Nested")):
            again.append((variables["n"], options["again_after_timeout"]))
        return await query(document, variables, **options)

    monkeypatch.setattr(scene.client, "query", noted)
    scene.client.before = bearing(1, SonarTimeout, [])
    await read(scene)
    assert len(scene.folded()[account]["contacts"]) == 12
    assert again[:3] == [(4, False), (2, False), (1, True)]
    assert all(asked_again == (rows == 1) for rows, asked_again in again)


async def test_a_page_is_read_again_whose_only_owner_of_a_long_list_went_away_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("producers.reader._PAUSE_SECONDS", 0.0)
    scene = Scene(page_size=100)
    account, other = scene.shop.an_account(), scene.shop.an_account()
    for number in range(12):
        scene.shop.a_contact(account, f"C{number}")

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if "query Lists" in document:
            scene.shop.store.delete("Account", account)

    scene.client.before = before
    await read(scene)
    assert scene.folded().keys() == {other}


async def test_nested_lists_that_sonar_cannot_count_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    accounts = [scene.shop.an_account(f"A{number}") for number in range(3)]
    for number in range(36):
        scene.shop.a_contact(accounts[number % 3], f"C{number}")
    monkeypatch.setattr(scene.shop.engine, "execute", uncounted(scene))
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
