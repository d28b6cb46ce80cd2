"""A replay that was interrupted goes on where it was; another one begins anew."""

from pathlib import Path

from console.replay_place import Place

ENDS = {("sonar.main.account", 0): 12, ("sonar.main.account", 1): 5}


def test_the_same_replay_goes_on_behind_the_last_one_published(tmp_path: Path) -> None:
    first = Place(tmp_path / "state", "main account earliest")
    assert (first.done, first.ends) == ({}, {})
    first.begin(ENDS)
    first.reached("account", 7)
    first.reached("payment", 3)
    again = Place(tmp_path / "state", "main account earliest")
    assert again.done == {"account": 7, "payment": 3}
    # What came since the first beginning is looked at again in the end, not only since the second.
    again.begin({("sonar.main.account", 0): 99})
    assert again.ends == ENDS


def test_another_replay_begins_anew(tmp_path: Path) -> None:
    first = Place(tmp_path, "main account earliest")
    first.begin(ENDS)
    first.reached("account", 7)
    assert Place(tmp_path, "main account earliest with other rules").done == {}


def test_one_that_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    first = Place(tmp_path, "name")
    first.reached("account", 7)
    first.forget()
    assert Place(tmp_path, "name").done == {}
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "replay.json").write_text("{")
    assert Place(tmp_path, "name").done == {}
