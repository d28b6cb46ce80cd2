"""Valid Sonar records and rules for tests. Every name is invented; a test changes what it is about."""

import io
from datetime import UTC, date, datetime
from typing import Any

import fastavro

from schemas.bundle import Bundle, Origin, StampedBundle, bundle_hash
from schemas.entities.company import Company
from schemas.entities.customer.source import Account
from schemas.entities.payment import Payment
from schemas.entities.service.source import Service
from schemas.records import SplynxRecord
from schemas.rules import Rules, RulesFile, SourceFacts, compile_rules

NOON = datetime(2025, 6, 2, 17, 0, tzinfo=UTC)
"""Noon in Chicago."""
FACTS = SourceFacts("USD", "AMERICACHICAGO", 1000)


def rules(**blocks: Any) -> Rules:
    """The compiled rules of a small ISP in Chicago, with whole blocks replaced."""
    file: dict[str, Any] = {
        "version": 1,
        "target": {"timezone": "America/Chicago"},
        "partners": {"default": 1},
        "locations": {"default": 1},
        "customer": {"subdivisions": {"US_TX": 44}},
        "payment_methods": {"default": 5},
    }
    return compile_rules(RulesFile.model_validate(file | blocks), FACTS, hmac_key=b"k" * 32)


RULES = rules()


def a_status(**changes: Any) -> dict[str, Any]:
    """An account status that activates."""
    return {"id": 1, "name": "Active", "activates_account": True} | changes


def a_contact(**changes: Any) -> dict[str, Any]:
    """A primary contact with one phone number."""
    return {
        "id": 71,
        "name": "Ada Example",
        "primary": True,
        "email_address": "ada@example.com",
        "username": "ada",
        "phone_numbers": [a_phone()],
    } | changes


def a_phone(**changes: Any) -> dict[str, Any]:
    """A mobile number."""
    kind = {"id": 1, "name": "Mobile"}
    return {"id": 81, "number": "(555) 555-0100", "country": "US", "phone_number_type": kind} | changes


def an_address(**changes: Any) -> dict[str, Any]:
    """A physical address."""
    return {
        "id": 91,
        "updated_at": NOON,
        "type": "PHYSICAL",
        "serviceable": True,
        "line1": "1 Example Street",
        "city": "Springfield",
        "zip": "78701",
        "subdivision": "US_TX",
        "country": "US",
        "latitude": "30.1",
        "longitude": "-97.7",
    } | changes


def a_parameter(**changes: Any) -> dict[str, Any]:
    """Billing on the first of the month, due in two weeks."""
    return {
        "id": 61,
        "bill_day": 1,
        "due_days": 14,
        "due_days_day": "BILL_DAY",
        "grace_days": 0,
        "months_to_bill": 1,
        "bill_mode": "BILL_DAY",
        "bill_day_mode": "FIXED",
        "auto_pay_days": 0,
        "auto_pay_day": "BILL_DAY",
        "print_invoice": False,
        "lifeline": False,
        "tax_exempt": False,
        "switch_status_after_delinquency": False,
    } | changes


def a_custom_value(name: str, value: str, **changes: Any) -> dict[str, Any]:
    """A value of a text field."""
    kind = {"id": 1, "name": name, "type": "TEXT"} | changes.pop("custom_field", {})
    return {"id": 51, "updated_at": NOON, "value": value, "custom_field": kind} | changes


def an_account(**changes: Any) -> Account:
    """An active residential account with one contact, one address and billing parameters."""
    values: dict[str, Any] = {
        "id": 7,
        "created_at": NOON,
        "updated_at": NOON,
        "name": "Ada Example",
        "account_status_id": 1,
        "account_type_id": 2,
        "company_id": 3,
        "activation_date": date(2025, 6, 3),
        "activation_time": "09:30:00",
        "is_delinquent": False,
        "account_status": a_status(),
        "account_type": {"id": 2, "name": "Home", "type": "RESIDENTIAL"},
        "company": {"id": 3, "enabled": True},
        "account_groups": [{"id": 4, "name": "Wireless"}],
        "account_billing_parameter": a_parameter(),
        "contacts": [a_contact()],
        "addresses": [an_address()],
        "serviceable_address_account_assignment_histories": [],
        "custom_field_data": [],
        "credit_cards": [],
        "bank_accounts": [],
    }
    return Account.model_validate(values | changes)


def an_account_service(**changes: Any) -> dict[str, Any]:
    """A plan of 60.00 a month on an account, since noon of the second of June."""
    return {
        "id": 501,
        "created_at": NOON,
        "updated_at": NOON,
        "service_id": 101,
        "quantity": 1,
        "service": a_sold_service(),
        "service_metadata_values": [],
    } | changes


def a_sold_service(**changes: Any) -> dict[str, Any]:
    """The plan."""
    return {
        "id": 101,
        "name": "Fiber 100",
        "type": "DATA",
        "application": "DEBIT",
        "amount": 6000,
        "data_service_detail": {"id": 41, "billing_frequency": 1},
    } | changes


def a_credit(**changes: Any) -> dict[str, Any]:
    """A discount of 5.00 a month, as an account has it."""
    detail = {"id": 42, "billing_frequency": 1}
    loyalty = a_sold_service(
        id=102, name="Loyalty", type="RECURRING", application="CREDIT", amount=500,
        data_service_detail=None, recurring_service_detail=detail,
    )  # fmt: skip
    return an_account_service(id=502, service_id=102, service=loyalty) | changes


def a_payment(**changes: Any) -> Payment:
    """A successful cash payment of 12.50 with nothing reversed."""
    values: dict[str, Any] = {
        "id": 21,
        "created_at": NOON,
        "updated_at": NOON,
        "account_id": 7,
        "company_id": 3,
        "amount": 1250,
        "amount_remaining": 0,
        "payment_datetime": NOON,
        "account": {"id": 7, "account_status_id": 1, "company_id": 3},
        "payment_type": "CASH",
        "successful": True,
        "status": "SUCCEEDED",
        "reversed_payments": [],
        "refunded_payments": [],
        "voided_payments": [],
    }
    return Payment.model_validate(values | changes)


def a_reversal(**changes: Any) -> dict[str, Any]:
    """A reversal of five dollars a day later."""
    return {"id": 31, "created_at": datetime(2025, 6, 3, 17, 0, tzinfo=UTC), "amount": 500} | changes


def a_company(**changes: Any) -> Company:
    """An enabled company."""
    values: dict[str, Any] = {"id": 3, "updated_at": NOON, "name": "Example Net", "enabled": True}
    return Company.model_validate(values | changes)


def a_service(**changes: Any) -> Service:
    """A plan of 100/20 Mbit/s for 60.00 a month, of no company."""
    values: dict[str, Any] = {
        "id": 101,
        "updated_at": NOON,
        "name": "Fiber 100",
        "type": "DATA",
        "application": "DEBIT",
        "enabled": True,
        "amount": 6000,
        "data_service_detail": a_data_detail(),
        "service_taxes": [],
    }
    return Service.model_validate(values | changes)


def a_data_detail(**changes: Any) -> dict[str, Any]:
    """100/20 Mbit/s over fiber, charged monthly."""
    return {
        "id": 41,
        "billing_frequency": 1,
        "download_speed_kilobits_per_second": 100_000,
        "upload_speed_kilobits_per_second": 20_000,
        "technology_code": "FIBER",
    } | changes


def stamped(aggregate: str, sonar_id: int, bundle: Bundle) -> StampedBundle:
    """A bundle as a processor stamps it."""
    return StampedBundle(
        aggregate=aggregate,
        sonar_id=sonar_id,
        owner_id=7,
        bundle=bundle,
        sequence=12,
        rules_version=RULES.version,
        rules_generation=1,
        origin=Origin(f"sonar.main.{aggregate}", 1, 99),
        source_ts_ms=1_700_000_000_000,
        read_ts_ms=1_700_000_001_000,
        run_id="r",
        hash=bundle_hash(bundle),
    )


def only(bundle: Bundle, entity: str) -> SplynxRecord:
    """The one record that a bundle holds of an entity."""
    records = bundle.records[entity]
    assert records is not None
    (record,) = records
    return record


def through(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Written and read back as bytes, as between the stages."""
    parsed = fastavro.parse_schema(schema)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, parsed, value, strict=True)
    buffer.seek(0)
    result = fastavro.schemaless_reader(buffer, parsed, None)
    assert isinstance(result, dict)
    return result
