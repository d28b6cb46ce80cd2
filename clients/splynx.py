"""Splynx's REST API 2.0: log-in, deadlines, one request budget, one table of errors. Source: Splynx REST fact sheet."""

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson
from aiolimiter import AsyncLimiter

from clients.splynx_auth import USER_AGENT, Nonces, basic_header, signature, signature_header, token_header
from clients.splynx_query import Search
from plumbing import metrics
from plumbing.errors import Action, DependencyRefused, DependencyUnreachable, ExitCode, SyncError
from plumbing.settings import SplynxSettings

_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")
metrics.preset(metrics.SPLYNX_REQUESTS, _METHODS, ("done", "refused", "lost"))


class SplynxUnreachable(DependencyUnreachable):
    """Splynx does not answer, or not in time, or with an error of its own. A write may or may not have happened."""

    code = "splynx.unreachable"


class SplynxRefused(DependencyRefused):
    """Splynx refuses us as such: a wrong key or secret, a missing right, a module that is off."""

    code = "splynx.refused"
    remedy = "Run `crossfade doctor`: it prints the API permissions and modules that are needed."


class SplynxUnauthorized(SplynxRefused):
    """Splynx does not let us in (401)."""

    remedy = "Check splynx.key, splynx.secret and splynx.auth; the key must have unsecure access for basic."


class RecordRefused(SyncError):
    """Splynx refuses one record (422). `fields` are the attributes it names, never their values."""

    code = "splynx.record_refused"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "See the named fields of that record in Sonar or the rules, mend them; a later event supersedes this one."

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(f"Splynx refuses the fields {', '.join(fields) or '(none named)'}")
        self.fields = fields


class RecordMissing(SyncError):
    """Splynx has no such row or path (404)."""

    code = "splynx.record_missing"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "Somebody removed the row in Splynx; restore it there, or rebuild the ledger."


def error_of(status: int, body: bytes) -> SyncError:
    """The one table of Splynx's answers that are no success."""
    internal = ""
    parsed: Any = None
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if isinstance(error, dict):
        internal = str(error.get("internal_code") or "")
    told = f"{status} {internal}".strip()
    if status == 404:
        return RecordMissing(f"Splynx answered {told}")
    if status == 422 or internal == "ENTITY_CANNOT_BE_DELETED":
        return RecordRefused(_fields_of(parsed))
    if status == 401:
        return SplynxUnauthorized(f"Splynx answered {told}")
    if status in {403, 405}:
        return SplynxRefused(f"Splynx answered {told}")
    if status in {408, 429} or status >= 500:
        return SplynxUnreachable(f"Splynx answered {told}")
    return RecordRefused(_fields_of(parsed))


def _fields_of(parsed: Any) -> tuple[str, ...]:
    """Field names of a 422: the documented envelope or the framework's list. Texts are localised and left out."""
    if isinstance(parsed, dict):
        inner = parsed.get("error", parsed)
        if isinstance(inner, dict):
            for member in ("errors", "message", "fields"):
                if isinstance(inner.get(member), list | dict):
                    return _fields_of(inner[member])
            if isinstance(inner.get("message"), str):
                # `attribute: localised text; attribute: …`: the names alone are taken.
                return tuple(sorted(set(re.findall(r"(?:^|; )([a-z][a-z0-9_]*): ", inner["message"]))))
            known = {"message", "code", "internal_code", "error", "name", "status", "type"}
            return tuple(sorted(str(name) for name in inner if name not in known))
        return _fields_of(inner) if isinstance(inner, list) else ()
    if isinstance(parsed, list):
        return tuple(sorted({str(one["field"]) for one in parsed if isinstance(one, dict) and "field" in one}))
    return ()


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
        # One budget for everything; a burst of a second at most.
        self._limiter = AsyncLimiter(
            max(1.0, settings.requests_per_second),
            max(1.0, settings.requests_per_second) / settings.requests_per_second,
        )
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._nonces = Nonces()
        self._in_order = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._one_by_one = False
        self._token: str | None = None
        self._token_until = 0.0
        self.requests = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, record_id: int | str) -> dict[str, Any]:
        """One row. Holds secrets: Splynx shows passwords in clear.

        Raises:
            RecordMissing, SplynxRefused, SplynxUnreachable.
        """
        answer = await self._call("GET", f"{path}/{record_id}")
        return self._object(answer)

    async def list(self, path: str, search: Search | None = None) -> list[dict[str, Any]]:
        """The rows that `search` finds; all of them without a limit."""
        answer = await self._call("GET", path, params=search.pairs() if search else None)
        rows = self._json(answer)
        if not isinstance(rows, list):
            raise SplynxUnreachable("Splynx answered a listing with something that is no list")
        return rows

    async def settings_of(self, module: str, path: str) -> dict[str, Any]:
        """The configuration keys under `module` and `path`, with their values."""
        answer = await self._call("GET", "admin/config/config", params=[("module", module), ("path", path)])
        return self._object(answer)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create; Splynx's answer, usually `{"id": …}`. A lost answer leaves open whether it happened."""
        return self._json(await self._call("POST", path, body=body))

    async def put(self, path: str, record_id: int | str, body: Mapping[str, Any]) -> None:
        """Change the attributes sent."""
        await self._call("PUT", f"{path}/{record_id}", body=body)

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
    ) -> httpx2.Response:
        async with self._slots:
            await self._limiter.acquire()
            for attempt in range(10):
                try:
                    if not self._one_by_one:
                        return await self._send(method, path, params, body)
                    async with self._turn:
                        return await self._send(method, path, params, body)
                except SplynxUnauthorized:
                    # Refused at the door, so nothing happened: a nonce that a later request of ours overtook on the
                    # way, or a token that Splynx has ended. Where nonces are checked, signed requests go in turn.
                    self._token = None
                    self._one_by_one = self.settings.auth == "signature"
                    if attempt == 9 or self.settings.auth == "basic":
                        raise
            raise AssertionError("unreachable")

    async def _send(self, method: str, path: str, params: Any, body: Mapping[str, Any] | None) -> httpx2.Response:
        headers = {"Authorization": await self._authorization()}
        content = None
        if body is not None:
            content = orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        self.requests += 1
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                answer = await self._http.request(method, path, params=params, content=content, headers=headers)
        except (httpx2.HTTPError, OSError, TimeoutError) as exc:
            metrics.SPLYNX_REQUESTS.labels(method, "lost").inc()
            raise SplynxUnreachable(f"Splynx did not answer a {method}: {type(exc).__name__}") from exc
        finally:
            metrics.SPLYNX_REQUEST_SECONDS.labels(method).observe(time.monotonic() - begun)
        if answer.is_success:
            metrics.SPLYNX_REQUESTS.labels(method, "done").inc()
            return answer
        metrics.SPLYNX_REQUESTS.labels(method, "refused").inc()
        raise error_of(answer.status_code, answer.content)

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
            answer = await self._http.post(
                "admin/auth/tokens", content=orjson.dumps(fields), headers={"Content-Type": "application/json"}
            )
        except (httpx2.HTTPError, OSError) as exc:
            raise SplynxUnreachable(f"Splynx did not answer the log-in: {type(exc).__name__}") from exc
        if not answer.is_success:
            raise error_of(answer.status_code, answer.content)
        told = self._object(answer)
        self._token, self._token_until = str(told["access_token"]), float(told["access_token_expiration"])

    def _object(self, answer: httpx2.Response) -> dict[str, Any]:
        parsed = self._json(answer)
        if not isinstance(parsed, dict):
            raise SplynxUnreachable("Splynx answered with something that is no object")
        return parsed

    @staticmethod
    def _json(answer: httpx2.Response) -> Any:
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as exc:
            # HTML with status 200: a maintenance page or a wrong address.
            raise SplynxUnreachable("Splynx answered with something that is no JSON") from exc
