"""When a run counts as done, and which topics are missing: pure decisions."""

from pathlib import Path

import pytest

from console.progress import has_passed
from console.run import RunResult, StageEnded, tail_of, text_of
from console.topics import missing_topics
from plumbing.errors import ConfigurationError, ExitCode
from schemas.ledger import DEAD, DEFERRED, PARKED
from schemas.topics import TopicSpec


@pytest.mark.parametrize(
    ("state", "code"),
    [
        pytest.param(PARKED, ExitCode.PARTLY, id="parked"),
        pytest.param(DEAD, ExitCode.PARTLY, id="dead-lettered"),
        pytest.param(DEFERRED, ExitCode.DONE, id="deferred is no error"),
    ],
)
def test_held_records_decide_the_exit_code(state: str, code: ExitCode) -> None:
    assert RunResult(True, 1.0, [{"state": state}]).exit_code is code


def test_a_run_that_was_stopped_before_it_caught_up_is_no_success() -> None:
    assert RunResult(False, 1.0, [], interrupted=True).exit_code is ExitCode.TRY_LATER


@pytest.mark.parametrize(("applied", "told"), [(True, False), (False, True)])
def test_a_run_that_did_not_write_says_so(applied: bool, told: bool) -> None:
    assert ("Splynx was not written" in text_of(RunResult(True, 1.0, applied=applied).document())) is told


@pytest.mark.parametrize(
    ("returncode", "code"),
    [
        pytest.param(3, ExitCode.FOUND, id="a brake or a guard"),
        pytest.param(4, ExitCode.UNREACHABLE, id="a dependency away"),
        pytest.param(70, ExitCode.TRY_LATER, id="ended at once, and resumes"),
        pytest.param(0, ExitCode.TRY_LATER, id="stopped by somebody else"),
        pytest.param(-9, ExitCode.UNEXPECTED, id="killed"),
        pytest.param(127, ExitCode.UNEXPECTED, id="a code that is not ours"),
    ],
)
def test_a_run_ends_as_the_stage_that_ended_it(returncode: int, code: ExitCode) -> None:
    assert StageEnded("sink", returncode, "", Path("sink.log")).exit_code is code


def test_a_stage_that_was_killed_is_told_by_its_signal_and_what_to_do() -> None:
    killed = StageEnded("sink", -9, "", Path("sink.log"))
    assert str(killed) == "stage sink was ended by SIGKILL; it said nothing"
    assert killed.next_step.startswith("Somebody, or the system for want of memory, ended it. Start again")
    failed = StageEnded("sink", 4, "  no answer", Path("sink.log"))
    assert str(failed) == "stage sink ended with 4; its last lines:\n  no answer"


def test_the_last_lines_of_a_stage_are_its_own(tmp_path: Path) -> None:
    log = tmp_path / "sink.log"
    log.write_text("of an earlier run\n")
    begun = log.stat().st_size
    assert tail_of(log, begun) == ""
    log.write_text("of an earlier run\n" + "".join(f"line {number}\n" for number in range(5000)))
    assert tail_of(log, begun).splitlines() == [f"  line {number}" for number in range(4985, 5000)]


def test_one_partition_behind_has_not_passed() -> None:
    wanted = {"t": {0: 5, 1: 3}}
    assert has_passed(wanted, {"t": {0: 5, 1: 4}})
    assert not has_passed(wanted, {"t": {0: 5, 1: 2}})
    assert not has_passed(wanted, {"t": {0: 5}})


def test_a_topic_with_another_partition_count_stops() -> None:
    wanted = [TopicSpec("a", 6), TopicSpec("b", 6)]
    assert missing_topics(wanted, {"a": 6}) == (wanted[1],)
    with pytest.raises(ConfigurationError, match="3 partitions"):
        missing_topics(wanted, {"a": 3})
