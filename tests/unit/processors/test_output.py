"""What is published is counted, and so is every value that was changed on the way."""

from collections import Counter
from typing import cast

import pytest
from confluent_kafka import Producer

from plumbing.dead_letters import DeadLetterBudget, Spending
from plumbing.kafka import AckedProducer
from plumbing.metrics import REGISTRY
from processors.output import Output, Summary
from processors.transform import Coordinates, DeadLetter, Produced
from schemas.topics import Topics
from tests.unit.producers.scene import Broker

AT = Coordinates("account", "sonar.main.account", 2, 9)


def an_output(broker: Broker, letters: int = 0) -> Output:
    spending = Spending(DeadLetterBudget(1, letters))
    return Output(AckedProducer(cast(Producer, broker)), Topics("main"), spending, "v")


@pytest.mark.parametrize("notes", [(), ("truncated:city",), ("truncated:city", "default:partner")])
def test_a_bundle_is_handed_over_with_its_notes_counted(notes: tuple[str, ...]) -> None:
    def counted(note: str) -> float:
        labels = {"entity": "account", "note": note}
        return REGISTRY.get_sample_value("crossfade_mapping_notes_total", labels) or 0.0

    before = {note: counted(note) for note in ("truncated:city", "default:partner")}
    broker = Broker()
    output = an_output(broker)
    output.publish(AT, b"k", Produced(b"bundle", notes))
    output.flush()
    assert broker.messages == [("splynx.main.account", 2, b"k", b"bundle")]
    assert {note for note in before if counted(note) == before[note] + 1} == set(notes)


def test_what_a_run_did_is_summed_up_by_aggregate() -> None:
    output = an_output(Broker(), letters=1)
    for offset in (9, 10):
        output.publish(Coordinates("account", "sonar.main.account", 2, offset), b"k", Produced(b"bundle", ()))
    output.publish(
        Coordinates("payment", "sonar.main.payment", 0, 1), b"k",
        DeadLetter(Coordinates("payment", "sonar.main.payment", 0, 1), "mapping.invalid", "no date"),
    )  # fmt: skip
    assert output.summary == Summary(produced=Counter(account=2), dead_lettered=Counter(payment=1))
