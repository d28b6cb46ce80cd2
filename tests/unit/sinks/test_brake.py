"""The brake stops before much is withdrawn, and lets the ordinary pass."""

import pytest

from sinks.brake import Brake
from sinks.errors import BrakeApplied
from sinks.plan import Known, Step, steps_of
from tests.unit.sinks.records import AGGREGATE, PERSON, Person, known, stamped

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


def test_a_share_below_the_limit_passes() -> None:
    Brake(0.2, 5).check(_batch(20, 80))


def test_few_deletions_pass_whatever_their_share() -> None:
    Brake(0.2, 20).check(_batch(19, 0))


def test_batches_add_up() -> None:
    brake = Brake(0.2, 20)
    brake.check(_batch(15, 0))
    with pytest.raises(BrakeApplied):
        brake.check(_batch(15, 0))


def test_a_batch_that_was_stopped_is_not_counted_and_approval_lets_it_pass() -> None:
    brake = Brake(0.2, 20, approved=["person"])
    brake.check(_batch(50, 0))
