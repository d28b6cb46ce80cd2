"""One record against its row, field by field. Pure, and shares no code with what writes: a sink's mistake shows here.

Left out is what Splynx owns (mapping 8.18a): what is sent only on creation, labels that are not ours and the like, and
every attribute that no record names.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.aggregate import Target, WritePath
from schemas.bundle import record_document
from schemas.catalogue import SONAR_ID
from schemas.records import STRING_CHARACTERS, AdditionalField, OnCreate, Personal, Ref, SplynxRecord, To
from schemas.shapes import members
from schemas.values.text import cut, storable

Ids = Mapping[tuple[str, str], int]
"""`{(entity, key): id in Splynx}` of what is known."""

_NOTHING = frozenset({"", "0000-00-00", "0000-00-00 00:00:00"})
PAYMENT_TEXTS = ("comment", "field_1", "field_2", "field_3", "field_4", "field_5", "memo")


@dataclass(frozen=True)
class Difference:
    """A field whose values differ, as texts; `actual` is None where there is no row at all."""

    field: str
    expected: str
    actual: str | None
    personal: bool


@dataclass(frozen=True)
class Compared:
    """The differences of one record, and the fields that its row does not show."""

    differences: list[Difference]
    hidden: list[str]


def compare_record(
    target: Target, record: SplynxRecord, row: Mapping[str, Any], ids: Ids, ours: Mapping[str, Collection[int]]
) -> Compared:
    """Compare a record with its row as REST or SQL gives it.

    `ours`: `{entity: ids of the rows that we made}`: of the labels, say, that a row has only these count.
    """
    secret = personal_fields(record)
    additional = row.get("additional_attributes")
    additional = additional if isinstance(additional, Mapping) else {}
    beside, short, referring = _additional(target, record), _may_be_short(record), _lists(record)
    differences, hidden = [], []
    for field, expected in expected_row(target, record, ids).items():
        if field in beside:
            actual = additional.get(field)
            if field in short and actual != expected:
                expected = cut(str(expected), STRING_CHARACTERS)
        elif field in row:
            actual = row[field]
        else:
            hidden.append(field)
            continue
        if field in referring:
            made = {*expected, *ours[referring[field]]}
            actual = sorted(one for one in _ids(actual) if one in made)
        elif isinstance(expected, list):
            actual = sorted(actual) if isinstance(actual, list) else actual
        if not is_same(expected, actual):
            differences.append(Difference(field, text_of(expected), text_of(actual), field in secret))
    return Compared(differences, hidden)


def expected_row(target: Target, record: SplynxRecord, ids: Ids) -> dict[str, Any]:
    """`{attribute: value}` of a record written by REST, references resolved as far as they are known."""
    document = record_document(record)
    fields: dict[str, Any] = {}
    for member in members(target.record):
        if member.name in target.record.not_written or any(isinstance(mark, OnCreate) for mark in member.metadata):
            continue
        value = getattr(record, member.name)
        if isinstance(value, Ref):
            fields[member.name] = ids.get((value.entity, value.key), 0)
        elif isinstance(value, list):
            known = (ids.get((one.entity, one.key)) if isinstance(one, Ref) else one for one in value)
            fields[member.name] = sorted(one for one in known if one is not None)
        elif isinstance(value, dict):
            fields |= value
        else:
            fields[member.name] = document[member.name]
    if _has_sonar_id(target):
        fields[SONAR_ID] = record.key
    return fields


def expected_payment(document: Mapping[str, Any], customer_id: int, revision: int) -> dict[str, Any]:
    """`{column: value}` of a payment, with those of its ledger row behind `ledger_`.

    A payment that was withdrawn and came back has a receipt that says so: documents never share one.
    """
    exponent = int(document["exponent"])
    amount, remind = (Decimal(document[name]).scaleb(-exponent) for name in ("amount_minor", "remind_minor"))
    receipt = document["receipt_number"]
    if revision:
        turn = (revision + 1) // 2
        receipt += f"-{'X' if revision % 2 else 'A'}{'' if turn == 1 else turn}"
    return {
        "customer_id": customer_id,
        "payment_type": document["payment_type"],
        "receipt_number": receipt,
        "date": document["date"],
        "real_create_datetime": document["real_create_datetime"],
        "amount": amount,
        # What is left to allocate is never negative, so of a reversal nothing is.
        "remind_amount": max(Decimal(0), min(amount, remind)),
        **{name: document[name] for name in PAYMENT_TEXTS},
        "ledger_customer_id": customer_id,
        "ledger_type": "credit",
        "ledger_total": amount,
        "ledger_date": document["date"],
        "ledger_deleted": "0",
    }


def compare_payment(
    record: SplynxRecord, row: Mapping[str, Any], customer_id: int, revision: int, own: Collection[str] = ()
) -> Compared:
    """Compare a payment with its row joined with its ledger row.

    `own`: members that Splynx may have filled by itself, because the payment went over REST.
    """
    columns = {record.columns.get(name, name) for name in own}
    secret = personal_fields(record)
    wanted = expected_payment(record_document(record), customer_id, revision)
    wanted |= {name: storable(wanted[name], str(row[f"charset_{name}"])) for name in PAYMENT_TEXTS}
    return Compared(
        [
            Difference(field, text_of(expected), text_of(row[field]), field in secret)
            for field, expected in wanted.items()
            if field not in columns and not is_same(expected, row[field])
        ],
        sorted(columns),
    )


def personal_fields(record: SplynxRecord) -> set[str]:
    """Fields that are never shown unasked, the names within a map included."""
    found: set[str] = set()
    for member in members(type(record)):
        if any(isinstance(mark, Personal) for mark in member.metadata):
            value = getattr(record, member.name)
            found |= set(value) if isinstance(value, dict) else {member.name}
    return found


def _additional(target: Target, record: SplynxRecord) -> set[str]:
    """Fields that stand in Splynx's additional attributes; one without a value is not listed there."""
    found = {SONAR_ID} if _has_sonar_id(target) else set()
    for member in members(type(record)):
        value = getattr(record, member.name)
        if isinstance(value, dict):
            found |= set(value)
        elif any(isinstance(mark, AdditionalField) for mark in member.metadata):
            found.add(member.name)
    return found


def _lists(record: SplynxRecord) -> dict[str, str]:
    """Lists of references, and to what."""
    return {
        member.name: mark.entity
        for member in members(type(record))
        if member.many
        for mark in member.metadata
        if isinstance(mark, To)
    }


def _may_be_short(record: SplynxRecord) -> set[str]:
    """Texts that stand in a field of kind `string` where the installation has no longer one: their beginning counts."""
    return {
        member.name
        for member in members(type(record))
        for mark in member.metadata
        if isinstance(mark, AdditionalField) and mark.fallback == "string"
    }


def _has_sonar_id(target: Target) -> bool:
    return target.module is not None and target.part_of is None and target.path is WritePath.REST


def is_same(expected: Any, actual: Any) -> bool:
    """Whether Splynx has a value as it should be: null, zero date and empty are one, and so are 64.5 and `64.5000`.

    Texts are compared as they are: of two postal codes `01234` and `1234` are not one.
    """
    if isinstance(expected, list):
        return bool(expected == actual)
    if isinstance(expected, int | Decimal) or isinstance(actual, int | float | Decimal):
        try:
            return Decimal(text_of(expected) or "0") == Decimal(text_of(actual) or "0")
        except InvalidOperation:
            return False
    return text_of(expected) == text_of(actual)


def text_of(value: Any) -> str:
    """A value as text, nothing as the empty one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    text = str(value)
    return "" if text in _NOTHING else text


def _ids(value: Any) -> list[int]:
    found = [one["id"] if isinstance(one, Mapping) else one for one in value or ()]
    return [int(one) for one in found if str(one).isdigit()]
