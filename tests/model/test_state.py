"""A model check goes on where an earlier one of the same sources stopped."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.faults.full import ROOT
from tests.model.state import CHUNK, State


def test_what_is_done_is_not_done_again_and_what_was_missed_stays_told(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    first = State(path, "these")
    assert first.left(0, 3 * CHUNK) == [0, 1, 2]
    first.note_control("no sweep", 4)
    first.note(1, {CHUNK + 7: "something"}, Counter({("update", "none"): 3}))
    first.note(2, {}, Counter({("update", "none"): 2, ("update", "restart"): 1}))
    second = State(path, "these")
    assert second.left(0, 3 * CHUNK) == [0]
    assert second.left(CHUNK, 2 * CHUNK + 1) == [3]
    assert second.controls == {"no sweep": 4}
    assert second.missed == {CHUNK + 7: "something"}
    assert second.met == {("update", "none"): 5, ("update", "restart"): 1}


def test_other_sources_are_checked_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    State(path, "these").note(0, {3: "something"}, Counter({("update", "none"): 3}))
    others = State(path, "others")
    assert others.left(0, CHUNK) == [0]
    assert (others.missed, others.met) == ({}, {})


def test_all_that_histories_run_through_is_of_the_sources_whose_change_begins_anew() -> None:
    code = (
        "from tests.model import __main__ as model\n"
        "from tests.model.state import ROOT, loaded\n"
        "before = loaded()\n"
        "model._quiet()\n"
        "for seed in range(6): model.check(seed, model.history(seed))\n"
        "print(*sorted(str(one.relative_to(ROOT)) for one in loaded() - before))\n"
        "print(len(before), *sorted({one.relative_to(ROOT).parts[0] for one in before}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    later, (count, *rooms) = done.stdout.splitlines()[0], done.stdout.splitlines()[1].split()
    assert later == ""
    assert int(count) > 100
    assert {"clients", "plumbing", "producers", "sandbox", "schemas", "tests"} >= set(rooms)
