"""Rows written at once have the bytes that the way through the record gives; what is refused there stays refused."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, defstruct
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from plumbing.avro import parse, writing
from plumbing.avro_binary import GIVEN, TRUE, text, whole
from plumbing.sealing import Sealer
from schemas.aggregate import Aggregate, Collection
from schemas.avro import EventWriter, RowWriter, envelope_schema, key_bytes, key_schema, value_of, value_schema
from schemas.avro.rows import at_once
from schemas.catalogue import AGGREGATES, aggregate
from schemas.envelope import Event, envelope_of, key_of
from schemas.records import Instant, MinorUnits, Personal, Sealed, Secret, SonarRecord
from schemas.shapes import Kind, Member, members

NAMES = [one.name for one in AGGREGATES]
IDS = st.integers(0, 10**18 - 1)
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1000, 1, 2), datetime(2999, 12, 30), timezones=OFFSETS | st.just(UTC)).map(  # noqa: DTZ001 - hypothesis adds the zone
    datetime.isoformat
)
USUAL: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(max_size=30) | st.floats(allow_nan=False, allow_infinity=False),
    Kind.WHOLE: IDS.map(str) | st.integers(-(2**63), 2**63 - 1),
    Kind.FLAG: st.booleans(),
    Kind.NUMBER: st.floats() | st.integers(-180, 180) | st.integers(-180, 180).map("{}.0125".format),
    Kind.DAY: st.dates(datetime(1000, 1, 1).date(), datetime(2999, 12, 31).date()).map(str),  # noqa: DTZ001 - a day
    Kind.INSTANT: INSTANTS | INSTANTS.map(lambda value: value.removesuffix("+00:00") + "Z" * value.endswith("+00:00")),
}
SEALED = Sealer.of(f"one={base64.b64encode(bytes(64)).decode()}").seal("a secret", "Type.field:1")
ODD = [
    SEALED, SEALED[:-1], "sealed:1:one:",
    None, "", "x", " 7 ", "1_000", "+5", "-3", "007", "٣", "²", "7.0", "9" * 18, "9" * 19, "9" * 40, "true", "1",
    ".5", "5.", "-0.0", "1e5", "nan", "1_0.5",
    "\ud800",
    0, 1, 2, -1, 2**63, -(2**63) - 1, 1.0, 2.5, float("nan"), float("inf"), -0.0, 1e-7,
    1e22, True, False, [], {}, [None], ["x"], {"id": 1},
    "2024-02-29", "2023-02-29", "20240229", "2024-W05-1", "0999-01-01", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z",
    "2024-01-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00Z",
    "2024-01-01T00:00:00+05:99", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00-00:00", "2024-01-01T00:00:00z",
    "2024-01-01T00:00:00.1234567Z", "2024-01-01T00:00:00.9999Z", "1000-01-01T00:00:00+14:00", "1704067200",
]  # fmt: skip


def rows(record: type[BaseModel], odd: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Rows as Sonar gives them, with what no record reads; `odd` values may stand in place of any other."""
    return _chosen(record).flatmap(lambda chosen: _rows(record, chosen, odd))


def _chosen(record: type[BaseModel]) -> st.SearchStrategy[set[str]]:
    """What is asked for of a record beside what it cannot be made without."""
    optional = [one.name for one in members(record) if not one.required]
    return st.sets(st.sampled_from(optional)) if optional else st.just(set())


def _rows(
    record: type[BaseModel], chosen: set[str], odd: st.SearchStrategy[Any] | None
) -> st.SearchStrategy[dict[str, Any]]:
    asked = [one for one in members(record) if one.required or one.name in chosen]
    return st.fixed_dictionaries({"_version": st.just("v"), **{one.name: _values(one, odd) for one in asked}})


def _values(member: Member, odd: st.SearchStrategy[Any] | None) -> st.SearchStrategy[Any]:
    found: st.SearchStrategy[Any]
    record = member.record
    if record is not None and member.many:  # all rows of a list show the same
        found = _chosen(record).flatmap(lambda chosen: st.lists(_rows(record, chosen, odd), max_size=2))
    else:
        one = IDS if member.name == "id" else USUAL[member.kind] if record is None else rows(record, odd)
        if any(isinstance(mark, Secret) for mark in member.metadata):
            one = st.just(SEALED)
        found = st.lists(one, max_size=2) if member.many else one
    if member.nullable:
        found = st.none() | found
    return found if odd is None else st.one_of(*[found] * 12, odd)


@cache
def layout(names: tuple[str, ...]) -> type[Struct]:
    """The layout of rows that show these fields."""
    return defstruct("Row", [(name, Any) for name in names])


def answered(record: type[BaseModel], row: Mapping[str, Any]) -> Struct:
    """A row in the layout in which it is read; what is no row where one should stand stays what it is."""
    below = {one.name: one for one in members(record) if one.record is not None}
    shown = {name: _nested(below[name], value) if name in below else value for name, value in row.items()}
    return layout(tuple(row))(**shown)


def _nested(member: Member, value: Any) -> Any:
    assert member.record is not None
    if member.many:
        return [_one(member.record, one) for one in value] if isinstance(value, list) else value
    return _one(member.record, value)


def _one(record: type[BaseModel], value: Any) -> Any:
    return answered(record, value) if isinstance(value, dict) else value


@cache
def long_writer(name: str) -> Callable[[Any], bytes]:
    """Avro's own writer: to make one takes longer than an example."""
    return writing(parse(value_schema(EVERYTHING if name == EVERYTHING.name else aggregate(name))))


def the_long_way(declared: Aggregate) -> Callable[[dict[str, Any]], bytes]:
    """Through the record, and Avro's own writer."""
    write = long_writer(declared.name)
    return lambda row: write(value_of(declared.root.record.model_validate(row)))


def at_once_or_not(declared: Aggregate) -> Callable[[dict[str, Any]], bytes]:
    """As rows are written."""
    writer = RowWriter(declared)
    return lambda row: writer.write(answered(declared.root.record, row))


def outcome(write: Callable[[dict[str, Any]], bytes], row: dict[str, Any]) -> bytes | type[Exception]:
    try:
        return write(row)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it must be the same both ways
        return type(exc)


many_examples = settings(max_examples=20, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", NAMES)
@many_examples
@given(data=st.data())
def test_a_usual_row_is_written_at_once_and_as_the_long_way_writes_it(name: str, data: st.DataObject) -> None:
    declared = aggregate(name)
    row = data.draw(rows(declared.root.record))
    form = at_once(declared.root.record)
    assert form is not None
    assert form(answered(declared.root.record, row)) == the_long_way(declared)(row)


@pytest.mark.parametrize("name", NAMES)
@many_examples
@given(data=st.data())
def test_whatever_a_row_holds_becomes_what_the_record_makes_of_it(name: str, data: st.DataObject) -> None:
    declared = aggregate(name)
    row = data.draw(rows(declared.root.record, st.sampled_from(ODD)))
    assert outcome(at_once_or_not(declared), row) == outcome(the_long_way(declared), row)


class Everything(SonarRecord):
    """A member of each kind, given and optional."""

    id: int
    text: str
    flag: bool
    day: date
    secret: Annotated[str, Personal()]
    amount: MinorUnits
    place: float
    at: Instant
    texts: list[str]
    optional_flag: bool | None = None
    optional_amount: MinorUnits | None = None
    optional_at: Instant | None = None
    sealed: Annotated[Sealed | None, Secret("passwords")] = None
    defaulted: bool = True


EVERYTHING = Aggregate(name="everything", root=Collection("everythings", Everything, "Everything"))
PLAIN = {
    "id": 1,
    "text": "a",
    "flag": True,
    "day": "2024-01-01",
    "secret": "s",
    "amount": 5,
    "place": 41.5,
    "at": "2024-01-01T00:00:00Z",
    "texts": ["b", "c"],
}


@pytest.mark.parametrize("member", [one.name for one in members(Everything)])
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_each_odd_value_in_each_kind_of_member_becomes_what_the_record_makes_of_it(member: str, odd: object) -> None:
    row = PLAIN | {member: odd}
    write = at_once_or_not(EVERYTHING)
    expected = outcome(the_long_way(EVERYTHING), row)
    for _ in range(2):  # what was seen before is remembered
        assert outcome(write, row) == expected


def test_what_is_remembered_of_a_one_is_not_given_for_another_kind_of_one() -> None:
    write = at_once_or_not(EVERYTHING)
    for one in (1, True, 1.0, "1", True, 1):
        row = PLAIN | {"amount": one, "flag": one}
        assert outcome(write, row) == outcome(the_long_way(EVERYTHING), row)


def _with_choices() -> type[SonarRecord]:
    class Choosy(SonarRecord):
        kind: Literal["a", "b"] | None = None

    return Choosy


def _with_a_constraint() -> type[SonarRecord]:
    class Short(SonarRecord):
        name: Annotated[str, StringConstraints(max_length=1)]

    return Short


def _with_an_alias() -> type[SonarRecord]:
    class Renamed(SonarRecord):
        name: str = Field(alias="other")

    return Renamed


def _with_a_made_default() -> type[SonarRecord]:
    class Made(SonarRecord):
        names: list[str] = Field(default_factory=lambda: ["x"])

    return Made


def _with_a_validator() -> type[SonarRecord]:
    class Checked(SonarRecord):
        name: str

        @field_validator("name")
        @classmethod
        def refuse(cls, value: str) -> str:
            raise ValueError(value)

    return Checked


def _with_other_settings() -> type[SonarRecord]:
    class Stripped(SonarRecord):
        model_config = ConfigDict(str_strip_whitespace=True)
        name: str

    return Stripped


def _with_such_a_record_below() -> type[SonarRecord]:
    below = _with_a_validator()

    class Above(SonarRecord):
        id: int
        others: list[below] | None = None  # type: ignore[valid-type]

    return Above


@pytest.mark.parametrize(
    "make",
    [
        _with_choices,
        _with_a_constraint,
        _with_an_alias,
        _with_a_made_default,
        _with_a_validator,
        _with_other_settings,
        _with_such_a_record_below,
    ],
)
def test_a_record_that_asks_for_more_than_kinds_goes_the_long_way(make: Callable[[], type[SonarRecord]]) -> None:
    assert at_once(make()) is None


def test_a_record_of_one_member_is_written_too() -> None:
    class Alone(SonarRecord):
        name: str

    form = at_once(Alone)
    assert form is not None
    assert form(answered(Alone, {"name": "ab"})) == text("ab")


def test_what_sonar_does_not_show_is_its_default() -> None:
    written = at_once_or_not(EVERYTHING)(PLAIN)
    assert written.endswith(b"\0\0\0\0" + TRUE)
    assert written.startswith(whole(1) + text("a") + TRUE)
    shown = at_once_or_not(EVERYTHING)(PLAIN | {"optional_flag": True})
    assert shown.endswith(GIVEN + TRUE + b"\0\0\0" + TRUE)


FIRST: dict[Kind, Any] = {
    Kind.TEXT: "a",
    Kind.WHOLE: "7",
    Kind.FLAG: True,
    Kind.NUMBER: 41.5,
    Kind.DAY: "2024-01-01",
    Kind.INSTANT: "2024-01-01T00:00:00Z",
}


def a_row(record: type[BaseModel]) -> dict[str, Any]:
    """A row of a record with all that it has."""
    return {one.name: _a_value(one) for one in members(record)}


def _a_value(member: Member) -> Any:
    if any(isinstance(mark, Secret) for mark in member.metadata):
        return SEALED
    if member.name == "id":
        return 7
    one = FIRST[member.kind] if member.record is None else a_row(member.record)
    return [one] if member.many else one


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LONGS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(
    op=st.sampled_from(["r", "c", "u", "d"]),
    texts=st.tuples(TEXTS, TEXTS, TEXTS),
    numbers=st.tuples(LONGS, LONGS, LONGS, LONGS),
    owner=st.none() | LONGS,
)
def test_an_event_has_the_bytes_of_its_envelope(
    name: str,
    op: Literal["r", "c", "u", "d"],
    texts: tuple[str, str, str],
    numbers: tuple[int, int, int, int],
    owner: int | None,
) -> None:
    declared, (instance, run_id, fingerprint), (id, sequence, source_ms, read_ms) = aggregate(name), texts, numbers
    row = a_row(declared.root.record)
    event = Event(
        aggregate=name,
        sonar_id=id,
        owner_id=owner,
        op=op,
        after=None if op == "d" else value_of(declared.root.record.model_validate(row)),
        sequence=sequence,
        snapshot=op == "r",
        source_ts_ms=source_ms,
        read_ts_ms=read_ms,
        run_id=run_id,
        schema_fingerprint=fingerprint,
        instance=instance,
    )
    writer = EventWriter(declared, b"head", instance=instance, run_id=run_id, fingerprint=fingerprint)
    after = None if op == "d" else at_once_or_not(declared)(row)
    written = writer.write(op, id, owner, after, sequence=sequence, source_ts_ms=whole(source_ms), read_ts_ms=read_ms)
    assert written == b"head" + writing(parse(envelope_schema(declared)))(envelope_of(event))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(id=LONGS)
def test_a_key_has_the_bytes_of_its_record(name: str, id: int) -> None:
    assert key_bytes(b"head", id) == b"head" + writing(parse(key_schema(aggregate(name))))(key_of(name, id))
