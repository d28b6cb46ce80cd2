"""A mapper wrong by a cent and two swapped statuses are found, though reconcile itself runs the same mappers."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.integration.console.conftest import Site
from tests.integration.reconciliation.conftest import Pair, found, stages, the

pytestmark = pytest.mark.timeout(300)
_ACCOUNTS = """{ accounts(paginator: {page: 1, records_per_page: 100}) { entities { id is_delinquent
  account_status { name activates_account }
  account_services(paginator: {page: 1, records_per_page: 100}) { entities { id service { type } } } } } }"""
_PAYMENTS = (
    """{ payments(paginator: {page: 1, records_per_page: 100}) { entities { id account_id successful status } } }"""
)


def rows_of(site: Site, query: str) -> list[dict[str, object]]:
    """What Sonar lists."""
    answer = httpx2.post(site.sonar.url, json={"query": query}, headers={"Authorization": f"Bearer {site.sonar.token}"})
    (listed,) = answer.json()["data"].values()
    return list(listed["entities"])


@pytest.fixture(scope="module")
def chosen(site: Site) -> tuple[str, str, str, str]:
    """A payment, its account, an active account, one whose status is mapped to disabled by name."""
    payment = next(one for one in rows_of(site, _PAYMENTS) if one["successful"] and one["status"] == "SUCCEEDED")
    accounts = rows_of(site, _ACCOUNTS)
    active = next(one for one in accounts if one["account_status"]["name"] == "Active" and not one["is_delinquent"])  # type: ignore[index]
    lead = next(one for one in accounts if not one["account_status"]["activates_account"])  # type: ignore[index]
    return str(payment["id"]), str(payment["account_id"]), str(active["id"]), str(lead["id"])


@pytest.fixture(scope="module")
def pair(site: Site, chosen: tuple[str, str, str, str]) -> Iterator[Pair]:
    """All commands of this pair have the wrong mappers."""
    payment, _, active, other = chosen
    program = f"tests.integration.reconciliation.wrong_mapper {payment} {active} {other} active/disabled"
    with stages(Pair(site, program)) as made:
        yield made


def test_a_mapper_wrong_by_a_cent_and_two_swapped_statuses_are_both_found(
    pair: Pair, chosen: tuple[str, str, str, str]
) -> None:
    payment, payer, active, other = chosen
    (account,) = (one for one in rows_of(pair.site, _ACCOUNTS) if one["id"] == active)
    # A customer that is disabled by mistake cannot have what it pays for: Splynx refuses that, and it is told, too.
    listed = account["account_services"]["entities"]  # type: ignore[index]
    (plan,) = (str(one["id"]) for one in listed if one["service"]["type"] == "DATA")
    document = pair.reconcile()
    (day,) = [one["key"] for one in document["findings"] if one["check"] == "M7"]
    assert found(document) == sorted(
        [
            ("M7", "payment", day, "documents sum_minor"),
            ("balance", "customer", payer, "payments_minor"),
            ("record", "payment", payment, "account day method minor"),
            ("record", "customer", active, "status"),
            ("record", "customer", other, "status"),
            ("counts", "internet_service", "active", "records"),
            ("fields", "internet_service", plan, "record"),
            ("record", "internet_service", plan, "status"),
        ]
    )
    assert document["code"] == 3
    statuses = [
        the(document["findings"], check="record", entity="customer", key=key, field="status") for key in (active, other)
    ]
    assert [(one["expected"], one["actual"]) for one in statuses] == [("active", "disabled"), ("disabled", "active")]
    refused = [one for one in document["findings"] if one["entity"] == "internet_service" and one["check"] != "counts"]
    assert {one["cause"] for one in refused} == {"dead: splynx.record_refused"}
    records = [one for one in document["findings"] if one["check"] == "record" and one not in refused]
    assert {one["cause"] for one in records} == {"mapper: its bundle asks for what Splynx has"}
    assert all(one["topic"] and one["offset"] is not None and one["confirmed"] for one in records)
