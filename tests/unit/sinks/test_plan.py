"""What a bundle asks for: verdicts, steps, references."""

from dataclasses import replace
from datetime import date

import pytest

from schemas.bundle import Refused
from schemas.records import Ref, SplynxRecord
from sinks.plan import (
    AggregateState,
    Known,
    Outcome,
    Verb,
    closing,
    is_of_another,
    refs_of,
    resolved,
    steps_of,
    verdict,
    worst,
)
from tests.unit.sinks.records import AGGREGATE, DETAIL, LINE, PERSON, SERVED, Detail, Line, Person, known, stamped

ANNA = Person(key="1", name="Anna")


def test_a_lower_sequence_is_stale_whatever_its_content() -> None:
    assert verdict(stamped({"person": [ANNA]}, sequence=9), AggregateState(10, "h", 1, "applied")) is Outcome.STALE


def test_an_older_rules_generation_is_superseded_at_an_equal_sequence() -> None:
    assert verdict(stamped({}), AggregateState(10, "h", 2, "applied")) is Outcome.SUPERSEDED


def test_an_equal_sequence_with_another_hash_is_work() -> None:
    assert verdict(stamped({"person": [ANNA]}), AggregateState(10, "h", 1, "applied")) is None


def test_an_equal_bundle_is_unchanged_only_when_all_of_it_was_written() -> None:
    bundle = stamped({"person": [ANNA]})
    assert verdict(bundle, AggregateState(10, bundle.hash, 1, "applied")) is Outcome.UNCHANGED
    assert verdict(bundle, AggregateState(10, bundle.hash, 1, "parked")) is None


def test_records_are_new_changed_unchanged_and_gone() -> None:
    detail = Detail(key="1", text="a")
    bundle = stamped({"person": [ANNA], "detail": [detail]})
    rows = [known(PERSON, ANNA), known(PERSON, Person(key="2", name="Bo")), known(DETAIL, Detail(key="1", text="b"))]
    steps = [(step.verb, step.target.entity, step.key) for step in steps_of(bundle, AGGREGATE, rows)]
    assert steps == [
        (Verb.GONE, "person", "2"),
        (Verb.UNCHANGED, "person", "1"),
        (Verb.CHANGE, "detail", "1"),
    ]
    assert [step.verb for step in steps_of(bundle, AGGREGATE, [])] == [Verb.CREATE, Verb.CREATE]


@pytest.mark.parametrize(
    ("before", "now", "reused"),
    [
        pytest.param("a", "b", True, id="another object"),
        pytest.param("a", "a", False, id="the same"),
        pytest.param("", "b", False, id="adopted: not known which"),
        pytest.param("a", "", False, id="this Sonar does not say"),
    ],
)
def test_an_id_is_another_objects_only_when_both_are_known(before: str, now: str, reused: bool) -> None:
    (step,) = steps_of(stamped({"person": [ANNA]}), AGGREGATE, [known(PERSON, Person(key="1", name="Bo"))])
    assert step.known is not None
    assert step.document is not None
    written = replace(step.known, document={"sonar_unique_id": before} if before else {})
    assert is_of_another(replace(step, known=written, document={"sonar_unique_id": now})) == reused
    assert not is_of_another(replace(step, known=None))


@pytest.mark.fault(41)
def test_what_could_not_be_read_is_not_gone() -> None:
    rows = [known(PERSON, ANNA), known(DETAIL, Detail(key="1", text="b"))]
    steps = steps_of(stamped({"person": [ANNA], "detail": None}), AGGREGATE, rows)
    assert [step.target.entity for step in steps] == ["person"]


def test_a_deleted_aggregate_takes_everything_parts_first() -> None:
    rows = [known(PERSON, ANNA), known(DETAIL, Detail(key="1", text="b"))]
    steps = steps_of(stamped({}, deleted=True), AGGREGATE, rows)
    assert [(step.verb, step.target.entity) for step in steps] == [(Verb.GONE, "detail"), (Verb.GONE, "person")]


def test_services_are_closed_before_their_customer_and_opened_after_it() -> None:
    line, other = Line(key="5"), Line(key="6")
    shut = stamped(
        {
            "person": [Person(key="1", name="Anna", status="disabled")],
            "detail": [Detail(key="1", text="b")],
            "line": [Line(key="5", status="disabled", end_date="2026-02-01"), Line(key="7", status="disabled")],
        },
        day=date(2026, 2, 1),
    )
    rows = [known(PERSON, ANNA), known(DETAIL, Detail(key="1", text="a")), known(LINE, line), known(LINE, other)]
    assert [(step.verb, step.target.entity, step.key) for step in steps_of(shut, SERVED, rows)] == [
        (Verb.CHANGE, "line", "5"),
        (Verb.GONE, "line", "6"),
        (Verb.CHANGE, "person", "1"),
        (Verb.CHANGE, "detail", "1"),
        (Verb.CREATE, "line", "7"),
    ]
    again = stamped({"person": [ANNA], "detail": [], "line": [line]})
    closed = [
        known(PERSON, Person(key="1", name="Anna", status="disabled")), known(LINE, Line(key="5", status="disabled"))
    ]  # fmt: skip
    assert [step.target.entity for step in steps_of(again, SERVED, closed)] == ["person", "line"]


REFUSED = Refused("line", "6", "mapping.out_of_range", "quantity is outside what Splynx takes")


def test_what_cannot_be_mapped_is_told_alone_and_is_not_gone() -> None:
    rows = [known(PERSON, ANNA), known(LINE, Line(key="5")), known(LINE, Line(key="6"))]
    bundle = stamped({"person": [ANNA], "detail": [], "line": []}, refused=(REFUSED,))
    steps = [(step.verb, step.key, step.refused) for step in steps_of(bundle, SERVED, rows)]
    assert steps == [(Verb.GONE, "5", None), (Verb.UNCHANGED, "1", None), (Verb.REFUSED, "6", REFUSED)]
    gone = stamped({}, deleted=True, refused=(REFUSED,))
    assert [step.verb for step in steps_of(gone, SERVED, rows)] == [Verb.GONE] * 3


def test_the_same_records_with_another_refused_are_another_bundle() -> None:
    records: dict[str, list[SplynxRecord] | None] = {"person": [ANNA], "line": []}
    assert stamped(records).hash != stamped(records, refused=(REFUSED,)).hash


@pytest.mark.parametrize(
    ("written", "verb"),
    [
        pytest.param([known(LINE, Line(key="6"))], Verb.REFUSED, id="it runs: Splynx would copy it"),
        pytest.param([], Verb.CHANGE, id="it was never written"),
    ],
)
def test_a_customer_is_not_closed_over_a_running_service_that_is_refused(written: list[Known], verb: Verb) -> None:
    shut = stamped({"person": [Person(key="1", name="Anna", status="disabled")], "line": []}, refused=(REFUSED,))
    steps = {step.target.entity: step for step in steps_of(shut, SERVED, [known(PERSON, ANNA), *written])}
    assert (steps["person"].verb, steps["line"].verb) == (verb, Verb.REFUSED)
    if written:
        assert steps["person"].refused == Refused(
            "person", "1", REFUSED.code, "waits for line 6: quantity is outside what Splynx takes"
        )


@pytest.mark.parametrize(
    ("day", "end"),
    [
        pytest.param(date(2026, 2, 1), "2026-02-01", id="when it was read"),
        pytest.param(date(2026, 1, 1), "2026-01-05", id="never before it began"),
        pytest.param(None, "2026-01-05", id="of a bundle of an earlier release"),
    ],
)
def test_a_service_that_is_gone_gets_an_end_for_without_one_it_would_be_charged(day: date | None, end: str) -> None:
    bundle = stamped({"person": [ANNA], "detail": [], "line": []}, day=day)
    (gone, _) = steps_of(bundle, SERVED, [known(PERSON, ANNA), known(LINE, Line(key="5"))])
    closed = closing(gone.target, {"start_date": "2026-01-05"}, gone.day)
    assert (gone.verb, closed) == (Verb.GONE, {"status": "disabled", "end_date": end})


def test_a_customer_that_is_gone_is_disabled_and_its_parts_are_left() -> None:
    rows = [known(PERSON, ANNA), known(DETAIL, Detail(key="1", text="b"))]
    steps = steps_of(stamped({}, deleted=True), AGGREGATE, rows)
    assert [closing(step.target, {}, step.day) for step in steps] == [{}, {"status": "disabled"}]


def test_a_record_that_comes_back_is_written_again_even_if_nothing_changed() -> None:
    steps = steps_of(stamped({"person": [ANNA]}), AGGREGATE, [known(PERSON, ANNA, state="gone")])
    assert [step.verb for step in steps] == [Verb.CHANGE]


def test_the_worst_record_gives_the_outcome() -> None:
    assert worst([Outcome.APPLIED, Outcome.PARKED, Outcome.UNCHANGED]) is Outcome.PARKED
    assert worst([]) is Outcome.UNCHANGED


def test_references_are_found_and_become_ids() -> None:
    document = {
        "key": "1",
        "partner_id": {"entity": "partner", "key": "3"},
        "parent_id": {"entity": "person", "key": "9"},
        "customer_labels": [{"entity": "label", "key": "a"}, {"entity": "label", "key": "b"}],
    }
    refs = refs_of(document, {"parent_id": False, "customer_labels": False})
    assert [(ref.field, ref.required) for ref in refs] == [
        ("partner_id", True), ("parent_id", False), ("customer_labels", False), ("customer_labels", False),
    ]  # fmt: skip
    ids = {("partner", "3"): 30, ("label", "b"): 2}
    assert resolved(document, ids) == {"key": "1", "partner_id": 30, "parent_id": 0, "customer_labels": [2]}


def test_a_reference_in_a_record_becomes_one_in_its_document() -> None:
    person = Person(key="1", name="A", partner_id=Ref(entity="partner", key="3"))
    (step,) = steps_of(stamped({"person": [person]}), AGGREGATE, [])
    assert step.document is not None
    assert [ref.key for ref in refs_of(step.document, {})] == ["3"]
