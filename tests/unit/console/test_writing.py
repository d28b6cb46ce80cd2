"""Who writes into Splynx, and the change of a phase, as people read them."""

from datetime import datetime

import pytest

from console.writing import phase_text, writing_of, writing_text

AT = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - as the ledger's columns keep an instant
WRITERS = [{"partition_no": number, "owner": "host:7", "taken_at": AT} for number in (0, 1)]


def test_before_anything_was_written_the_migration_is_in_its_first_phase() -> None:
    document = writing_of([], [], [])
    assert document == {"phase": "shadow", "guards": None, "writers": [], "open_calls": []}
    assert writing_text(document) == "phase shadow"


def test_writers_and_calls_with_an_open_outcome_are_named() -> None:
    calls = [{"entity": "customer", "method": "PUT", "calls": 2, "oldest": AT}]
    document = writing_of([{"name": "phase", "value": "verify"}], WRITERS, calls)
    assert document["writers"][1] == {"partition": 1, "owner": "host:7", "since": "2026-05-01T12:00:00Z"}
    text = writing_text(document)
    assert text.startswith("phase verify; 2 partitions written by host:7\n")
    assert text.splitlines()[-1].split() == ["customer", "PUT", "2", "2026-05-01T12:00:00Z"]


def test_the_guards_that_the_sink_waits_for_are_named() -> None:
    text = writing_text(writing_of([{"name": "guards", "value": "reminders, remove_ips"}], [], []))
    assert text.startswith("phase shadow\nThe sink waits for guards of Splynx: reminders, remove_ips;")


def test_after_the_cutover_it_is_said_that_nothing_is_written() -> None:
    assert writing_text(writing_of([{"name": "phase", "value": "live"}], [], [])).startswith(
        "phase live: nothing is written"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"to": None}, ["in phase shadow. The sink writes."], id="shown"),
        pytest.param({"to": "shadow"}, ["in phase shadow. The sink writes."], id="is so already"),
        pytest.param(
            {"to": "live", "written": False},
            ["would go from phase shadow to live", "nothing is written", "ledger phase live --apply"],
            id="dry",
        ),
        pytest.param(
            {"to": "live", "written": False, "applied": True, "open_calls": 3},
            ["went from phase shadow to live", "3 calls were open, and are over"],
            id="done",
        ),
        pytest.param({"to": "drain", "applied": True}, ["shadow to drain. The sink writes in it."], id="still written"),
    ],
)
def test_a_change_of_phase_tells_what_comes_of_it(change: dict[str, object], says: list[str]) -> None:
    text = phase_text({"applied": False, "phase": "shadow", "written": True, "open_calls": 0} | change)
    assert all(words in text for words in says), text
