"""What is sent over Avro comes back equal, for every aggregate that is mapped."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from sandbox.sonar.newer import NEWER
from schemas.aggregate import Aggregate
from schemas.avro import (
    bundle_from_avro,
    bundle_schema,
    bundle_to_avro,
    envelope_schema,
    key_schema,
    record_of,
    subjects,
    value_of,
)
from schemas.avro.declared import value_schema
from schemas.bundle import Bundle, bundle_hash
from schemas.catalogue import AGGREGATES, aggregate
from schemas.entities.labels import AccountGroup, AccountType
from schemas.envelope import Event, envelope_of, event_of
from schemas.mapping import NotARecord, map_event
from schemas.records import Personal, Secret, SonarRecord, SplynxRecord
from schemas.shapes import Kind, members, walk
from schemas.topics import Topics
from tests.builders import (
    NOON,
    RULES,
    a_company,
    a_contact,
    a_credit,
    a_custom_value,
    a_payment,
    a_reversal,
    a_service,
    an_account,
    an_account_service,
    an_address,
    rules,
    stamped,
    through,
)

PAST = [{"id": 1, "start_date": "2024-01-01", "end_date": None, "address": an_address()}]
RECORDS: dict[str, SonarRecord] = {
    "company": a_company(),
    "account_group": AccountGroup(id=4, updated_at=NOON, name="Wireless"),
    "account_type": AccountType(id=2, updated_at=NOON, name="Home", color="00ff00"),
    "account": an_account(
        parent_account_id=9,
        custom_field_data=[a_custom_value("Gate", "x", custom_field={"enum_options": ["x"]})],
        serviceable_address_account_assignment_histories=PAST,
        contacts=[a_contact(), a_contact(id=72, phone_numbers=None)],
        credit_cards=None,
        account_services=[an_account_service(), a_credit()],
    ),
    "service": a_service(company_id=3, company={"id": 3, "enabled": True}),
    "payment": a_payment(reversed_payments=[a_reversal()], credit_card={"id": 1, "masked_number": "*1234"}),
}
"""What is mapped, as it may well be."""
NAMES = [one.name for one in AGGREGATES]
MAPPED = [one.name for one in AGGREGATES if one.mapper is not None]


def an_event(declared: Aggregate, record: SonarRecord | None) -> Event:
    return Event(
        aggregate=declared.name,
        sonar_id=7,
        owner_id=None,
        op="d" if record is None else "u",
        after=None if record is None else value_of(record),
        sequence=2**60,
        snapshot=False,
        source_ts_ms=1,
        read_ts_ms=2,
        run_id="r",
        schema_fingerprint="f",
        instance="main",
    )


def test_all_that_is_mapped_has_a_record_here() -> None:
    assert sorted(RECORDS) == sorted(MAPPED)


VALUES: dict[Kind, Any] = {
    Kind.TEXT: "Zoë",
    Kind.WHOLE: 2**53 + 1,
    Kind.FLAG: True,
    Kind.NUMBER: -87.5,
    Kind.DAY: "2024-02-29",
    Kind.INSTANT: NOON,
}


def filled(record: type[BaseModel], *, wholly: bool) -> dict[str, Any]:
    """Values for every member, or for those alone that a record cannot be without; a list has two."""
    found: dict[str, Any] = {}
    for member in members(record):
        if not member.required and not wholly:
            continue
        value = VALUES[member.kind] if member.record is None else filled(member.record, wholly=wholly)
        if any(isinstance(mark, Secret) for mark in member.metadata):
            value = "sealed:1:one:AAAA"
        found[member.name] = [value, value] if member.many else value
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wholly", [True, False])
def test_an_event_comes_back_equal_with_its_record(name: str, wholly: bool) -> None:
    declared = aggregate(name)
    record = declared.root.record.model_validate(filled(declared.root.record, wholly=wholly))
    event = an_event(declared, record)
    back = event_of(through(envelope_schema(declared), envelope_of(event)))
    assert back == event
    assert back.after is not None
    assert record_of(declared, back.after) == record


@pytest.mark.parametrize("name", NAMES)
def test_a_delete_comes_back_equal(name: str) -> None:
    declared = aggregate(name)
    event = an_event(declared, None)
    assert event_of(through(envelope_schema(declared), envelope_of(event))) == event


@pytest.mark.parametrize("name", MAPPED)
@pytest.mark.parametrize("given_rules", [RULES, rules(partners={"default": 1, "by_company": {3: 2}})])
def test_a_bundle_comes_back_equal(name: str, given_rules: Any) -> None:
    declared = aggregate(name)
    bundle = map_event(an_event(declared, RECORDS[name]), given_rules)
    assert bundle is not None
    sent = stamped(name, 7, bundle)
    back = bundle_from_avro(through(bundle_schema(declared), bundle_to_avro(sent)))
    assert back == sent


def test_a_bundle_tells_the_calendar_day_on_which_its_event_was_read_and_the_day_changes_no_hash() -> None:
    declared = aggregate("account")
    event = an_event(declared, RECORDS["account"])
    bundles = []
    for read_at in (datetime(2025, 7, 2, 3, 30, tzinfo=UTC), datetime(2025, 7, 2, 12, 0, tzinfo=UTC)):
        bundle = map_event(replace(event, read_ts_ms=int(read_at.timestamp() * 1000)), RULES)
        assert bundle is not None
        bundles.append(bundle)
    assert [one.day for one in bundles] == [date(2025, 7, 1), date(2025, 7, 2)]
    assert bundle_hash(bundles[0]) == bundle_hash(bundles[1])


@pytest.mark.parametrize("name", MAPPED)
def test_unread_is_told_from_empty_on_the_way(name: str) -> None:
    declared = aggregate(name)
    choices: tuple[list[SplynxRecord] | None, ...] = (None, [])
    for held in choices:
        sent = stamped(name, 7, Bundle(records={target.entity: held for target in declared.targets}))
        assert bundle_from_avro(through(bundle_schema(declared), bundle_to_avro(sent))) == sent


@pytest.mark.parametrize("name", MAPPED)
def test_a_delete_owns_nothing(name: str) -> None:
    bundle = map_event(an_event(aggregate(name), None), RULES)
    assert bundle is not None
    assert bundle.deleted
    assert all(records == [] for records in bundle.records.values())


def test_an_event_that_does_not_fit_names_the_field() -> None:
    event = an_event(aggregate("payment"), RECORDS["payment"])
    assert event.after is not None
    event.after["account_id"] = "no number"
    with pytest.raises(NotARecord, match="account_id"):
        map_event(event, RULES)


def without(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """The schema as it was before members of these names were added anywhere in it."""

    def older(part: Any) -> Any:
        if isinstance(part, dict):
            kept = {key: older(value) for key, value in part.items()}
            if "fields" in kept:
                kept["fields"] = [field for field in kept["fields"] if field["name"] not in names]
            return kept
        return [older(one) for one in part] if isinstance(part, list) else part

    found = older(schema)
    assert isinstance(found, dict)
    return found


def test_bundles_and_events_of_before_a_member_was_added_are_read_with_its_default() -> None:
    declared = aggregate("account")
    added = ("sonar_city", "blocking_period", "aggregate_invoice_taxes", "sms_opt_in")
    schemas = (bundle_schema(declared), envelope_schema(declared))
    event = an_event(declared, an_account())
    bundle = map_event(event, RULES)
    assert bundle is not None
    values = (bundle_to_avro(stamped("account", 7, bundle)), envelope_of(event))
    read = []
    for schema, value in zip(schemas, values, strict=True):
        writer = fastavro.parse_schema(without(schema, *added))
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, writer, value)
        buffer.seek(0)
        read.append(fastavro.schemaless_reader(buffer, writer, fastavro.parse_schema(schema)))
    old_bundle, old_event = read
    assert isinstance(old_bundle, dict)
    assert isinstance(old_event, dict)
    (customer,) = bundle_from_avro(old_bundle).bundle.records["customer"] or []
    assert customer.model_dump()["sonar_city"] == ""
    after = event_of(old_event).after
    assert after is not None
    assert record_of(declared, after) == an_account()


def test_every_subject_has_a_schema_that_parses() -> None:
    found = subjects(Topics("main"), AGGREGATES)
    for _, schema in found:
        fastavro.parse_schema(schema)
    assert len({subject for subject, _ in found}) == len(found)
    assert fastavro.validate({"id": 7}, fastavro.parse_schema(key_schema(aggregate("account"))))


@given(
    amount=st.integers(1, 2**31 - 1),
    when=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    words=st.text(st.characters(codec="utf-8"), max_size=50),
)
def test_any_amount_instant_and_text_survive(amount: int, when: datetime, words: str) -> None:
    declared = aggregate("payment")
    whole = when - timedelta(microseconds=when.microsecond % 1000)
    record = a_payment(amount=amount, payment_datetime=whole, description=words)
    back = event_of(through(envelope_schema(declared), envelope_of(an_event(declared, record))))
    assert back.after is not None
    assert record_of(declared, back.after) == record


HAS = {(one.name, name) for one in NEWER.types.values() for name in (*one.columns, *one.relations)}
"""What Sonar's types have, in either generation."""


def fields_of(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of every record in a schema, with the record's full name."""
    if isinstance(schema, list):
        for arm in schema:
            yield from fields_of(arm)
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            yield f"{schema.get('namespace')}.{schema['name']}", field
            yield from fields_of(field["type"])
        for inner in ("items", "values", "type"):
            if isinstance(schema.get(inner), dict | list):
                yield from fields_of(schema[inner])


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES])
def test_each_field_names_the_field_of_sonars_that_it_comes_from_and_personal_ones_are_marked(name: str) -> None:
    one = aggregate(name)
    found = list(fields_of(value_schema(one)))
    assert found
    for _, field in found:
        named = re.findall(r"(\w+)\.(\w+)", field["doc"])
        assert named, field["name"]
        assert HAS & set(named), field
    marked = {(record.rpartition(".")[2], field["name"]) for record, field in found if field.get("pii")}
    personal = {
        ("Value" if record is one.root.record else record.__name__, member.name)
        for record in walk(one.root.record)
        for member in members(record)
        if any(isinstance(mark, Personal) for mark in member.metadata)
    }
    assert marked == personal


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES if one.targets])
def test_each_field_of_a_bundle_tells_where_it_goes(name: str) -> None:
    for record, field in fields_of(bundle_schema(aggregate(name))):
        assert record == "splynx.Ref" or field["doc"], field["name"]
