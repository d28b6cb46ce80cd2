"""What Sonar, or something in front of it, may answer instead: nothing of it is used, no cursor moves."""

from collections.abc import Callable
from contextlib import suppress

import orjson
import pytest

from plumbing.errors import SyncError
from tests.faults.alarms import alarm
from tests.faults.capture_town import Answer, Town
from tests.faults.seeds import seeds

ERRORS = [{"message": "Internal server error", "path": ["accounts", "entities", 0, "contacts"]}]


def partial(answer: Answer) -> Answer:
    """Data with holes, and errors beside it."""
    body = orjson.loads(answer[2])
    for connection in (body["data"] or {}).values():
        if isinstance(connection, dict):
            for row in filter(None, connection.get("entities") or ()):
                for name in [name for name, value in row.items() if isinstance(value, dict)]:
                    row[name] = None
    return 200, {}, orjson.dumps(body | {"errors": ERRORS})


def short(answer: Answer) -> Answer:
    """Fewer rows than the page says there are, and no error."""
    body = orjson.loads(answer[2])
    for connection in (body["data"] or {}).values():
        if isinstance(connection, dict) and connection.get("entities"):
            connection["entities"].pop(0)
    return 200, {}, orjson.dumps(body)


ANSWERS: dict[str, Callable[[Answer], Answer]] = {
    "partial data beside errors": partial,
    "429 with Retry-After": lambda _: (429, {"Retry-After": "1"}, b'{"error":"Request limit of 300 is reached"}'),
    "429": lambda _: (429, {}, b""),
    "500": lambda _: (500, {}, b"Server error"),
    "502 in HTML": lambda _: (502, {}, b"<html>Bad gateway</html>"),
    "errors in a 200": lambda _: (200, {}, orjson.dumps({"errors": ERRORS})),
    "cut off": lambda answer: (200, {}, answer[2][: len(answer[2]) // 2]),
    "expired token": lambda _: (200, {}, b'{"error":"Unauthenticated."}'),
    "maintenance page": lambda _: (200, {}, b"<html>Back soon</html>"),
    "a limit told in a 200": lambda _: (200, {}, b'{"error":"Request limit of 300 is reached"}'),
}
"""What arrives instead of an answer, by name."""
FAILED = [ANSWERS[name] for name in ("500", "502 in HTML", "errors in a 200", "partial data beside errors")]
"""After these fewer rows are asked for."""


async def through(town: Town, bad: Callable[[Answer], Answer]) -> tuple[int, list[BaseException]]:
    """Snapshot, life and following while some answers to pages are bad ones: how many, and the errors raised."""
    pages = hits = 0

    def meddled(document: str, answer: Answer) -> Answer:
        nonlocal pages, hits
        pages += "query Page" in document
        hit = "query Page" in document and (pages == 3 or town.random.random() < 0.1)
        hits += hit
        return bad(answer) if hit else answer

    async def everything() -> None:
        await town.read()
        await town.follow()

    town.line.meddle = meddled
    errors = await town.supervised(everything)
    town.live(12)
    errors += await town.supervised(lambda: town.follow(3))
    town.line.meddle = lambda document, answer: answer
    await town.settle()
    return hits, errors


async def assert_it_shows(town: Town, bad: Callable[[Answer], Answer]) -> None:
    """While no page can be had freshness stays below what changed, which the operator is called by."""
    town.rename()
    changed = town.shop.clock.now
    town.line.meddle = lambda document, answer: bad(answer) if "query Page" in document else answer
    for _ in range(5):
        town.shop.clock.tick(20)
        with suppress(SyncError):
            await town.following.poll()
    assert 0 < alarm("crossfade_watermark_timestamp_seconds") <= changed.timestamp()
    town.restart_line()
    town.shop.clock.tick(600)  # what was not served rests for a while
    await town.follow(2)


@pytest.mark.fault(20)
@seeds(30, guards={"an answer with errors is not used": 1, "the watermark waits for what is not read": 5})
async def test_a_bad_answer_is_never_used(seed: int) -> None:
    town = Town(seed)
    name = list(ANSWERS)[(seed - 1) % len(ANSWERS)]
    hits, errors = await through(town, ANSWERS[name])
    await assert_it_shows(town, ANSWERS[name])
    await town.assert_topics_tell_sonar()
    assert hits
    # What fails is asked for in smaller pages, with which it may pass, or is left alone for a while.
    assert errors or ANSWERS[name] in FAILED
    for error in errors:
        told = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        assert isinstance(told, SyncError)
        assert told.next_step


@pytest.mark.fault(20)
@seeds(30, guards={"a page has the rows it promises": 1})
async def test_a_page_with_fewer_rows_than_it_says_is_read_again(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.reader._PAUSE_SECONDS", 0.0)
    town = Town(seed)
    hits, _ = await through(town, short)
    assert hits
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(41)
@seeds(30, guards={"what may not be read holds the watermark": 4})
async def test_a_nested_collection_that_may_not_be_read_any_more_is_not_empty(seed: int) -> None:
    """The right is taken away in mid-run, on odd seeds in the middle of the snapshot, and given back later."""
    town = Town(seed)
    if seed % 2 == 0:
        await town.read()
        await town.follow(1)
    town.damage(denied=frozenset({"Account.contacts"}))
    for _ in range(3):
        town.live(4)
        with suppress(SyncError, BaseExceptionGroup):
            await town.read()
        await town.follow(1)
    assert alarm("crossfade_stage_paused", stage="capture", code="sonar.forbidden") == 1
    assert all(event["after"]["contacts"] for event in town.events("account") if event["op"] != "d")
    town.damage()
    town.restart()
    await town.read()
    await town.follow()
    assert alarm("crossfade_stage_paused", stage="capture", code="sonar.forbidden") == 0
    await town.assert_topics_tell_sonar()
