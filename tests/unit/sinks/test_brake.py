"""The brake stops before much is withdrawn, and lets the ordinary pass."""

from datetime import date

import pytest

from schemas.records import Ref
from sinks.brake import Brake
from sinks.errors import BrakeApplied
from sinks.plan import Known, Step, steps_of
from tests.unit.sinks.records import AGGREGATE, PERSON, Person, known, stamped

LABEL = Ref(entity="label", key="1")
PARENT = Ref(entity="person", key="7")
Batch = list[tuple[list[Known], list[Step]]]


def _batch(gone: int, kept: int) -> Batch:
    batch: Batch = []
    for number in range(gone + kept):
        person = Person(key=str(number), name="A")
        rows = [known(PERSON, person)]
        bundle = stamped({"person": [] if number < gone else [person]})
        batch.append((rows, steps_of(bundle, AGGREGATE, rows)))
    return batch


@pytest.mark.fault(41)
def test_a_target_type_that_is_emptied_stops_the_sink() -> None:
    with pytest.raises(BrakeApplied, match="20 of 20 records of person"):
        Brake(0.2, 20).check(_batch(20, 0))


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("before", "after", "trips"),
    [
        pytest.param({"sonar_status": "Active"}, {"sonar_status": ""}, True, id="a text is emptied"),
        pytest.param({"sonar_status": "Active"}, {"sonar_status": "0"}, False, id="a text is changed"),
        pytest.param({"day": date(2026, 1, 2)}, {"day": None}, True, id="a day is taken away"),
        pytest.param({"customer_labels": [LABEL]}, {"customer_labels": []}, True, id="a list is emptied"),
        pytest.param({"parent_id": PARENT}, {"parent_id": 0}, True, id="a reference is cut"),
        pytest.param({"parent_id": 5}, {"parent_id": 0}, False, id="a number becomes none"),
        pytest.param({"sonar_status": ""}, {"sonar_status": ""}, False, id="it was empty before"),
    ],
)
def test_a_field_that_is_cleared_everywhere_stops_the_sink(
    before: dict[str, object], after: dict[str, object], trips: bool
) -> None:
    batch: Batch = []
    for number in range(20):
        row = known(PERSON, Person.model_validate({"key": str(number), "name": "A"} | before))
        bundle = stamped({"person": [Person.model_validate({"key": str(number), "name": "B"} | after)]})
        batch.append(([row], steps_of(bundle, AGGREGATE, [row])))
    if trips:
        with pytest.raises(BrakeApplied, match=f"20 of 20 records of person would lose their {next(iter(before))}"):
            Brake(0.2, 20).check(batch)
    Brake(0.2, 20, approved=["person"]).check(batch)
    Brake(0.2, 21).check(batch)
    if not trips:
        Brake(0.2, 20).check(batch)


def test_a_share_below_the_limit_passes() -> None:
    Brake(0.2, 5).check(_batch(20, 80))


def test_few_deletions_pass_whatever_their_share() -> None:
    Brake(0.2, 20).check(_batch(19, 0))


def test_batches_add_up() -> None:
    brake = Brake(0.2, 20)
    brake.check(_batch(15, 0))
    brake.written()
    with pytest.raises(BrakeApplied):
        brake.check(_batch(15, 0))


def test_a_batch_that_is_tried_again_while_splynx_is_away_counts_once() -> None:
    brake = Brake(0.2, 20)
    for _ in range(5):
        brake.check(_batch(15, 0))
    brake.written()
    brake.check(_batch(4, 0))


def test_what_an_earlier_try_of_a_batch_has_withdrawn_counts() -> None:
    brake = Brake(0.2, 20)
    brake.check(_batch(15, 0))
    brake.check(_batch(2, 0))
    brake.written()
    with pytest.raises(BrakeApplied):
        brake.check(_batch(5, 0))


def test_approval_lets_a_batch_pass() -> None:
    brake = Brake(0.2, 20, approved=["person"])
    brake.check(_batch(50, 0))
