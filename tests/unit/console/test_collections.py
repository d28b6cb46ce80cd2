"""The account of capture: what is fresh is folded, what is stuck is shown with its reason."""

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
        "late_seconds": 0.0, "requests": {"re-read": 3}, "deletes": {}, "lacks": [], "missing": [], "unreadable": [],
        **changes,
    }  # fmt: skip


def cursors(*, at: datetime = NOW, entities: dict[str, Any] | None = None, **others: Any) -> dict[str, dict[str, Any]]:
    account = {
        "at": at.isoformat(), "since": NOW.isoformat(), "run_id": "run", "requests": {"follow": 12, "sweep": 40},
        "fingerprint": "f0", "events": [], "entities": {"payment": told()} if entities is None else entities,
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


def test_a_capture_that_tells_nothing_is_said_to_be_away() -> None:
    assert "does not run, or hangs" in text_of(capture_of(cursors(at=NOW - timedelta(minutes=3)), NOW))
    assert "does not run" not in text_of(capture_of(cursors(at=NOW - timedelta(minutes=1)), NOW))


def test_the_documented_members_are_those_that_are_printed() -> None:
    capture = capture_of(cursors(), NOW)
    assert capture is not None
    for path, members in (("capture", capture), ("capture.collections[]", capture["collections"][0])):
        documented = SHAPES["status"][path].split("`")[1].strip("{}").split(", ")
        assert set(documented) == set(members)
