"""Splynx's REST API 2.0: log-in, deadlines, one request budget. Source: Splynx REST fact sheet."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson
import stamina
from aiolimiter import AsyncLimiter

from clients.splynx_auth import (
    NONCES_PER_SECOND,
    USER_AGENT,
    Nonces,
    basic_header,
    signature,
    signature_header,
    token_header,
)
from clients.splynx_errors import NotSplynx, SplynxBusy, SplynxUnauthorized, SplynxUnreachable, error_of
from clients.splynx_money import as_in_column, parsed
from clients.splynx_query import Search
from clients.transactions import refuse_in_transaction
from plumbing import metrics
from plumbing.settings import SplynxSettings

_ATTEMPTS = 6
_LONGEST_WAIT_SECONDS = 120.0
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")
Told = Callable[[int], object]
"""Hears an HTTP status."""
Read = Callable[[bytes], Any]
"""Reads JSON; raises ValueError where it is none."""


def _nobody(status: int) -> None:
    """Nobody wants to know."""


metrics.preset(metrics.SPLYNX_REQUESTS, _METHODS, ("done", "refused", "lost"))


class SplynxClient:
    """An async client. Every call has a deadline; nothing is repeated here that writes.

    Use as an async context manager. Paths are below `/api/2.0/`, such as `admin/customers/customer`.
    """

    def __init__(self, settings: SplynxSettings) -> None:
        self.settings = settings
        verify: bool | ssl.SSLContext = settings.tls.verify
        if settings.tls.ca_file is not None or settings.tls.cert_file is not None:
            context = ssl.create_default_context(cafile=str(settings.tls.ca_file) if settings.tls.ca_file else None)
            if settings.tls.cert_file is not None:
                context.load_cert_chain(settings.tls.cert_file, settings.tls.key_file)
            verify = context
        self._http = httpx2.AsyncClient(
            base_url=settings.url + "/api/2.0/",
            verify=verify,
            timeout=settings.timeout_seconds,
            headers={"User-Agent": USER_AGENT},
            limits=httpx2.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency),
            trust_env=False,
        )
        rate = settings.requests_per_second
        if settings.auth == "signature":
            rate = min(rate, NONCES_PER_SECOND)
        # One budget for everything; a burst of a second at most.
        self._limiter = AsyncLimiter(max(1.0, rate), max(1.0, rate) / rate)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._nonces = Nonces()
        self._in_order = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._one_by_one = False
        self._token: str | None = None
        self._token_until = 0.0
        self.permissions: Mapping[str, Mapping[str, str]] = {}
        """`{controller: {action: rule}}` of our key, as the log-in for a token told them; else empty."""
        self.requests = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, record_id: int | str) -> dict[str, Any]:
        """One row, its money exact (`splynx_money`). Holds secrets: Splynx shows passwords in clear.

        Raises:
            RecordMissing, SplynxRefused, SplynxUnreachable.
        """
        answer = await self._call("GET", f"{path}/{record_id}")
        return as_in_column(path, self._object(answer, parsed))

    async def list(self, path: str, search: Search | None = None) -> list[dict[str, Any]]:
        """The rows that `search` finds, as `get` gives them; all of them without a limit."""
        answer = await self._call("GET", path, params=search.pairs() if search else None)
        rows = self._json(answer, parsed)
        if not isinstance(rows, list):
            raise SplynxUnreachable("Splynx answered a listing with something that is no list")
        return [as_in_column(path, row) for row in rows]

    async def rights(self) -> Mapping[str, Mapping[str, str]]:
        """The same as `permissions`, as they are now: a log-in is told them, and a token outlives what it was told."""
        if self.settings.auth == "token":
            async with self._in_order:
                await self._log_in(self.settings.key, self.settings.secret.get_secret_value())
        return self.permissions

    async def settings_of(self, module: str, path: str) -> dict[str, Any]:
        """The configuration keys under `module` and `path`, with their values."""
        answer = await self._call("GET", "admin/config/config", params=[("module", module), ("path", path)])
        return self._object(answer)

    async def post(
        self, path: str, body: Mapping[str, Any], *, deadline: float | None = None, told: Told = _nobody
    ) -> Any:
        """Create; Splynx's answer, usually `{"id": …}`. A lost answer leaves open whether it happened.

        `deadline`: instant of the monotonic clock after which nothing is sent any more, nor waited for. `told` hears
        the status of a success.

        Raises:
            SplynxUnreachable: nobody knows, unless its `nothing_happened` is true.
        """
        answer = await self._call("POST", path, body=body, deadline=deadline)
        told(answer.status_code)
        return self._json(answer)

    async def put(
        self,
        path: str,
        record_id: int | str,
        body: Mapping[str, Any],
        *,
        deadline: float | None = None,
        told: Told = _nobody,
    ) -> None:
        """Change the attributes sent. `deadline`, `told`, and what errors leave open: as in `post`."""
        answer = await self._call("PUT", f"{path}/{record_id}", body=body, deadline=deadline)
        told(answer.status_code)

    async def delete(self, path: str, record_id: int | str) -> None:
        """Delete."""
        await self._call("DELETE", f"{path}/{record_id}")

    async def head_count(self, path: str, search: Search | None = None) -> int:
        """How many rows a listing has."""
        answer = await self._call("HEAD", path, params=search.pairs() if search else None)
        try:
            return int(answer.headers["X-total-count"])
        except (KeyError, ValueError) as exc:
            raise SplynxUnreachable("Splynx answered HEAD without a count") from exc

    async def options(self, path: str) -> dict[str, Any]:
        """`{attributes: […], additional_attributes: […]}` of a resource; refused where its module is off."""
        return self._object(await self._call("OPTIONS", path))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: Mapping[str, Any] | None = None,
        deadline: float | None = None,
    ) -> httpx2.Response:
        """One request, repeated only when Splynx refused it at the door, so that nothing happened.

        Raises:
            CallInTransaction: somebody would wait for Splynx with rows of Splynx locked.
        """
        refuse_in_transaction(f"a {method} to Splynx")

        async def once() -> httpx2.Response:
            await self._limiter.acquire()
            if not self._one_by_one:
                return await self._send(method, path, params, body, deadline)
            async with self._turn:
                return await self._send(method, path, params, body, deadline)

        def again(error: Exception) -> bool | float:
            wait = self._wait_after(error)
            # A growing wait is short, and who sends after it looks at the deadline once more.
            told = 0.0 if wait is True else wait
            if deadline is not None and time.monotonic() + told > deadline:
                return False
            return wait

        async with self._slots:
            async for attempt in stamina.retry_context(
                on=again, attempts=_ATTEMPTS, timeout=None, wait_initial=0.1, wait_max=30, wait_jitter=0.1
            ):
                with attempt:
                    return await once()
        raise AssertionError("stamina ends by an answer or an error")  # pragma: no cover

    def _wait_after(self, error: Exception) -> bool | float:
        """Whether a request is sent again after a growing wait, or the seconds to wait."""
        if isinstance(error, SplynxBusy):
            return True if error.retry_after is None else min(error.retry_after, _LONGEST_WAIT_SECONDS)
        if isinstance(error, SplynxUnauthorized) and self.settings.auth != "basic":
            # A nonce that a later request of ours, or another process with our key, overtook on the way; or a token
            # that Splynx has ended. Where nonces are checked, signed requests go in turn from now on.
            self._token = None
            self._one_by_one = self.settings.auth == "signature"
            return True
        return False

    async def _send(
        self, method: str, path: str, params: Any, body: Mapping[str, Any] | None, deadline: float | None
    ) -> httpx2.Response:
        headers = {"Authorization": await self._authorization()}
        content = None
        if body is not None:
            content = orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        begun = time.monotonic()
        patience = self.settings.timeout_seconds
        if deadline is not None:
            patience = min(patience, deadline - begun)
            if patience <= 0:
                # Whoever looks for this call's traces counts on it: after its deadline it is not on its way any more.
                raise SplynxBusy(f"the turn of a {method} did not come before its deadline")
        self.requests += 1
        try:
            async with asyncio.timeout(patience):
                answer = await self._http.request(method, path, params=params, content=content, headers=headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as exc:
            metrics.SPLYNX_REQUESTS.labels(method, "lost").inc()
            told = f"Splynx did not answer a {method}: {type(exc).__name__}"
            raise SplynxUnreachable(told, nothing_happened=True) from exc
        except (httpx2.HTTPError, OSError, TimeoutError) as exc:
            metrics.SPLYNX_REQUESTS.labels(method, "lost").inc()
            raise SplynxUnreachable(f"Splynx did not answer a {method}: {type(exc).__name__}") from exc
        finally:
            metrics.SPLYNX_REQUEST_SECONDS.labels(method).observe(time.monotonic() - begun)
        if answer.is_success:
            metrics.SPLYNX_REQUESTS.labels(method, "done").inc()
            return answer
        metrics.SPLYNX_REQUESTS.labels(method, "refused").inc()
        raise error_of(answer.status_code, answer.content, answer.headers, path)

    async def _authorization(self) -> str:
        key, secret = self.settings.key, self.settings.secret.get_secret_value()
        if self.settings.auth == "basic":
            return basic_header(key, secret)
        if self.settings.auth == "signature":
            return signature_header(self._nonces.next(), key, secret)
        async with self._in_order:
            # Clients renew a few seconds early; a fresh log-in is as good as a renewal and needs no second state.
            if self._token is None or time.time() > self._token_until - 5:
                await self._log_in(key, secret)
            return token_header(str(self._token))

    async def _log_in(self, key: str, secret: str) -> None:
        nonce = self._nonces.next()
        fields = {"auth_type": "api_key", "key": key, "nonce": nonce, "signature": signature(nonce, key, secret)}
        try:
            # The client's own patience is with each piece of an answer, not with the whole of it.
            async with asyncio.timeout(self.settings.timeout_seconds):
                answer = await self._http.post(
                    "admin/auth/tokens", content=orjson.dumps(fields), headers={"Content-Type": "application/json"}
                )
        except (httpx2.HTTPError, OSError) as exc:
            away = f"Splynx did not answer the log-in: {type(exc).__name__}"
            raise SplynxUnreachable(away, nothing_happened=True) from exc
        if not answer.is_success:
            if answer.status_code == 404 and self._token is None:  # later it is a proxy that lost its Splynx
                raise NotSplynx("what answers at splynx.url has no admin/auth/tokens, where one logs in")
            raise error_of(answer.status_code, answer.content, answer.headers)
        told = self._object(answer)
        self._token, self._token_until = str(told["access_token"]), float(told["access_token_expiration"])
        rights = told.get("permissions")
        self.permissions = rights if isinstance(rights, dict) else {}  # a list where there are none

    def _object(self, answer: httpx2.Response, read: Read = orjson.loads) -> dict[str, Any]:
        told = self._json(answer, read)
        if not isinstance(told, dict):
            raise SplynxUnreachable("Splynx answered with something that is no object")
        return told

    @staticmethod
    def _json(answer: httpx2.Response, read: Read = orjson.loads) -> Any:
        try:
            return read(answer.content)
        except ValueError as exc:
            # HTML with status 200: a maintenance page or a wrong address.
            raise SplynxUnreachable("Splynx answered with something that is no JSON") from exc
