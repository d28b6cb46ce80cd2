"""What `make faults` counts: the seeds and guards of a test, in each of its modes for itself."""

from pathlib import Path

import pytest

from tests.faults import full
from tests.faults.full import State

TEST = "tests/faults/test_sink_owners.py::test_any"


@pytest.mark.parametrize(
    ("run", "mode"),
    [
        pytest.param("seed-01", "", id="a seed"),
        pytest.param("without the fence", "", id="without a guard"),
        pytest.param("seed-01-database", "-database", id="a seed in a mode"),
        pytest.param("without the fence-no-database", "-no-database", id="without a guard in a mode"),
    ],
)
def test_a_run_is_of_its_test_and_mode(run: str, mode: str) -> None:
    assert full.test_of(f"{TEST}[{run}]") == TEST + mode


def test_each_mode_has_its_own_line(tmp_path: Path) -> None:
    state = State(tmp_path / "state.json")
    runs = {"seed-01-database": "passed", "seed-01-no-database": "failed", "without the fence-database": "passed"}
    for run, outcome in runs.items():
        state.faults[full.test_of(f"{TEST}[{run}]")] = ["8"]
        state.note(f"{TEST}[{run}]", outcome, {})
    assert list(state.table()) == [
        ("8", "any-database", "1/1", "the fence", "holds"),
        ("8", "any-no-database", "0/1", "", "FAILS"),
    ]
