"""One record against its row: what differs is told, what Splynx owns is not looked at, personal data is marked."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reconciliation.fields import compare_payment, compare_record, is_same
from schemas.bundle import record_document
from schemas.catalogue import TARGETS
from schemas.entities.customer.target import Customer
from schemas.entities.payment import SplynxPayment
from schemas.entities.service.tariff import InternetTariff
from schemas.records import Ref

CUSTOMER = TARGETS["customer"]
IDS = {("partner", "3"): 11, ("label", "group:1"): 21, ("label", "type:2"): 22, ("customer", "5"): 51}
OURS = {"label": {21, 22, 23}, "partner": {2, 3}}


def a_customer() -> Customer:
    return Customer(
        key="5", login="s5", password="generated", status="active", billing_type="recurring",
        partner_id=Ref(entity="partner", key="3"), location_id=1, parent_id=0, name="Ann Example", category="person",
        email="ann@example.com", billing_email="", phone="", street_1="1 Main St", zip_code="01234", city="Springfield",
        subdivision_id=None, gps="", date_add=date(2024, 5, 1), conversion_date=None,
        customer_labels=[Ref(entity="label", key="group:1"), Ref(entity="label", key="type:2")],
        sonar_account_number="5", sonar_status="Active", sonar_activation_date="", sonar_delinquent="0",
        sonar_contacts="", sonar_mailing_address="", sonar_parent="", sonar_portal_username="", sonar_billing="",
        custom={"gate_code": "1"},
    )  # fmt: skip


ADDITIONAL = {
    "sonar_id": "5", "sonar_account_number": "5", "sonar_status": "Active", "sonar_delinquent": "0", "gate_code": "1",
}  # fmt: skip


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "id": 51, "login": "s5", "password": "changed by the customer", "status": "active", "billing_type": "recurring",
        "partner_id": "11", "location_id": 1, "parent_id": None, "name": "Ann Example", "category": "person",
        "email": "ann@example.com", "billing_email": None, "phone": "", "street_1": "1 Main St", "zip_code": "01234",
        "city": "Springfield", "subdivision_id": None, "gps": "", "date_add": "2024-05-01",
        "conversion_date": "0000-00-00 00:00:00", "customer_labels": [{"id": 21}, {"id": 22}],
        "additional_attributes": ADDITIONAL,
    } | more  # fmt: skip


def differing(row: dict[str, Any]) -> list[tuple[str, str, str | None, bool]]:
    compared = compare_record(CUSTOMER, a_customer(), row, IDS, OURS)
    return [(one.field, one.expected, one.actual, one.personal) for one in compared.differences]


def test_a_row_as_it_was_written_has_no_difference_and_its_password_is_not_looked_at() -> None:
    assert differing(a_row()) == []


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        pytest.param({"status": "blocked"}, ("status", "active", "blocked", False), id="status"),
        pytest.param({"name": "Bob"}, ("name", "Ann Example", "Bob", True), id="personal"),
        pytest.param({"zip_code": "1234"}, ("zip_code", "01234", "1234", True), id="a lost zero"),
        pytest.param({"partner_id": 12}, ("partner_id", "11", "12", False), id="another partner"),
        pytest.param({"parent_id": 7}, ("parent_id", "0", "7", False), id="a parent of its own"),
        pytest.param(
            {"customer_labels": [{"id": 21}, {"id": 23}]},
            ("customer_labels", "21, 22", "21, 23", False),
            id="another label of ours",
        ),
        pytest.param(
            {"additional_attributes": ADDITIONAL | {"gate_code": "2"}}, ("gate_code", "1", "2", True), id="custom field"
        ),
        pytest.param(
            {"additional_attributes": ADDITIONAL | {"sonar_id": ""}}, ("sonar_id", "5", "", False), id="its handle"
        ),
    ],
)
def test_a_changed_field_is_told(change: dict[str, Any], difference: tuple[str, str, str, bool]) -> None:
    assert differing(a_row(**change)) == [difference]


def test_labels_that_the_staff_gave_are_theirs() -> None:
    assert differing(a_row(customer_labels=[{"id": 99}, {"id": 22}, {"id": 21}])) == []


def test_of_a_long_text_in_a_short_field_the_beginning_counts() -> None:
    long = a_customer().model_copy(update={"sonar_contacts": "x" * 300, "sonar_status": "y" * 300})
    row = a_row(additional_attributes=ADDITIONAL | {"sonar_contacts": "x" * 255, "sonar_status": "y" * 255})
    found = compare_record(CUSTOMER, long, row, IDS, OURS).differences
    assert [one.field for one in found] == ["sonar_status"]


def test_a_field_that_splynx_does_not_show_is_named() -> None:
    row = a_row()
    del row["gps"]
    assert compare_record(CUSTOMER, a_customer(), row, IDS, OURS).hidden == ["gps"]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [(1, "1"), ("0.0000", Decimal(0)), ("", None), (None, "0000-00-00"), ("1", True), (0, None), (Decimal("1.5"), 1.5)],
)
def test_values_that_are_one_to_splynx(expected: Any, actual: Any) -> None:
    assert is_same(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"), [("01", "1"), ("1.0", "1"), ("a", "a "), (1, "x"), ("", "0"), (Decimal("0.1"), "0.10001")]
)
def test_values_that_are_not(expected: Any, actual: Any) -> None:
    assert not is_same(expected, actual)


def a_payment(**more: Any) -> SplynxPayment:
    values = {
        "key": "9", "customer_id": Ref(entity="customer", key="5"), "payment_type": 2, "receipt_number": "SP9",
        "date": date(2024, 5, 1), "real_create_datetime": "2024-05-01 22:00:00", "amount_minor": 1250,
        "remind_minor": 250, "exponent": 2, "comment": "c", "field_1": "", "field_2": "", "field_3": "",
        "field_4": "sonar:Payment:9", "field_5": "", "memo": "", "is_sent": "1", "reverses": None,
    }  # fmt: skip
    return SplynxPayment.model_validate(values | more)


def a_payment_row(**more: Any) -> dict[str, Any]:
    document = record_document(a_payment())
    texts = {
        name: document[name] for name in ("comment", "field_1", "field_2", "field_3", "field_4", "field_5", "memo")
    }
    return {
        "customer_id": 51, "payment_type": 2, "receipt_number": "SP9", "date": date(2024, 5, 1),
        "real_create_datetime": datetime(2024, 5, 1, 22),  # noqa: DTZ001 - as the driver gives it
        "amount": Decimal("12.5000"),
        "remind_amount": Decimal("2.5000"), **texts, "ledger_customer_id": 51, "ledger_type": "credit",
        "ledger_total": Decimal("12.5000"), "ledger_date": date(2024, 5, 1), "ledger_deleted": "0",
        **{f"charset_{name}": "utf8mb4" for name in texts},
    } | more  # fmt: skip


def payment_fields(payment: SplynxPayment, row: dict[str, Any], revision: int = 0) -> list[tuple[str, bool]]:
    return [(one.field, one.personal) for one in compare_payment(payment, row, 51, revision).differences]


def test_a_payment_as_it_was_written_has_no_difference() -> None:
    assert payment_fields(a_payment(), a_payment_row()) == []


def test_what_splynx_fills_by_itself_over_rest_is_no_difference() -> None:
    payment, row = (
        a_payment(),
        a_payment_row(remind_amount=Decimal("12.5000"), real_create_datetime="2026-01-01 00:00:00"),
    )
    assert len(payment_fields(payment, row)) == 2
    compared = compare_payment(payment, row, 51, 0, SplynxPayment.not_over_rest)
    assert (compared.differences, compared.hidden) == ([], ["real_create_datetime", "remind_amount"])
    assert compare_payment(payment, row | {"amount": Decimal(1)}, 51, 0, SplynxPayment.not_over_rest).differences


def test_a_character_that_a_column_cannot_hold_is_no_difference() -> None:
    smiling = a_payment(comment="paid \U0001f600")
    assert payment_fields(smiling, a_payment_row(comment="paid ?", charset_comment="utf8mb3")) == []
    assert payment_fields(smiling, a_payment_row(comment="paid ?")) == [("comment", True)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"amount": Decimal("12.5100")}, ("amount", False), id="a cent"),
        pytest.param({"ledger_total": Decimal("12.5100")}, ("ledger_total", False), id="a cent in its ledger row"),
        pytest.param({"ledger_deleted": None}, ("ledger_deleted", False), id="no ledger row"),
        pytest.param({"customer_id": 52}, ("customer_id", False), id="another customer"),
        pytest.param({"comment": "edited"}, ("comment", True), id="comment"),
        pytest.param({"date": date(2024, 5, 2)}, ("date", False), id="day"),
    ],
)
def test_a_changed_payment_is_told(change: dict[str, Any], field: tuple[str, bool]) -> None:
    assert payment_fields(a_payment(), a_payment_row(**change)) == [field]


def test_of_a_reversal_nothing_is_left_to_allocate() -> None:
    amounts = {"amount": Decimal("-12.5000"), "remind_amount": Decimal(0), "ledger_total": Decimal("-12.5000")}
    assert payment_fields(a_payment(amount_minor=-1250, remind_minor=0), a_payment_row(**amounts)) == []


@pytest.mark.parametrize(("revision", "receipt"), [(1, "SP9-X"), (2, "SP9-A"), (3, "SP9-X2"), (4, "SP9-A2")])
def test_a_payment_that_came_back_has_a_receipt_that_says_so(revision: int, receipt: str) -> None:
    assert payment_fields(a_payment(), a_payment_row(receipt_number=receipt), revision) == []


def a_tariff() -> InternetTariff:
    return InternetTariff(
        key="101", title="Fiber 100", service_name="Fiber 100", price="60.0000", speed_download=100_000,
        speed_upload=20_000, with_vat=False, tax_id=4, partners_ids=[1, Ref(entity="partner", key="3")],
        available_for_locations=[1, 2], customer_categories=["person", "company"], billing_types=["recurring"],
        available_for_services=True, sonar_technology="FIBER", sonar_unique_id="u",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        pytest.param({}, [], id="as it was written, its tax changed in Splynx"),
        pytest.param({"partners_ids": [1, 11, 99]}, [], id="offered to a partner of the staff's too"),
        pytest.param({"partners_ids": [1]}, ["partners_ids"], id="not offered to one of ours"),
        pytest.param({"partners_ids": [1, 3, 11]}, ["partners_ids"], id="offered to another one of ours"),
        pytest.param({"available_for_locations": [1, 2, 9]}, ["available_for_locations"], id="another location"),
        pytest.param({"billing_types": ["prepaid"]}, ["billing_types"], id="another kind of billing"),
        pytest.param({"available_for_services": False}, ["available_for_services"], id="disabled"),
    ],
)
def test_lists_of_a_tariff_are_compared_whatever_their_order(more: dict[str, Any], fields: list[str]) -> None:
    row = {
        "title": "Fiber 100", "service_name": "Fiber 100", "price": "60.0000", "speed_download": 100_000,
        "speed_upload": 20_000, "with_vat": False, "tax_id": 9, "partners_ids": [11, 1],
        "available_for_locations": [2, 1], "customer_categories": ["company", "person"],
        "billing_types": ["recurring"], "available_for_services": True,
        "additional_attributes": {"sonar_id": "101", "sonar_technology": "FIBER", "sonar_unique_id": "u"},
    } | more  # fmt: skip
    found = compare_record(TARGETS["internet_tariff"], a_tariff(), row, IDS, OURS)
    assert [one.field for one in found.differences] == fields
    assert found.hidden == []
