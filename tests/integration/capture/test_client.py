"""The Sonar client over HTTP: deadlines, budget, what Sonar asks for, and connections that end early."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiolimiter import AsyncLimiter

from clients.sonar import SonarClient
from clients.sonar_errors import (
    SonarFileMissing,
    SonarFileTooLong,
    SonarGraphqlError,
    SonarQueryInvalid,
    SonarTimeout,
    SonarUnauthenticated,
)
from clients.sonar_schema import INTROSPECTION
from plumbing import metrics
from plumbing.errors import SyncError
from plumbing.settings import SonarSettings
from plumbing.shares import whole
from tests.unit.sandbox_sonar.shop import Shop

DOCUMENT = "{ accounts { entities { id } } }"
WHOLE: dict[str, Any] = {"data": {"accounts": {"entities": []}}}


class Sonar:
    """Answers with what the test has put in the queue, then with a whole answer; counts requests."""

    def __init__(self) -> None:
        self.answers: list[web.Response | float] = []
        self.requests: list[dict[str, Any]] = []
        self.tokens: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(orjson.loads(await request.read()))
        self.tokens.add(request.headers["Authorization"])
        after = self.answers.pop(0) if self.answers else _json(WHOLE)
        if isinstance(after, float):
            await asyncio.sleep(after)
            return _json(WHOLE)
        return after


def _json(body: dict[str, Any], status: int = 200, **headers: str) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", headers=headers)


@pytest.fixture
async def sonar() -> AsyncIterator[tuple[Sonar, str]]:
    sonar = Sonar()
    application = web.Application()
    application.router.add_post("/api/graphql", sonar.answer)
    async with TestServer(application, host="127.0.0.1") as server:
        yield sonar, str(server.make_url("/"))


def settings(url: str, **changes: Any) -> SonarSettings:
    return SonarSettings(url=url, token="the-token", **{"requests_per_minute": 6000, **changes})


async def test_the_token_and_the_variables_reach_sonar(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    async with SonarClient(settings(url), whole) as client:
        answer = await client.query(DOCUMENT, {"n": 5})
    assert answer.data == WHOLE["data"]
    assert server.requests == [{"query": DOCUMENT, "variables": {"n": 5}}]
    assert server.tokens == {"Bearer the-token"}
    assert client.server_time == answer.server_time


async def test_sonar_is_given_the_time_that_it_asks_for(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    server.answers = [_json({}, 429, **{"Retry-After": "1"})]
    began = time.monotonic()
    async with SonarClient(settings(url), whole) as client:
        await client.query(DOCUMENT)
    assert time.monotonic() - began >= 1
    assert len(server.requests) == 2


async def test_a_bad_token_is_not_tried_again(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    server.answers = [_json({"error": "Unauthenticated."})] * 3
    async with SonarClient(settings(url), whole) as client:
        with pytest.raises(SonarUnauthenticated):
            await client.query(DOCUMENT)
    assert len(server.requests) == 1


async def test_data_beside_errors_is_never_returned(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    server.answers = [_json({**WHOLE, "errors": [{"message": "x"}]}) for _ in range(2)]
    async with SonarClient(settings(url), whole, attempts=2) as client:
        with pytest.raises(SonarGraphqlError):
            await client.query(DOCUMENT)


async def test_an_answer_later_than_the_deadline_is_a_time_out(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    server.answers = [2.0]
    async with SonarClient(settings(url, timeout_seconds=0.2), whole) as client:
        with pytest.raises(SonarTimeout):
            await client.query(DOCUMENT, again_after_timeout=False)
        assert len(server.requests) == 1
        server.answers = [2.0]
        await client.query(DOCUMENT)


async def test_requests_stay_within_the_budget(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    async with SonarClient(settings(url, requests_per_minute=120), whole) as client:
        began = time.monotonic()
        for _ in range(15):
            await client.query(DOCUMENT)
    # Twelve may go at once, a tenth of a minute's; then two a second.
    assert time.monotonic() - began >= 1.2
    assert len(server.requests) == 15


async def test_of_half_a_budget_a_request_takes_twice_as_much(sonar: tuple[Sonar, str]) -> None:
    _, url = sonar
    part = 1.0

    async def own() -> float:
        return part

    async with SonarClient(settings(url, requests_per_minute=120), own) as client:
        for _ in range(6):
            await client.query(DOCUMENT)
        part = 1 / 2
        began = time.monotonic()
        for _ in range(6):
            await client.query(DOCUMENT)
        # Half of what may go at once was left: for three of these; then one a second.
        assert time.monotonic() - began >= 2.7
        assert metrics.SONAR_BUDGET._value.get() == 60


async def test_a_share_that_is_less_than_what_may_go_at_once_is_waited_for(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar

    async def own() -> float:
        return 1 / 12

    async with SonarClient(settings(url, requests_per_minute=600 // 10), own) as client:
        client._limiter = AsyncLimiter(2, 0.1)  # two at once, twenty a second
        began = time.monotonic()
        await client.query(DOCUMENT)
    assert time.monotonic() - began >= 0.4
    assert len(server.requests) == 1


async def test_what_is_no_graphql_costs_no_request(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    async with SonarClient(settings(url), whole) as client:
        with pytest.raises(ValueError, match="GraphQL"):
            await client.query("{ accounts {")
    assert server.requests == []


async def test_what_this_sonar_does_not_have_costs_no_request(sonar: tuple[Sonar, str]) -> None:
    server, url = sonar
    server.answers = [_json({"data": Shop().ask(INTROSPECTION)})]
    async with SonarClient(settings(url), whole) as client:
        await client.introspect()
        with pytest.raises(SonarQueryInvalid, match="shoe_size"):
            await client.query("{ accounts { entities { id shoe_size } } }")
        await client.query(DOCUMENT)
    assert len(server.requests) == 2


FILE = b"%PDF-1.4\n" + bytes(range(256)) * 1000


@pytest.fixture
async def files() -> AsyncIterator[tuple[list[web.Response], str]]:
    """A Sonar that answers a download with what the test has put in the queue, then with the file."""
    answers: list[web.Response] = []

    async def download(request: web.Request) -> web.Response:
        assert request.match_info["id"] == "7"
        assert (request.headers["Accept"], request.headers["Authorization"]) == ("*/*", "Bearer the-token")
        return answers.pop(0) if answers else web.Response(body=FILE, content_type="application/pdf")

    application = web.Application()
    application.router.add_get("/api/files/{id}", download)
    async with TestServer(application, host="127.0.0.1") as server:
        yield answers, str(server.make_url("/"))


async def test_a_file_is_written_whole_from_its_beginning_after_a_failure(
    files: tuple[list[web.Response], str],
) -> None:
    answers, url = files
    answers += [
        web.Response(status=503),
        _json({"error": "Request limit of 300 is reached"}, 200, **{"Retry-After": "0"}),
    ]
    into = io.BytesIO(b"what an earlier attempt had written")
    async with SonarClient(settings(url), whole) as client:
        await client.download(7, into, len(FILE))
    assert into.getvalue() == FILE
    assert answers == []


@pytest.mark.parametrize(
    ("answer", "most", "error"),
    [
        pytest.param(web.Response(status=404), 10**6, SonarFileMissing, id="no such file"),
        pytest.param(_json({"error": "Unauthenticated."}), 10**6, SonarUnauthenticated, id="a bad token, in a 200"),
        pytest.param(web.Response(body=FILE), len(FILE) - 1, SonarFileTooLong, id="more than Sonar tells of"),
    ],
)
async def test_what_is_no_file_is_told_as_what_it_is(
    files: tuple[list[web.Response], str], answer: web.Response, most: int, error: type[SyncError]
) -> None:
    answers, url = files
    answers.append(answer)
    async with SonarClient(settings(url), whole) as client:
        with pytest.raises(error):
            await client.download(7, io.BytesIO(), most)


async def test_a_file_that_is_json_is_a_file(files: tuple[list[web.Response], str]) -> None:
    answers, url = files
    answers.append(_json({"error": "the customer's own words", "n": 1}))
    into = io.BytesIO()
    async with SonarClient(settings(url), whole) as client:
        await client.download(7, into, 1000)
    assert orjson.loads(into.getvalue())["n"] == 1
