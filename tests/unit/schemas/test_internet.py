"""What an account has of plans, and the internet services that become of it (mapping S2, 4.17, 8.3, 8.6)."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.bundle import Refused
from schemas.entities.account import map_account
from schemas.records import Ref
from schemas.values.errors import MappingError, NaturalKeyTooLong, OutOfRange, UnmappedValue
from tests.builders import NOON, RULES, a_credit, a_parameter, a_sold_service, a_status, an_account, only, rules
from tests.builders import an_account_service as sold
from tests.unit.schemas.mapped import service, services

DISABLED: dict[str, Any] = {"account_status": a_status(activates_account=False)}
EVENING = datetime(2025, 7, 2, 3, 30, tzinfo=UTC)
"""Half past ten on the first of July in Chicago."""


def test_a_plan_on_an_account_becomes_a_service_of_its_customer() -> None:
    found = service()
    assert (found.key, found.customer_id, found.tariff_id) == (
        "501",
        Ref(entity="customer", key="7"),
        Ref(entity="internet_tariff", key="101"),
    )
    assert (found.status, found.start_date, found.end_date) == ("active", date(2025, 6, 2), "0000-00-00")
    assert (found.description, found.quantity, found.unit_price, found.period) == ("Fiber 100", 1, "60.0000", "-1")
    assert found.login == "sonar-7-501"
    assert (found.discount, found.discount_value) == ("0", "0.0000")


def test_a_service_begins_on_the_operators_calendar_day() -> None:
    found = service(account_services=[sold(created_at=EVENING)])
    assert (found.start_date, found.sonar_start_date) == (date(2025, 7, 1), "2025-07-01")


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        pytest.param({}, "60.0000", id="the list price"),
        pytest.param({"price_override": 4950}, "49.5000", id="its own"),
        pytest.param({"price_override": 0}, "0.0000", id="free, which is a price too"),
        pytest.param({"service": a_sold_service(amount=None)}, "0.0000", id="none at all"),
        pytest.param(
            {"service": a_sold_service(amount=65_000, data_service_detail={"id": 1, "billing_frequency": 12})},
            "54.1667",
            id="a year at once",
        ),
    ],
)
def test_a_service_always_says_what_it_costs_a_month(changes: dict[str, Any], price: str) -> None:
    assert service(account_services=[sold(**changes)]).unit_price == price


def test_a_list_price_that_changes_reaches_services_without_a_price_of_their_own() -> None:
    dearer = a_sold_service(amount=7000)
    found = services(account_services=[sold(service=dearer), sold(id=503, service=dearer, price_override=4950)])
    assert found is not None
    assert [one.unit_price for one in found] == ["70.0000", "49.5000"]


def test_a_service_has_its_own_name_where_it_was_given_one() -> None:
    assert service(account_services=[sold(name_override=" 2nd floor ")]).description == "2nd floor"


@pytest.mark.parametrize(
    ("frequency", "months", "period"),
    [(1, 1, "-1"), (12, 1, "12"), (3, 3, "-1"), (1, 3, "1")],
)
def test_a_service_is_charged_with_its_customer_where_both_have_the_same_months(
    frequency: int, months: int, period: str
) -> None:
    plan = a_sold_service(data_service_detail={"id": 41, "billing_frequency": frequency})
    found = service(account_services=[sold(service=plan)], account_billing_parameter=a_parameter(months_to_bill=months))
    assert found.period == period


# status and dates


@pytest.mark.parametrize(
    ("account", "status"),
    [
        pytest.param({}, "active", id="an active customer"),
        pytest.param(
            {"is_delinquent": True, "status_map": {"delinquent_as_blocked": True}}, "active", id="a blocked one"
        ),
        pytest.param(DISABLED, "disabled", id="a disabled one"),
        pytest.param(DISABLED | {"activation_date": None}, None, id="one that is new"),
        pytest.param({"archived_at": EVENING}, None, id="an archived account"),
    ],
)
def test_a_service_follows_its_customer(account: dict[str, Any], status: str | None) -> None:
    changes = dict(account)
    given = rules(status_map=changes.pop("status_map", {}))
    found = services(given, **changes)
    assert found is not None
    assert [one.status for one in found] == ([] if status is None else [status])


def test_what_waits_for_a_new_customer_is_counted() -> None:
    account = an_account(account_services=[sold()], activation_date=None, **DISABLED)
    assert "deferred:internet_service" in map_account(account, RULES).notes
    assert "deferred:internet_service" not in map_account(an_account(account_services=[sold()]), RULES).notes


@pytest.mark.parametrize(
    ("account", "end"),
    [
        pytest.param(
            {"disconnection_logs": [{"id": 1, "disconnected_at": EVENING}]}, "2025-07-01", id="it was disconnected"
        ),
        pytest.param(
            {
                "disconnection_logs": [{"id": 1, "disconnected_at": EVENING}],
                "status_changes": [{"id": 1, "event_datetime": datetime(2025, 8, 1, 12, tzinfo=UTC)}],
            },
            "2025-07-01",
            id="disconnected, and then another status",
        ),
        pytest.param(
            {
                "disconnection_logs": [{"id": 1, "disconnected_at": datetime(2025, 5, 1, 12, tzinfo=UTC)}],
                "status_changes": [{"id": 1, "event_datetime": EVENING}],
            },
            "2025-07-01",
            id="disconnected once, before it had the service",
        ),
        pytest.param({"status_changes": [{"id": 1, "event_datetime": EVENING}]}, "2025-07-01", id="another status"),
        pytest.param({"updated_at": EVENING}, "2025-07-01", id="nothing tells but the event itself"),
        pytest.param(
            {
                "status_changes": [{"id": 1, "event_datetime": datetime(2024, 1, 1, tzinfo=UTC)}],
                "account_services": [sold(updated_at=EVENING)],
            },
            "2025-07-01",
            id="another status before it had the service, which was changed since",
        ),
        pytest.param({"updated_at": datetime(2024, 1, 1, tzinfo=UTC)}, "2025-06-02", id="never before it began"),
    ],
)
def test_a_disabled_service_has_the_day_on_which_it_ended(account: dict[str, Any], end: str) -> None:
    found = service(**DISABLED, **account)
    assert (found.status, found.end_date) == ("disabled", end)


@pytest.mark.parametrize(
    ("own", "account", "parameter", "start"),
    [
        pytest.param(date(2025, 7, 15), date(2025, 8, 1), {}, date(2025, 7, 15), id="its own next bill"),
        pytest.param(None, date(2025, 8, 1), {}, date(2025, 8, 1), id="the account's"),
        pytest.param(
            None, date(2025, 8, 20), {"invoice_day": 5}, date(2025, 9, 5), id="an invoice day in the next month"
        ),
        pytest.param(None, None, {}, date(2025, 6, 2), id="never charged"),
        pytest.param(date(2025, 5, 1), None, {}, date(2025, 6, 2), id="never before it began"),
    ],
)
def test_without_history_a_service_begins_after_what_sonar_has_charged(
    own: date | None, account: date | None, parameter: dict[str, Any], start: date
) -> None:
    changes: dict[str, Any] = {
        "account_services": [sold(next_bill_date=own)],
        "next_bill_date": account,
        "account_billing_parameter": a_parameter(**parameter),
    }
    found = service(rules(billing={"anchor": "start_date"}), **changes)
    assert (found.start_date, found.sonar_start_date) == (start, "2025-06-02")
    assert service(**changes).start_date == date(2025, 6, 2), "with history it begins when it began"


# what the rules choose


def test_a_plan_that_the_rules_map_has_splynxs_own_tariff_and_one_that_they_leave_out_is_no_service() -> None:
    both = [sold(), sold(id=503, service_id=205, service=a_sold_service(id=205))]
    found = services(rules(tariffs={"map": {101: {"internet": 12}, 205: "ignore"}}), account_services=both)
    assert found is not None
    assert [(one.key, one.tariff_id) for one in found] == [("501", 12)]


@pytest.mark.parametrize("kind", ["VOICE", "RECURRING", "EXPIRING", "ONETIME"])
def test_only_plans_become_internet_services(kind: str) -> None:
    other = a_sold_service(
        type=kind, data_service_detail=None, recurring_service_detail={"id": 1, "billing_frequency": 1}
    )
    assert services(account_services=[sold(service=other)]) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"account_services": None}, id="services"),
        pytest.param({"account_services": [sold(service=None)]}, id="what is sold"),
        pytest.param({"account_services": [sold(service=a_sold_service(data_service_detail=None))]}, id="how often"),
        pytest.param({"account_billing_parameter": None}, id="billing parameters"),
    ],
)
def test_services_that_could_not_be_read_are_left_as_they_are(changes: dict[str, Any]) -> None:
    assert services(**changes) is None


@pytest.mark.parametrize(
    ("given", "changes", "error"),
    [
        pytest.param(
            {}, {"account_services": [sold(price_override=-1)]}, OutOfRange("amount"), id="a price below nothing"
        ),
        pytest.param({}, {"account_services": [sold(quantity=0)]}, OutOfRange("quantity"), id="none of it"),
        pytest.param(
            {},
            {
                "account_services": [
                    sold(service=a_sold_service(data_service_detail={"id": 1, "billing_frequency": 100}))
                ]
            },
            OutOfRange("billing_frequency"),
            id="charged every hundred months",
        ),
        pytest.param({"tariffs": {"mode": "map_only"}}, {}, UnmappedValue("service_id"), id="not mapped"),
        pytest.param(
            {"customer": {"login_format": "s{id}" + "x" * 124}}, {}, NaturalKeyTooLong("login"), id="a log-in too long"
        ),
    ],
)
def test_a_service_that_cannot_be_is_set_aside_and_the_rest_of_its_account_is_written(
    given: dict[str, Any], changes: dict[str, Any], error: MappingError
) -> None:
    account = an_account(**{"account_services": [sold()]} | changes)
    bundle = map_account(account, rules(**given))
    assert bundle.refused == (Refused("internet_service", "501", error.code, str(error)),)
    assert only(bundle, "customer").key == "7"
    assert bundle.records["internet_service"] == []


def test_services_beside_one_that_cannot_be_are_written() -> None:
    bundle = map_account(an_account(account_services=[sold(), sold(id=504, quantity=0)]), RULES)
    assert [one.key for one in bundle.records["internet_service"] or ()] == ["501"]
    assert [(one.key, one.reason) for one in bundle.refused] == [("504", str(OutOfRange("quantity")))]


def test_nothing_is_refused_of_an_archived_account_whose_services_end() -> None:
    assert map_account(an_account(account_services=[sold(quantity=0)], archived_at=NOON), RULES).refused == ()


# credits


def dear(**changes: Any) -> dict[str, Any]:
    return sold(id=504, service=a_sold_service(amount=9000)) | changes


@pytest.mark.parametrize(
    ("lines", "taken_off"),
    [
        pytest.param([sold(), dear(), a_credit()], {"501": "0.0000", "504": "5.0000"}, id="off the dearest"),
        pytest.param([sold(), a_credit(), a_credit(id=503)], {"501": "10.0000"}, id="two off one"),
        pytest.param([sold(), sold(id=504), a_credit()], {"501": "5.0000", "504": "0.0000"}, id="off the older of two"),
        pytest.param(
            [sold(), dear(), a_credit(price_override=8500), a_credit(id=503, price_override=1000)],
            {"501": "10.0000", "504": "85.0000"},
            id="what the dearest cannot carry any more",
        ),
        pytest.param(
            [sold(quantity=3), dear(), a_credit(price_override=10_000)],
            {"501": "100.0000", "504": "0.0000"},
            id="a price counts with its quantity",
        ),
        pytest.param([sold(), a_credit(quantity=2)], {"501": "10.0000"}, id="and so does a credit"),
    ],
)
def test_a_credit_that_recurs_is_taken_off_a_service(lines: list[dict[str, Any]], taken_off: dict[str, str]) -> None:
    found = services(account_services=lines)
    assert found is not None
    assert {one.key: one.discount_value for one in found} == taken_off
    assert {one.discount for one in found if one.discount_value != "0.0000"} == {"1"}


def test_a_discount_says_since_when_and_what_for() -> None:
    found = service(account_services=[sold(), a_credit(created_at=EVENING)])
    assert (found.discount_type, found.discount_start_date, found.discount_end_date, found.discount_text) == (
        "fixed",
        "2025-07-01",
        "0000-00-00",
        "Loyalty",
    )


def test_a_credit_off_a_dearer_service_that_is_no_plan_is_off_no_plan() -> None:
    phone = a_sold_service(
        id=205, type="VOICE", amount=9000, data_service_detail=None,
        voice_service_detail={"id": 1, "billing_frequency": 1},
    )  # fmt: skip
    assert service(account_services=[sold(), sold(id=504, service=phone), a_credit()]).discount == "0"


def test_a_credit_that_no_service_can_carry_is_set_aside_unless_the_rules_leave_it_out() -> None:
    lines = [sold(), a_credit(price_override=6001)]
    bundle = map_account(an_account(account_services=lines), RULES)
    assert bundle.records["internet_service"] == []
    assert [(one.key, one.code) for one in bundle.refused] == [("501", UnmappedValue.code)]
    given = rules(tariffs={"credit_without_host": "leave_out"})
    assert service(given, account_services=lines).discount == "0"
    assert "left_out:credit" in map_account(an_account(account_services=lines), given).notes


# what has no home


def test_what_has_no_home_in_splynx_is_told_as_text() -> None:
    found = service(
        account_services=[
            sold(
                price_override=5000, price_override_reason="As agreed", addition_prorate_date=date(2025, 6, 10),
                number_of_times_billed=3, next_bill_date=date(2025, 7, 1), package={"id": 3, "name": "Triple"},
                unique_package_relationship_id="ab12",
                service_metadata_values=[{"id": 1, "value": "x-9", "service_metadatum": {"id": 2, "name": "ONT"}}],
            )
        ]
    )  # fmt: skip
    assert found.sonar_package == "Triple (ab12)"
    assert found.sonar_service == (
        "prorated from: 2025-06-10; price agreed: As agreed; billed: 3 times; next bill: 2025-07-01; ONT: x-9"
    )
    assert NOON.date().isoformat() == found.sonar_start_date
