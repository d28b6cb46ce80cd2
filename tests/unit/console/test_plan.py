"""What a plan foretells is counted by Sonar itself, and counts everything that is to be written."""

from typing import cast

import pytest

from clients.sonar import SonarClient
from clients.sonar_errors import SonarUnauthenticated
from console.plan import expected_records
from producers.extents import Extent, read_extent
from sandbox.sonar.compile import Conditions
from schemas.catalogue import AGGREGATES, FLAG_LABELS
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
