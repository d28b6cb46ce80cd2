"""What a plan foretells is counted by Sonar itself, and counts everything that is to be written."""

from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clients.mysql import Database
from clients.sonar import SonarClient
from clients.sonar_errors import SonarUnauthenticated
from clients.splynx import SplynxClient
from console import adoptions
from console.plan import Plan, TargetLine, expected_records, text_of
from plumbing.errors import DependencyUnreachable
from producers.extents import Extent, read_extent
from sandbox.sonar.compile import Conditions
from schemas.catalogue import AGGREGATES, FLAG_LABELS
from schemas.entities.labels import Label
from sinks.adoption import Adoption
from sinks.store import Ledger
from tests.builders import rules
from tests.unit.producers.scene import InMemoryClient
from tests.unit.sandbox_sonar.shop import Shop

NOTHING = {one.name: Extent(0, 0) for one in AGGREGATES}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def memory(shop: Shop) -> InMemoryClient:
    return InMemoryClient(shop)


@pytest.fixture
def client(memory: InMemoryClient) -> SonarClient:
    return cast(SonarClient, memory)


def a_reversal(shop: Shop, payment: int) -> None:
    shop.store.insert("ReversedPayment", amount=10, payment_id=payment, user_id=shop.user)


async def test_each_reversal_is_a_payment_of_its_own(shop: Shop, client: SonarClient) -> None:
    account = shop.an_account()
    paid = [shop.a_payment(account) for _ in range(3)]
    for payment in (paid[0], paid[0], paid[2]):
        a_reversal(shop, payment)
    shop.a_payment(account, successful=False)  # becomes none
    roots = {**NOTHING, "payment": Extent(4, 4)}
    assert (await expected_records(client, roots, rules().file))["payment"] == 3 + 3


async def test_reversals_that_the_token_may_not_read_are_none(
    shop: Shop, memory: InMemoryClient, client: SonarClient
) -> None:
    a_reversal(shop, shop.a_payment(shop.an_account()))
    memory.conditions = Conditions(denied=frozenset({"reversed_payments"}))
    assert (await expected_records(client, NOTHING, rules().file))["payment"] == 1


async def test_the_flags_are_labels_beside_those_of_groups_and_types(client: SonarClient) -> None:
    roots = {**NOTHING, "account_group": Extent(5, 5), "account_type": Extent(2, 2)}
    assert (await expected_records(client, roots, rules().file))["label"] == 5 + 2 + len(FLAG_LABELS)


@pytest.mark.parametrize(("companies", "partners"), [(4, 3), (0, 0)])
async def test_a_company_with_a_configured_partner_makes_none(
    client: SonarClient, companies: int, partners: int
) -> None:
    file = rules(partners={"default": 1, "by_company": {1: 7, 2: {"create": True}}}).file
    roots = {**NOTHING, "company": Extent(companies, companies)}
    assert (await expected_records(client, roots, file))["partner"] == partners


async def test_only_what_is_charged_for_the_internet_becomes_tariffs_and_services(
    shop: Shop, client: SonarClient
) -> None:
    account = shop.an_account()
    for kind, application in (("DATA", "DEBIT"), ("DATA", "DEBIT"), ("DATA", "CREDIT"), ("VOICE", "DEBIT")):
        sold = shop.store.insert(
            "Service", name="Sold", type=kind, application=application, amount=1, enabled=True, display_if_zero=True
        )
        for _ in range(2):
            shop.store.insert("AccountService", account_id=account, service_id=sold, quantity=1)
    found = await expected_records(client, NOTHING, rules().file)
    assert (found["internet_tariff"], found["internet_service"]) == (2, 4)
    mapped = rules(tariffs={"map": {1: {"internet": 7}}}).file
    assert (await expected_records(client, NOTHING, mapped))["internet_tariff"] == 1


async def test_a_collection_tells_how_many_rows_it_has_and_no_row_is_read(
    shop: Shop, memory: InMemoryClient, client: SonarClient
) -> None:
    for number in range(5):
        shop.an_account(archived_at=shop.clock.now if number == 4 else None)
    assert await read_extent(client, "accounts") == Extent(4, 4)
    assert await read_extent(client, "accounts", archived=True) == Extent(5, 5)
    assert all("records_per_page: 1" in asked for asked in memory.asked)


async def test_where_it_cannot_count_the_newest_id_says_how_many_there_are_at_most(
    shop: Shop, memory: InMemoryClient, client: SonarClient
) -> None:
    for _ in range(3):
        shop.an_account()
    memory.conditions = Conditions(uncounted=frozenset({"accounts"}))
    assert await read_extent(client, "accounts") == Extent(None, 3)


async def test_any_other_refusal_is_told(memory: InMemoryClient, client: SonarClient) -> None:
    def refuse(*_: object) -> None:
        raise SonarUnauthenticated("who are you")

    memory.before = refuse
    with pytest.raises(SonarUnauthenticated):
        await read_extent(client, "accounts")


class Labels:
    """A Splynx with labels, and a ledger that knows one of them and has begun another; a database in one."""

    async def list(self, path: str) -> list[dict[str, Any]]:
        assert path == "admin/config/labels"
        names = ["grp: Gold", "Grp: Silver", "grp: Begun", "grp: Ours", "staff", FLAG_LABELS["flag:archived"]]
        rows = [{"id": id, "module": "customers", "label": one, "color": "#000000"} for id, one in enumerate(names, 10)]
        return [*rows, {"id": 1, "module": "tickets", "label": "grp: Bronze", "color": "#000000"}]

    def session(self) -> nullcontext[None]:
        return nullcontext()

    async def ids_of(self, tx: None, entity: str) -> dict[str, int]:
        return {"group:4": 13}

    async def every_open_intent(self, tx: None) -> Sequence[Any]:
        return [SimpleNamespace(entity="label", key="group:3"), SimpleNamespace(entity="partner", key="group:1")]


NAMES = ["Gold", "silver", "Begun", "Ours", "Bronze", "GOLD", "Ours"]
RECORDS = [
    Label(key=f"group:{number}", module="customers", label=f"grp: {name}", color="#112233")
    for number, name in enumerate(NAMES, 1)
]


async def _named(monkeypatch: pytest.MonkeyPatch, *, captured: bool, marked: Any = ()) -> list[dict[str, Any]]:
    def load_context(*_: object) -> Any:
        if not captured:
            raise DependencyUnreachable("no rules yet")
        return SimpleNamespace(rules=None, close=lambda: None)

    monkeypatch.setattr(adoptions, "load_context", load_context)
    monkeypatch.setattr(adoptions, "Events", lambda *_: nullcontext(SimpleNamespace(read_on=lambda: None)))
    monkeypatch.setattr(adoptions, "_records", lambda *_: [("label", one) for one in RECORDS])
    here = Labels()
    client, db, ledger = cast("SplynxClient", here), cast("Database", here), cast("Ledger", here)
    named = await adoptions.read_named(client, db, ledger, ledger_exists=True)
    return adoptions.described(cast("Any", None), marked, named)


async def test_labels_of_others_that_would_be_used_for_their_names_are_told_and_need_no_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not what is ours, what may be by now, what another module has, nor a row twice."""
    color = "color: #000000 in Splynx, #112233 in Sonar"
    flag, *found = await _named(monkeypatch, captured=True)
    assert [(one["key"], one["target_id"], one["differs"]) for one in found] == [
        ("group:1", 10, [color]),
        ("group:2", 11, ["label: Grp: Silver in Splynx, grp: silver in Sonar", color]),
    ]
    assert (flag["key"], flag["target_id"]) == ("flag:archived", 15)
    assert {(one["approval"], one["reason"]) for one in (flag, *found)} == {(False, adoptions.NAMED)}


async def test_before_anything_is_captured_only_labels_of_flags_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = [Adoption("customer", "7", 7, 70)]
    customer, flag = await _named(monkeypatch, captured=False, marked=marked)
    assert (customer["key"], customer["approval"], customer["differs"]) == ("7", True, None)
    assert (flag["key"], flag["approval"]) == ("flag:archived", False)


def test_a_plan_tells_what_an_entitys_way_costs_and_rows_that_need_approval_apart_from_others() -> None:
    lines = [
        TargetLine("payment", 5, 0, 0, 5, "rest", "one by one over REST"),
        TargetLine("customer", 5, 0, 0, 5, "rest", ""),
    ]
    found = [
        {"entity": entity, "key": key, "target_id": 3, "reason": "is like it", "approval": approval, "differs": []}
        for entity, key, approval in (("customer", "7", True), ("label", "group:1", False))
    ]
    document = Plan([], lines, found, 100, 8.0, money=True).document()
    assert [one["cost"] for one in document["target"]] == ["one by one over REST", ""]
    told = text_of(document).splitlines()
    assert "payment: one by one over REST." in told
    assert not any(line.startswith("customer: ") for line in told)
    asked = told.index("1 rows of Splynx would be adopted, and none is without --approve adoption:")
    used = told.index("1 rows of Splynx would be used for their names; nothing is written into them:")
    assert "customer 3 as 7" in told[asked + 1]
    assert "label 3 as group:1" in told[used + 1]
    nobody = Plan([], lines, found[1:], 100, 8.0, money=True).document()
    assert "No row of Splynx is to be adopted." in text_of(nobody)
