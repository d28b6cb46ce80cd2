"""Speaking to Sonar: one budget of requests, one deadline, one table of errors; an answer is whole or an error.

Documents are checked with gql. Its transports are not used: they keep the headers of the last answer only, and several
requests are under way at once (Sonar's clock and Retry-After come in headers), and they take `{"error": ...}` with
status 200, which Sonar sends for a bad token and for its limit, for a broken protocol.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Self

import orjson
import stamina
from aiolimiter import AsyncLimiter
from isal import isal_zlib

from clients.sonar_answers import Connection, Into
from clients.sonar_breaker import Breaker, SonarResting
from clients.sonar_ending import Ending
from clients.sonar_errors import (
    IncompletePage,
    SonarFailed,
    SonarFileTooLong,
    SonarGraphqlError,
    SonarLimited,
    SonarQuiet,
    SonarTimeout,
    SonarUnreachable,
    data_of,
    file_error,
    server_time,
)
from clients.sonar_purpose import PURPOSES, Asked, asked_for, asking
from clients.sonar_schema import INTROSPECTION, SonarSchema, check_syntax, schema_of
from clients.sonar_tls import ssl_context
from plumbing import metrics
from plumbing.clock import Clock, utc_now
from plumbing.errors import Action, SyncError
from plumbing.settings import SonarSettings
from plumbing.shares import NoShare, Part

if TYPE_CHECKING:
    # Imported where it is used: it takes a fifth of a command's start, and most commands do not ask Sonar.
    import aiohttp

_PATH = "/api/graphql"
ATTEMPTS = 6
"""Of one request, with growing waits between."""
_LONGEST_WAIT = 120.0
_HEAD_BYTES = 64 * 1024
_READ_BYTES = 2 * 1024 * 1024
"""Of an answer before its reader has to take some: a page comes in one go."""

metrics.preset(metrics.SONAR_REQUESTS, PURPOSES, ["ok"])


@dataclass(frozen=True)
class SonarAnswer:
    """The data of one whole answer without errors."""

    data: Mapping[str, Any]
    server_time: datetime
    """Sonar's clock, whole seconds (HTTP `Date`)."""
    started: datetime
    """Our clock when the request that succeeded was sent: the data is no older."""


class _Turn(NamedTuple):
    """A request that may be made now."""

    session: "aiohttp.ClientSession"
    started: datetime
    give_way: Callable[[], Awaitable[None]]
    """Lets the next request begin, once the answer to this one is here."""


class SonarClient:
    """An asynchronous client; enter it before use. Its requests share one budget and one limit of concurrency."""

    def __init__(
        self,
        settings: SonarSettings,
        part: Part,
        *,
        clock: Clock = utc_now,
        attempts: int = ATTEMPTS,
    ) -> None:
        """`part`: of the budget that the settings give to all processes of the instance."""
        self._settings, self._part, self._clock, self._attempts = settings, part, clock, attempts
        # A tenth of a minute's budget may go at once; a full minute's burst would meet Sonar's own counter twice.
        burst = max(1, settings.requests_per_minute // 10)
        self._limiter = AsyncLimiter(burst, 60 * burst / settings.requests_per_minute)
        self._slots = asyncio.Semaphore(settings.concurrency)
        base = settings.url
        self._url = base if base.endswith(_PATH) else f"{base}{_PATH}"
        self._session: aiohttp.ClientSession | None = None
        self._schema: SonarSchema | None = None
        self._breaker, self._quiet, self.ending = Breaker(), settings.quiet, Ending()
        self._not_before = 0.0
        """Until then (monotonic) Sonar's limit is spent, as it told one of us."""
        self.asked: Counter[Asked] = Counter()
        """Requests so far, by what for."""
        self._server_time: datetime | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        aiohttp.set_zlib_backend(isal_zlib)  # answers come packed: unpacking them takes a third of the time that way

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._settings.concurrency, ssl=ssl_context(self._settings.tls)),
            headers={
                "Authorization": f"Bearer {self._settings.token.get_secret_value()}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds, sock_connect=10),
            read_bufsize=_READ_BYTES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        attempts: int | None = None,
        again_after_timeout: bool = True,
        into: Into | None = None,
    ) -> SonarAnswer:
        """The answer to one GraphQL document, tried again while the failure may pass.

        `into`: the layout of its rows; without, they are dicts.
        `again_after_timeout`: False for a caller that would rather ask for less, after a failure of Sonar's, too.

        Raises:
            SonarTimeout, SonarUnreachable, SonarLimited: after several attempts, with growing waits.
            SonarResting, SonarQuiet: nothing was asked.
            SonarUnauthenticated, DependencyRefused, SonarQueryInvalid: at once.
            SonarGraphqlError: Sonar keeps answering with `errors`.
            SonarEnded: this process is to end.
        """
        self._check(document)

        def hook(error: Exception) -> bool | float:
            return _backoff(error, again_after_timeout)

        async with self.ending.heeded():
            async for attempt in _tries(hook, attempts or self._attempts):
                with attempt:
                    return await self._once(document, variables or {}, into, heavy=not again_after_timeout)
        raise AssertionError("stamina ends by an answer or an error")  # pragma: no cover

    @property
    def requests(self) -> int:
        """How many were sent."""
        return self.asked.total()

    @property
    def quiet_until(self) -> datetime | None:
        """When the quiet hours of now are over; None: anything may be asked."""
        until = self._quiet.until(self._clock())
        metrics.SONAR_QUIET.set(until is not None)
        return until

    @property
    def server_time(self) -> datetime:
        """Sonar's clock as its last answer told it (whole seconds): never ahead of what the next request reads.

        Raises:
            RuntimeError: nothing was asked yet.
        """
        if self._server_time is None:
            raise RuntimeError("ask something first")
        return self._server_time

    async def introspect(self) -> SonarSchema:
        """Sonar's schema as it is now; from now on every new document is held against it before it is sent.

        Raises:
            SonarSchemaUnreadable: the introspection is not whole.
            SyncError: as `query`.
        """
        with asking("schema"):
            self._schema = schema_of((await self.query(INTROSPECTION)).data)
        return self._schema

    def _check(self, document: str) -> None:
        """Refuse a document that Sonar cannot answer before a request is spent on it."""
        if self._schema is not None:
            self._schema.check(document)
        else:
            check_syntax(document)

    async def download(self, id: int, into: BinaryIO, most: int) -> None:
        """Write the bytes of a file into `into`, from its beginning; another attempt begins there again.

        Raises:
            SonarFileMissing: Sonar has no such file.
            SonarFileTooLong: it has more than `most` bytes.
            SyncError: as `query`.
        """
        url = f"{self._settings.url.removesuffix(_PATH)}/api/files/{id}"
        async for attempt in _tries(lambda error: _backoff(error, True), self._attempts):
            with attempt:
                into.seek(0)
                into.truncate()
                await self._download(url, into, most)

    async def _once(
        self, document: str, variables: Mapping[str, Any], into: Into | None, *, heavy: bool
    ) -> SonarAnswer:
        body = orjson.dumps({"query": document, "variables": dict(variables)})
        async with self._turn(heavy=heavy) as turn:
            async with turn.session.post(self._url, data=body) as response:
                content = await response.read()
                status, headers = response.status, response.headers
            if status == HTTPStatus.OK:  # another is looked at first, for it may tell to wait
                await turn.give_way()
                await asyncio.sleep(0)  # the next is sent before this answer is unpacked
            data = data_of(status, headers, content, into)
            if isinstance(data, SyncError):
                raise data
            self._server_time = server_time(headers)
        return SonarAnswer(data, self._server_time, turn.started)

    async def _download(self, url: str, into: BinaryIO, most: int) -> None:
        import aiohttp

        # A large file takes as long as it takes: only silence is bounded.
        silence = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=self._settings.timeout_seconds)
        async with (
            self._turn(heavy=False) as turn,
            turn.session.get(url, headers={"Accept": "*/*"}, timeout=silence) as response,
        ):
            head = await response.content.read(_HEAD_BYTES)
            if error := file_error(response.status, response.headers, response.content_type, head):
                raise error
            written = 0
            while head:
                written += into.write(head)
                if written > most:
                    raise SonarFileTooLong(f"a file has more bytes than the {most} that Sonar tells of it")
                head = await response.content.read(_HEAD_BYTES)

    @asynccontextmanager
    async def _turn(self, *, heavy: bool) -> AsyncIterator[_Turn]:
        """One request within the budget, from its slot to its outcome; what goes wrong becomes a type of ours.

        `heavy`: where less can be asked for; then its failure does not count as Sonar's being away.
        """
        import aiohttp

        if self._session is None:
            raise RuntimeError("enter the client before use")
        async with AsyncExitStack() as slot:
            await slot.enter_async_context(self._slots)
            await self._within_budget()
            # What Sonar told one of us counts for all: it would only refuse the others, too.
            if (wait := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if until := self.quiet_until:
                raise SonarQuiet(f"quiet hours: nothing is asked of Sonar before {until.isoformat()}")
            self._breaker.enter()
            asked = asked_for()
            self.asked[asked] += 1
            clock, outcome, answered = time.monotonic(), "ok", None
            try:
                yield _Turn(self._session, self._clock(), slot.aclose)
                answered = True
            except TimeoutError as exc:
                outcome, answered = SonarTimeout.code, None if heavy else False
                raise SonarTimeout(f"no answer within {self._settings.timeout_seconds:g} s") from exc
            except (aiohttp.ClientError, OSError) as exc:
                outcome, answered = SonarUnreachable.code, False
                raise SonarUnreachable(f"no whole answer from Sonar ({type(exc).__name__})") from exc
            except SyncError as exc:
                outcome = exc.code
                if not (heavy and isinstance(exc, SonarFailed)):
                    answered = not isinstance(exc, SonarUnreachable)
                self._heed(exc)
                raise
            finally:
                self._breaker.leave(answered)
                metrics.SONAR_REQUESTS.labels(asked.purpose, outcome).inc()
                metrics.SONAR_REQUEST_SECONDS.observe(time.monotonic() - clock)

    async def _within_budget(self) -> None:
        part = await self._part()
        metrics.SONAR_BUDGET.set(self._settings.requests_per_minute * part)
        # Of half a budget each request takes what two of a whole one take.
        left = 1 / part
        while left > 0:
            step = min(left, self._limiter.max_rate)  # more at once is never to be had
            await self._limiter.acquire(step)
            left -= step

    def _heed(self, error: SyncError) -> None:
        if isinstance(error, SonarLimited) and error.retry_after is not None:
            wait = min(error.retry_after, _LONGEST_WAIT)
            self._not_before = max(self._not_before, time.monotonic() + wait)


def _tries(hook: Callable[[Exception], bool | float], attempts: int) -> AsyncIterator[stamina.Attempt]:
    """Attempts with growing waits between; their jitter keeps those that failed at one moment apart."""
    return aiter(
        stamina.retry_context(on=hook, attempts=attempts, timeout=None, wait_initial=0.2, wait_max=30, wait_jitter=0.5)
    )


def _backoff(error: Exception, again_after_timeout: bool) -> bool | float:
    """Whether and (where Sonar said so) how long to wait before the next attempt."""
    if not isinstance(error, SyncError) or error.action is not Action.RETRY:
        return False
    if isinstance(error, SonarResting | SonarQuiet | NoShare):
        return False  # the next attempt would meet the same
    if isinstance(error, SonarLimited):
        return min(error.retry_after, _LONGEST_WAIT) if error.retry_after is not None else True
    if isinstance(error, SonarGraphqlError) and error.about_counting:
        return False  # the caller asks again without page_info
    return again_after_timeout or not isinstance(error, SonarTimeout | SonarFailed)


def entities_of(connection: Any, *, asked: int, counted: bool) -> list[Any]:
    """The rows of a root connection, if it is complete: no empty places, as many as its page_info promises.

    Raises:
        IncompletePage: it is not.
    """
    rows: list[Any]
    if isinstance(connection, Connection):
        rows, info = connection.entities, connection.page_info
    else:
        found = connection.get("entities") if isinstance(connection, dict) else None
        if not isinstance(found, list) or None in found:
            raise IncompletePage("a page came with empty places")
        rows, info = found, connection.get("page_info")
    if counted:
        if info is None:
            raise IncompletePage("a page came without its page_info")
        if len(rows) != min(info["total_count"], info["records_per_page"], asked):
            raise IncompletePage("a page has fewer rows than its page_info promises")
    return rows
