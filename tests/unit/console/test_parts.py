"""What would be read again is counted by Sonar, named where Sonar lacks it, and refused where there is nothing."""

from typing import cast

import pytest
from pydantic import SecretStr

from clients.sonar import SonarClient
from clients.sonar_errors import SonarForbidden
from console import parts
from console.parts import PartLine, look, order_of, text_of
from plumbing.errors import ConfigurationError
from plumbing.settings import SonarSettings
from producers.ids import Ids
from producers.orders import Order
from sandbox.sonar.compile import Conditions
from schemas.catalogue import AGGREGATES
from tests.unit.producers.scene import InMemoryClient, the_schema
from tests.unit.sandbox_sonar.shop import Shop

SONAR = SonarSettings(url="http://sonar", token=SecretStr("t"), page_size=2, requests_per_minute=30)
ACCOUNT = Order(("account",), Ids.parse("1-4,9"))


@pytest.fixture
def memory() -> InMemoryClient:
    """Five accounts, three of whose payments are the second one's."""
    shop = Shop()
    for number in range(5):
        shop.an_account(archived_at=shop.clock.now if number == 3 else None)
    for account in (2, 2, 2, 1):
        shop.a_payment(account)
    return InMemoryClient(shop)


async def looked(memory: InMemoryClient, order: Order) -> list[PartLine]:
    return (await look(cast(SonarClient, memory), the_schema(), SONAR, order)).lines


async def test_chosen_ids_are_counted_archived_ones_too_and_missing_ones_named(memory: InMemoryClient) -> None:
    assert await looked(memory, ACCOUNT) == [PartLine("account", 4, 2, "9")]


async def test_of_very_many_ids_sonars_count_is_told(memory: InMemoryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_LISTED", 3)
    assert await looked(memory, ACCOUNT) == [PartLine("account", 4, 2)]


async def test_a_customers_world_is_counted_aggregate_by_aggregate(memory: InMemoryClient) -> None:
    found = await looked(memory, Order(("account", "payment", "ticket"), customer=2))
    assert found == [PartLine("account", 1, 1), PartLine("payment", 3, 2), PartLine("ticket", 0, 1)]


async def test_what_it_takes_follows_from_the_budget(memory: InMemoryClient) -> None:
    document = (await look(cast(SonarClient, memory), the_schema(), SONAR, ACCOUNT)).document()
    assert document["foreseen"] == {"requests": 2, "seconds": 4.0}
    assert "Sonar has no account 9" in text_of(document)
    assert "2 requests at least: 4 s by the budget" in text_of(document)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        pytest.param(Order(("account", "payment"), Ids.parse("70-75")), "no account or payment 70-75", id="none"),
        pytest.param(Order(("payment",), customer=70), "no account 70", id="no such customer"),
    ],
)
async def test_what_sonar_has_nothing_of_is_refused(memory: InMemoryClient, order: Order, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        await looked(memory, order)
    assert not any("query Page" in one for one in memory.asked)


async def test_what_the_token_may_not_read_is_named(memory: InMemoryClient) -> None:
    memory.conditions = Conditions(denied=frozenset({"payments"}))
    with pytest.raises(SonarForbidden, match="may not read payment"):
        await looked(memory, Order(("account", "payment")))


def test_a_customers_world_is_all_that_an_account_owns() -> None:
    order = order_of([], [], None, 17)
    assert order is not None
    assert set(order.names) == {one.name for one in AGGREGATES if one.owned_by}
    assert order.customer == 17


def test_options_make_an_order() -> None:
    assert order_of([], [], None, None) is None
    assert order_of([], ["payment,account", "company"], None, None) == Order(("company", "account", "payment"))
    assert order_of([], ["account"], "40-60,17", None) == Order(("account",), Ids.parse("17,40-60"))
    assert order_of(["ticket"], ["payment", "company"], None, 3) == Order(("payment",), customer=3)


@pytest.mark.parametrize(
    ("only", "ids", "customer", "says"),
    [
        pytest.param(["unicorn"], None, None, "nothing called unicorn is captured", id="an unknown aggregate"),
        pytest.param(["email"], None, None, "nothing called email is captured", id="one that is left out"),
        pytest.param(["account"], "x", None, "'x' is no id", id="no id"),
        pytest.param([], "1", None, "ids of what", id="ids of nothing"),
        pytest.param(["account"], "1", 2, "do not go together", id="ids and a customer"),
        pytest.param(["system_setting"], "1", None, "system_setting has no ids", id="ids of one object"),
        pytest.param(["company"], None, 2, "no account owns any company", id="what no account owns"),
    ],
)
def test_options_that_make_no_order_are_refused(
    only: list[str], ids: str | None, customer: int | None, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        order_of(["email"], only, ids, customer)
    assert refused.value.next_step
