"""The account of capture: what is fresh is folded, what is stuck is shown with its reason."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.collections import capture_of, text_of
from console.shapes import SHAPES

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
READ: dict[str, Any] = {"read": 7, "total": 7, "ranges": [[7, None, True]]}


def told(**changes: Any) -> dict[str, Any]:
    covered = (NOW - timedelta(minutes=5)).isoformat()
    return {
        "collections": ["payments"], "rows": 7, "changes": covered, "deletes_up_to": covered, "standing": None,
        "swept": NOW.isoformat(), "seconds_left": None,
        "late_seconds": 0.0, "requests": {"re-read": 3}, "deletes": {}, "lacks": [], "missing": [], "unreadable": [],
        **changes,
    }  # fmt: skip


def cursors(*, at: datetime = NOW, entities: dict[str, Any] | None = None, **others: Any) -> dict[str, dict[str, Any]]:
    account: dict[str, Any] = {
        "at": at.isoformat(), "since": NOW.isoformat(), "run_id": "run", "requests": {"follow": 12, "sweep": 40},
        "fingerprint": "f0", "swept": None, "events": [],
        "entities": {"payment": told()} if entities is None else entities,
    }  # fmt: skip
    return {"told": account, "snapshot:payment": READ, **others}


def state_of(found: dict[str, dict[str, Any]]) -> tuple[str, str]:
    capture = capture_of(found, NOW)
    assert capture is not None
    (one,) = capture["collections"]
    return one["state"], one["why"]


@pytest.mark.parametrize(
    ("found", "state", "why"),
    [
        pytest.param(cursors(), "fresh", "", id="idle"),
        pytest.param(
            cursors(entities={"payment": told(changes=(NOW - timedelta(hours=1)).isoformat())}),
            "stale", "cannot be read as it should", id="one of its rows is stuck",
        ),
        pytest.param(
            cursors(at=NOW - timedelta(hours=5), entities={"payment": told(changes="2026-07-01T06:55:00+00:00")}),
            "fresh", "", id="capture is away, which is said once",
        ),
        pytest.param(
            cursors(entities={"payment": told(standing="capture.schema_unfit", lacks=["Payment.amount"])}),
            "halted", "capture.schema_unfit: Payment.amount", id="the schema",
        ),
        pytest.param(
            cursors(entities={"payment": told(standing="sonar.forbidden")}), "halted", "sonar.forbidden", id="a right"
        ),
        pytest.param(
            cursors(brake={"held": {"payments": [30, 40, "since"]}}),
            "held", "capture.deletes_held: payments (30 of 40 rows)", id="the brake",
        ),
        pytest.param(cursors(brake={"held": {"accounts": [30, 40, "since"]}}), "fresh", "", id="another's brake"),
        pytest.param(
            {**cursors(), "snapshot:payment": {**READ, "ranges": [[3, None, False]]}}, "reading", "", id="a first copy"
        ),
    ],
)  # fmt: skip
def test_a_collection_is_fresh_or_says_why_not(found: dict[str, dict[str, Any]], state: str, why: str) -> None:
    assert state_of(found)[0] == state
    assert why in state_of(found)[1]
    assert bool(why) == bool(state_of(found)[1])


def test_before_the_first_poll_there_is_nothing_to_tell() -> None:
    assert capture_of({}, NOW) is None
    assert text_of(None) == ""


def test_a_hundred_fresh_collections_are_one_line_and_the_stuck_one_is_shown() -> None:
    entities = {f"e{number}": told() for number in range(100)}
    entities["stuck"] = told(standing="sonar.forbidden", deletes={"log": 2, "sweep": 1})
    snapshots = {f"snapshot:{name}": READ for name in entities}
    capture = capture_of({**cursors(entities=entities), **snapshots}, NOW)
    text = text_of(capture)
    assert len(text.splitlines()) < 10
    assert "100 of 101 collections are fresh" in text
    assert "sweep 40, follow 12" in text
    assert "deletes by channel: log 2, sweep 1" in text
    assert [line.split()[:2] for line in text.splitlines() if "sonar.forbidden" in line] == [["stuck", "halted"]]
    assert "e17" not in text
    assert "100 that are fresh are not shown" in text
    assert "e17" in text_of(capture, every=True)


def test_it_is_said_when_collections_were_swept() -> None:
    entities = {
        "payment": told(swept="2026-06-30T12:00:00+00:00"), "note": told(swept=None),
        "settings": told(swept=None, changes=None),
    }  # fmt: skip
    found = cursors(entities=entities)
    capture = capture_of(found, NOW)
    assert capture is not None
    assert [one["swept"] for one in capture["collections"]] == ["2026-06-30T12:00:00+00:00", None, None]
    assert "no log tells of: 1 of 2 collections so far\n" in text_of(capture)
    shown = text_of(capture, every=True)
    assert [line.count("2026-06-30T12:00") for line in shown.splitlines() if line.startswith("payment ")] == [1]
    found["told"]["swept"] = "2026-06-29T12:00:00+00:00"
    assert "no log tells of: every collection since 2026-06-29T12:00:00+00:00\n" in text_of(capture_of(found, NOW))


@pytest.mark.parametrize(
    ("ranges", "minutes_ago", "shown"),
    [
        pytest.param([[3, None, False]], 1, "3 of 9, about 1 min 15 s left", id="at work"),
        pytest.param([[3, None, False]], 3, "3 of 9", id="capture is away"),
        pytest.param([[9, None, True]], 1, "done", id="done since it was told"),
    ],
)
def test_the_time_left_is_that_of_the_collection_while_it_is_read(
    ranges: list[Any], minutes_ago: int, shown: str
) -> None:
    told_of = cursors(at=NOW - timedelta(minutes=minutes_ago), entities={"payment": told(seconds_left=75.0)})
    capture = capture_of({**told_of, "snapshot:payment": {"read": 3, "total": 9, "ranges": ranges}}, NOW)
    assert capture is not None
    assert capture["collections"][0]["snapshot"]["seconds_left"] == (75.0 if "left" in shown else None)
    assert re.split("  +", text_of(capture, every=True).splitlines()[-1])[3] == shown


def test_what_an_older_release_left_is_told_without_what_it_did_not_know() -> None:
    older = told()
    del older["swept"], older["seconds_left"]
    found = {**cursors(entities={"payment": older}), "snapshot:payment": {**READ, "ranges": [[3, None, False]]}}
    del found["told"]["swept"]
    capture = capture_of(found, NOW)
    assert capture is not None
    assert (capture["swept"], capture["collections"][0]["swept"]) == (None, None)
    assert capture["collections"][0]["snapshot"]["seconds_left"] is None


def test_a_capture_that_tells_nothing_is_said_to_be_away() -> None:
    assert "does not run, or hangs" in text_of(capture_of(cursors(at=NOW - timedelta(minutes=3)), NOW))
    assert "does not run" not in text_of(capture_of(cursors(at=NOW - timedelta(minutes=1)), NOW))


def test_the_documented_members_are_those_that_are_printed() -> None:
    capture = capture_of(cursors(), NOW)
    assert capture is not None
    for path, members in (("capture", capture), ("capture.collections[]", capture["collections"][0])):
        documented = SHAPES["status"][path].split("`")[1].strip("{}").split(", ")
        assert set(documented) == set(members)
