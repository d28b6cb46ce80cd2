"""How the client of Sonar behaves: each request has its purpose, Sonar's pauses count for all, quiet hours are kept."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
import pytest
from multidict import CIMultiDict

from clients.sonar import SonarClient
from clients.sonar_breaker import SonarResting
from clients.sonar_errors import SonarFailed, SonarLimited, SonarQuiet, SonarTimeout, SonarUnreachable, data_of
from clients.sonar_purpose import PURPOSES, Asked, asking
from plumbing import metrics
from plumbing.settings import SonarSettings
from plumbing.shares import NoShare, whole

DOCUMENT = "{ accounts { entities { id } } }"
WHOLE = orjson.dumps({"data": {"accounts": {"entities": []}}})
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
DATED = {"Date": "Wed, 01 Jul 2026 11:58:00 GMT"}
"""Two minutes behind our clock."""
Answer = tuple[int, dict[str, str], bytes] | Exception


class Response:
    """One answer, as aiohttp gives it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aenter__(self) -> Self:
        if isinstance(self._answer, Exception):
            raise self._answer
        self.status, headers, self._body = self._answer
        self.headers = CIMultiDict(headers)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        """Nothing is kept open."""

    async def read(self) -> bytes:
        return self._body


class Line:
    """In place of aiohttp's session: answers in order, then whole ones."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.sent = list(answers), 0

    def post(self, url: str, data: bytes) -> Response:
        self.sent += 1
        return Response(self.answers.pop(0) if self.answers else (200, DATED, WHOLE))


def a_client(line: Line, clock: Callable[[], datetime] = lambda: NOON, **settings: Any) -> SonarClient:
    made = SonarSettings(url="http://sonar.test", token="t", requests_per_minute=600_000, **settings)
    client = SonarClient(made, whole, clock=clock, attempts=1)
    client._session = line  # type: ignore[assignment]  # no sockets in unit tests
    return client


def counted(purpose: str, outcome: str) -> float:
    return float(metrics.SONAR_REQUESTS.labels(purpose, outcome)._value.get())


async def test_a_request_is_counted_for_what_it_is_made_for() -> None:
    client = a_client(Line())
    before = counted("sweep", "ok")
    with asking("sweep", "payments"):
        await asyncio.create_task(client.query(DOCUMENT))
    await client.query(DOCUMENT)
    assert counted("sweep", "ok") == before + 1
    assert client.asked == {Asked("sweep", "payments"): 1, Asked("other"): 1}
    assert client.requests == 2


def test_every_purpose_is_told_from_the_start() -> None:
    told = {sample.labels["purpose"] for metric in metrics.SONAR_REQUESTS.collect() for sample in metric.samples}
    assert told >= set(PURPOSES)


async def test_nothing_is_asked_in_quiet_hours_and_the_refusal_says_until_when() -> None:
    now = NOON
    line = Line()
    client = a_client(line, lambda: now, quiet_hours=["12:00-13:00"], quiet_zone="UTC")
    with pytest.raises(SonarQuiet, match="before 2026-07-01T13:00:00"):
        await client.query(DOCUMENT)
    assert line.sent == 0
    assert client.requests == 0
    now = NOON.replace(hour=13)
    await client.query(DOCUMENT)
    assert client.quiet_until is None


async def test_a_sonar_that_fails_again_and_again_is_left_in_peace() -> None:
    line = Line(*[aiohttp.ClientConnectionError()] * 20)
    client = a_client(line)
    for _ in range(8):
        with pytest.raises(SonarUnreachable):
            await client.query(DOCUMENT)
    with pytest.raises(SonarResting):
        await client.query(DOCUMENT)
    assert line.sent == 8


async def test_attempts_wait_longer_each_time_and_no_two_clients_equally_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many that failed at one moment would else come back at one moment."""
    naps = list[float]()

    async def nap(seconds: float) -> None:
        naps.extend([seconds] if seconds else [])

    monkeypatch.setattr("clients.sonar.asyncio.sleep", nap)
    waits = []
    for _ in range(5):
        naps.clear()
        with pytest.raises(SonarUnreachable):
            await a_client(Line(*[aiohttp.ClientConnectionError()] * 5)).query(DOCUMENT, attempts=5)
        waits.append(tuple(naps))
    for least, of_all in zip((0.2, 0.4, 0.8, 1.6), zip(*waits, strict=True), strict=True):
        assert all(least <= one <= least + 0.5 for one in of_all)
        assert len(set(of_all)) == len(of_all)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(TimeoutError(), SonarTimeout, id="no answer in time"),
        pytest.param((502, {}, b"<html>"), SonarFailed, id="a failure"),
    ],
)
async def test_requests_that_were_too_heavy_say_nothing_about_sonar(answer: Answer, kind: type[Exception]) -> None:
    client = a_client(Line(*[answer] * 20))
    for _ in range(15):
        with pytest.raises(kind) as refused:
            await client.query(DOCUMENT, again_after_timeout=False)
        assert not isinstance(refused.value, SonarResting)


async def test_a_failure_of_a_heavy_request_is_not_tried_again_as_it_is() -> None:
    line = Line((500, {}, b""), (500, {}, b""))
    client = a_client(line)
    with pytest.raises(SonarFailed):
        await client.query(DOCUMENT, attempts=5, again_after_timeout=False)
    assert line.sent == 1


async def test_a_pause_that_sonar_asks_one_for_is_kept_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    now, naps = 100.0, list[float]()

    async def nap(seconds: float) -> None:
        nonlocal now
        naps.extend([seconds] if seconds else [])
        now += seconds

    monkeypatch.setattr("clients.sonar.time.monotonic", lambda: now)
    monkeypatch.setattr("clients.sonar.asyncio.sleep", nap)
    line = Line((429, {"Retry-After": "7"}, b"{}"))
    client = a_client(line)
    with pytest.raises(Exception, match="limit"):
        await client.query(DOCUMENT)
    await client.query(DOCUMENT)
    assert naps == [7]


@pytest.mark.parametrize(
    ("first", "is_sent"), [((200, DATED, WHOLE), True), ((429, {"Retry-After": "7"}, b"{}"), False)]
)
async def test_the_next_request_is_sent_before_an_answer_is_unpacked_but_for_one_that_refuses(
    monkeypatch: pytest.MonkeyPatch, first: Answer, is_sent: bool
) -> None:
    line = Line(first)
    sent: list[int] = []

    def unpacked(*answer: Any) -> Any:
        sent.append(line.sent)
        return data_of(*answer)

    monkeypatch.setattr("clients.sonar.data_of", unpacked)
    client = a_client(line, concurrency=1)
    one, other = (asyncio.create_task(client.query(DOCUMENT)) for _ in range(2))
    await asyncio.wait([one])
    other.cancel()
    await asyncio.wait([other])
    if not is_sent:
        assert isinstance(one.exception(), SonarLimited)
    assert sent[0] == (2 if is_sent else 1)


async def test_that_others_have_all_shares_is_told_once_and_nothing_is_asked() -> None:
    line, asked = Line(), 0

    async def none() -> float:
        nonlocal asked
        asked += 1
        raise NoShare("others have all")

    client = a_client(line)
    client._part, client._attempts = none, 3
    with pytest.raises(NoShare):
        await client.query(DOCUMENT)
    assert (asked, line.sent) == (1, 0)


async def test_the_time_is_sonars_own_however_its_header_is_spelled() -> None:
    client = a_client(Line((200, {"date": DATED["Date"]}, WHOLE)))
    answer = await client.query(DOCUMENT)
    assert client.server_time == answer.server_time == NOON - timedelta(minutes=2)
    assert answer.started == NOON


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a proxy removed it"),
        pytest.param({"Date": "soon"}, id="no instant"),
        pytest.param({"Date": "Wed, 01 Jul 99999999999999999999 11:58:00 GMT"}, id="no year"),
        pytest.param({"Date": "Wed, 01 Jul 2026 11:58:00"}, id="no time zone"),
        pytest.param({"Date": "Wed, 01 Jul 2026 11:58:00 -0000"}, id="of an unknown time zone"),
    ],
)
async def test_an_answer_that_does_not_tell_sonars_time_is_asked_for_again_and_never_dated_by_our_clock(
    headers: dict[str, str],
) -> None:
    line = Line((200, headers, WHOLE), (200, headers, WHOLE))
    client = a_client(line)
    with pytest.raises(SonarUnreachable, match="Date header") as refused:
        await client.query(DOCUMENT)
    assert "proxy" in refused.value.next_step
    with pytest.raises(RuntimeError):
        _ = client.server_time
    assert (await client.query(DOCUMENT, attempts=2)).server_time == NOON - timedelta(minutes=2)
    assert line.sent == 3
