"""Numbers, texts and days that software gets wrong, whatever their values (fault 29)."""

import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro import bundle_from_avro, bundle_schema, bundle_to_avro, envelope_schema, record_of, value_of
from schemas.bundle import bundle_hash, record_document
from schemas.catalogue import aggregate
from schemas.entities.account import map_account
from schemas.entities.payment import SplynxPayment, map_payment
from schemas.envelope import Event, envelope_of, event_of
from schemas.mapping import NotARecord, map_event
from schemas.records import MaxLength, SplynxRecord
from schemas.rules import RulesFile, SourceFacts, compile_rules
from schemas.shapes import members
from schemas.values import text
from schemas.values.money import money
from schemas.values.time import local_day, local_text
from tests.builders import (
    NOON,
    RULES,
    a_contact,
    a_parameter,
    a_payment,
    a_reversal,
    an_account,
    an_address,
    only,
    stamped,
    through,
)
from tests.unit.schemas.mapped import billing, customer

pytestmark = pytest.mark.fault(29)

CHICAGO = ZoneInfo("America/Chicago")
MINOR = st.integers(-(2**63), 2**63 - 1)
EXPONENTS = st.sampled_from([0, 2, 3])
CURRENCIES = {"JPY": 0, "USD": 2, "KWD": 3}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=400)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@given(MINOR, EXPONENTS)
def test_an_amount_in_the_main_unit_is_exact_and_comes_back(minor: int, exponent: int) -> None:
    amount = money(minor, exponent)
    assert int(amount.scaleb(exponent)) == minor
    assert -amount.as_tuple().exponent == exponent  # type: ignore[operator]  # a number, for it is finite
    assert Decimal(str(amount)) == amount


@given(st.lists(st.integers(-(10**12), 10**12)), EXPONENTS)
def test_sums_of_amounts_are_amounts_of_sums(minors: list[int], exponent: int) -> None:
    # 0.1 + 0.2 is 0.3 here; in binary floats it is not.
    assert sum((money(one, exponent) for one in minors), Decimal(0)) == money(sum(minors), exponent)


@given(st.integers(0, 2**31), st.sampled_from(sorted(CURRENCIES)))
def test_the_least_balance_is_never_rounded_and_zero_has_no_sign(minor: int, currency: str) -> None:
    given_rules = compile_rules(RULES.file, SourceFacts(currency, "AMERICACHICAGO", minor))
    shown = billing(given_rules).min_balance
    assert Decimal(shown) == -money(minor, CURRENCIES[currency])
    assert len(shown.partition(".")[2]) == 4
    assert shown.startswith("-") == (minor > 0)


@st.composite
def paid(draw: st.DrawFn) -> tuple[int, list[int]]:
    """An amount, and reversals that take back at most all of it."""
    amount = draw(st.integers(1, 2**31 - 1))
    left = amount
    parts: list[int] = []
    while left and len(parts) < 5 and draw(st.booleans()):
        parts.append(draw(st.integers(1, left)))
        left -= parts[-1]
    return amount, parts


@given(paid(), st.sampled_from(sorted(CURRENCIES)))
def test_what_a_payment_brings_and_its_reversals_take_is_the_difference_to_the_cent(
    given_amounts: tuple[int, list[int]], currency: str
) -> None:
    amount, parts = given_amounts
    rules = compile_rules(RULES.file, SourceFacts(currency, "AMERICACHICAGO", 0))
    reversals = [a_reversal(id=number, amount=part) for number, part in enumerate(parts, 1)]
    records = map_payment(a_payment(amount=amount, reversed_payments=reversals), rules).records["payment"] or []
    documents = [one for one in records if isinstance(one, SplynxPayment)]
    assert sum(one.amount_minor for one in documents) == amount - sum(parts)
    assert {one.exponent for one in documents} == {CURRENCIES[currency]}
    assert len({one.receipt_number for one in documents}) == 1 + len(parts)


@given(st.integers(1, 2**31 - 2))
def test_one_cent_more_is_another_bundle(amount: int) -> None:
    assert bundle_hash(map_payment(a_payment(amount=amount), RULES)) != bundle_hash(
        map_payment(a_payment(amount=amount + 1), RULES)
    )


def over_both_topics(name: str, record: Any) -> Any:
    """The record's bundle after the bytes of both topics."""
    declared = aggregate(name)
    event = Event(name, record.id, None, "u", value_of(record), 1, False, 1, 1, "r", "f", "main")
    back = event_of(through(envelope_schema(declared), envelope_of(event)))
    assert back.after is not None
    assert record_of(declared, back.after) == record
    bundle = map_event(back, RULES)
    assert bundle is not None
    return bundle_from_avro(through(bundle_schema(declared), bundle_to_avro(stamped(name, record.id, bundle)))).bundle


@given(name=TEXTS, line=TEXTS, city=TEXTS, mail=TEXTS, role=st.none() | TEXTS, user=st.none() | TEXTS, group=TEXTS)
def test_any_text_fits_its_column_whole_characters_only_and_survives_the_topics(
    name: str, line: str, city: str, mail: str, role: str | None, user: str | None, group: str
) -> None:
    account = an_account(
        name=f"A{name}",
        addresses=[an_address(line1=line, city=city, zip=line), an_address(id=92, type="MAILING", line1=city)],
        contacts=[a_contact(name=name, email_address=mail, role=role, username=user)],
        account_groups=[{"id": 4, "name": group}],
    )
    bundle = over_both_topics("account", account)
    assert replace(bundle, day=None) == map_account(account, RULES)
    for records in bundle.records.values():
        for record in records or ():
            kind: type[SplynxRecord] = type(record)
            for member in members(kind):
                value = getattr(record, member.name)
                for mark in member.metadata:
                    if isinstance(mark, MaxLength):
                        assert len(value) <= mark.characters
                if isinstance(value, str):
                    value.encode("utf-8")  # no half of a character
                    assert "\x00" not in value


@given(TEXTS)
def test_cleaning_is_done_once_and_for_all(value: str) -> None:
    for clean in (text.clean, text.one_line):
        once = clean(value)
        assert clean(once) == once
        assert unicodedata.is_normalized("NFC", once)
        assert once == once.strip()


@pytest.mark.parametrize("composed", ["Zoë", "Åsa", "한국"])
def test_a_letter_is_one_letter_however_it_was_typed(composed: str) -> None:
    typed = unicodedata.normalize("NFD", composed)
    assert typed != composed
    assert bundle_hash(map_account(an_account(name=typed), RULES)) == bundle_hash(
        map_account(an_account(name=composed), RULES)
    )


@given(st.text("ab 🛰\t", min_size=1, max_size=20).filter(lambda value: value.strip() != ""))
def test_spaces_around_a_text_are_not_another_text(value: str) -> None:
    hashes = {bundle_hash(map_account(an_account(name=form), RULES)) for form in (value, f" {value}\n", f"{value}   ")}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("given_text", "stored"), [(None, ""), ("", ""), ("  ", ""), ("null", "null"), ("NULL", "NULL"), ("0", "0")]
)
def test_nothing_is_empty_and_the_word_null_is_a_word(given_text: str | None, stored: str) -> None:
    found = customer(
        addresses=[an_address(line1=given_text, line2=None, city=given_text, zip=given_text)],
        contacts=[a_contact(username=given_text)],
    )
    assert (found.street_1, found.city, found.zip_code, found.sonar_portal_username) == (stored,) * 4
    (payment,) = map_payment(a_payment(description=given_text, reference=given_text), RULES).records["payment"] or []
    assert isinstance(payment, SplynxPayment)
    assert (payment.comment, payment.field_1) == (stored, stored)


@given(INSTANTS)
def test_the_local_day_and_clock_are_those_of_the_isp(instant: datetime) -> None:
    offset = CHICAGO.utcoffset(instant.astimezone(CHICAGO))
    assert offset is not None
    wall = (instant + offset).replace(tzinfo=None)
    assert local_day(instant, CHICAGO) == wall.date()
    assert local_text(instant, CHICAGO) == wall.strftime("%Y-%m-%d %H:%M:%S")


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_one_instant_whatever_offset_it_came_with(instant: datetime, minutes: int) -> None:
    written = (instant + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    payment = a_payment(payment_datetime=f"{written}{sign}{hours:02}:{rest:02}")
    assert payment.payment_datetime == instant
    assert payment.payment_datetime.utcoffset() == timedelta(0)


def test_an_instant_without_its_offset_is_none() -> None:
    with pytest.raises(ValueError, match="payment_datetime"):
        a_payment(payment_datetime="2025-06-02T17:00:00")


@pytest.mark.parametrize("zero", ["0000-00-00", "0000-00-00T00:00:00", "0001-13-01", ""])
def test_a_zero_date_is_no_day_and_sets_the_record_aside(zero: str) -> None:
    event = Event(
        "account", 7, 7, "u", value_of(an_account()) | {"activation_date": zero}, 1, False, 1, 1, "r", "f", "m"
    )
    with pytest.raises(NotARecord, match="activation_date"):
        map_event(event, RULES)


ANY_DAY = st.integers(-5, 60)


@given(bill=st.none() | ANY_DAY, invoice=st.none() | ANY_DAY, due=st.integers(-5, 400), following=st.none() | DAYS)
def test_billing_days_lie_within_every_month(
    bill: int | None, invoice: int | None, due: int, following: date | None
) -> None:
    for counted_from in ("BILL_DAY", "INVOICE_DAY"):
        parameter = a_parameter(bill_day=bill, invoice_day=invoice, due_days=due, due_days_day=counted_from)
        found = billing(account_billing_parameter=parameter, next_bill_date=following)
        assert 1 <= found.billing_date <= 28
        assert 1 <= found.billing_due <= 28


@given(bill=st.integers(1, 28), invoice=st.integers(1, 28), following=DAYS)
def test_the_due_day_is_the_same_calendar_day_from_whichever_day_it_is_counted(
    bill: int, invoice: int, following: date
) -> None:
    billed = following.replace(day=bill)
    dated = next(day for day in (billed + timedelta(days=n) for n in range(1, 32)) if day.day == invoice)
    due = (dated - billed).days + 7
    parameter = a_parameter(bill_day=bill, invoice_day=invoice, due_days=due)
    found = billing(account_billing_parameter=parameter, next_bill_date=billed)
    assert found.billing_date == invoice
    assert dated + timedelta(days=found.billing_due) == billed + timedelta(days=due)


@given(st.permutations(range(4)))
def test_the_order_in_which_parts_were_read_changes_nothing(order: list[int]) -> None:
    contacts = [a_contact(id=70 + n, primary=n == 2, email_address=f"c{n}@example.com") for n in range(4)]
    addresses = [an_address(id=90 + n, updated_at=NOON + timedelta(days=n)) for n in range(4)]
    groups = [{"id": n + 1, "name": f"G{n}"} for n in range(4)]
    shuffled = an_account(
        contacts=[contacts[n] for n in order],
        addresses=[addresses[n] for n in order],
        account_groups=[groups[n] for n in order],
    )
    straight = an_account(contacts=contacts, addresses=addresses, account_groups=groups)
    assert bundle_hash(map_account(shuffled, RULES)) == bundle_hash(map_account(straight, RULES))


@given(st.integers(1, 2**62), st.text(max_size=60), st.text(max_size=60))
def test_no_two_accounts_share_a_login(number: int, one: str, other: str) -> None:
    file = RULES.file.model_dump() | {"customer": {"login_format": "{username}"}}
    rules = compile_rules(RulesFile.model_validate(file), SourceFacts("USD", "AMERICACHICAGO", 0), b"k")
    logins = [
        customer(rules, id=id, contacts=[a_contact(username=name)]).login
        for id, name in ((number, one), (number + 1, other))
    ]
    assert logins[0] != logins[1]


@given(TEXTS, st.integers(0, 2**31 - 1))
def test_a_document_holds_no_binary_fraction(name: str, fee: int) -> None:
    (payment,) = map_payment(a_payment(fee=fee), RULES).records["payment"] or []
    found = only(map_account(an_account(name=f"A{name}"), RULES), "customer")
    for document in (record_document(payment), record_document(found)):
        assert not [field for field, value in document.items() if isinstance(value, float)]
