"""Sonar's endpoint over HTTP: token, limit, faults, then the engine. One request at a time, as one core allows."""

import asyncio
import gzip
import hmac
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
from aiohttp import web

from sandbox.sonar import file_contents
from sandbox.sonar.compile import Conditions
from sandbox.sonar.execute import Engine
from sandbox.sonar.faults import ENDS, Fault, FaultQueue, conditions
from sandbox.sonar.limits import RateLimit
from sandbox.sonar.requests import BadRequest, GraphQLRequest, read_request
from sandbox.sonar.store import Store

PATH = "/api/graphql"

_LARGEST_BODY = 16 * 2**20
_WORTH_PACKING = 1024

_PROXY_PAGE = (
    "<html><head><title>{status}</title></head><body><h1>Maintenance</h1><p>Please come back later.</p></body></html>"
)


class Clock:
    """The server's clock: real time, moved by `offset` (a Sonar whose clock is wrong)."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC) + self.offset


class Server:
    """One Sonar instance. Attributes are its state; the control room changes them."""

    def __init__(
        self,
        store: Store,
        token: str,
        *,
        clock: Callable[[], datetime],
        per_minute: int = 400,
        limit_status: int = 429,
        normal: Conditions | None = None,
    ) -> None:
        """`limit_status`: 429 or 200; which of them Sonar sends beside its error body is not documented."""
        self.store, self.clock = store, clock
        self.engine = Engine(store)
        self.faults = FaultQueue()
        self.limit = RateLimit(per_minute)
        self.requests: Counter[str] = Counter()
        self._token, self._limit_status = token, limit_status
        self._normal = normal or Conditions()

    def application(self) -> web.Application:
        """The web application with the endpoint; the control room adds its own routes."""
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_post(PATH, self._answer)
        application.router.add_get(PATH, self._answer)  # one production client sends GET with a JSON body
        application.router.add_get(file_contents.PATH, self._file)
        return application

    def _refused(self, request: web.Request) -> web.Response | None:
        """The answer to a request without the token, or one too many; None when it may pass."""
        self.requests["received"] += 1
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            self.requests["unauthenticated"] += 1
            return self._json({"error": "Unauthenticated."}, request)
        if not self.limit.admits(token):
            self.requests["limited"] += 1
            return self._limited(self.limit.per_minute or 400, request, self._limit_status)
        return None

    async def _file(self, request: web.Request) -> web.Response:
        refusal = self._refused(request)
        if refusal is not None:
            return refusal
        id = request.match_info["id"]
        file = self.store.table("File").get(int(id)) if id.isascii() and id.isdigit() else None
        if file is None:
            return self._json({"message": "Not Found"}, request, status=404)
        self.requests["files"] += 1
        return web.Response(body=file_contents.contents(file), content_type=file["mime_type"])

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refused(request)
        if refusal is not None:
            return refusal
        try:
            asked = read_request(await request.read())
        except BadRequest as error:
            return self._json({"errors": [{"message": str(error)}]}, request)
        roots = self.engine.roots(asked.query)
        self.requests.update(f"root.{name}" for name in roots)
        met = self.faults.take(roots)
        self.requests.update(f"fault.{fault.kind}" for fault in met)
        return await self._meet(request, asked, roots, met)

    async def _meet(
        self, request: web.Request, asked: GraphQLRequest, roots: tuple[str, ...], met: list[Fault]
    ) -> web.StreamResponse:
        early = sum(fault.seconds for fault in met if fault.kind == "slow" and fault.early)
        late = sum(fault.seconds for fault in met if fault.kind == "slow" and not fault.early)
        end = next((fault for fault in met if fault.kind in ENDS), None)
        if early:
            await asyncio.sleep(early)
        response = self._ended(request, end) if end is not None else None
        if response is None:
            answer = self.engine.execute(
                asked.query, asked.variables, asked.operation_name, conditions(met, roots, self._normal)
            )
            if any(fault.kind == "partial" for fault in met):
                _make_partial(answer)
            response = self._json(answer, request)
        if late:
            await asyncio.sleep(late)
        if end is not None and end.kind == "cutoff":
            return await _cut_off(request, response)
        if end is not None and end.kind == "reset" and request.transport is not None:
            request.transport.close()
        return response

    def _ended(self, request: web.Request, fault: Fault) -> web.Response | None:
        """The answer that a fault puts in place of the real one; None when it only damages that."""
        if fault.kind == "429":
            return self._limited(self.limit.per_minute or 400, request, 429, fault.retry_after)
        if fault.kind == "unauthenticated":
            return self._json({"error": "Unauthenticated."}, request)
        if fault.kind == "errors":
            return self._json({"errors": [{"message": fault.message}], "data": None}, request)
        if fault.kind == "500":
            return self._json({"message": "Server Error"}, request, status=500)
        if fault.kind == "html":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return web.Response(
                text=_PROXY_PAGE.format(status=fault.status),
                status=fault.status,
                content_type="text/html",
                headers=headers,
            )
        return None

    def _limited(self, limit: int, request: web.Request, status: int, retry_after: int | None = None) -> web.Response:
        response = self._json({"error": f"Request limit of {limit}/min reached."}, request, status=status)
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def _json(self, answer: dict[str, Any], request: web.Request, *, status: int = 200) -> web.Response:
        body = orjson.dumps(answer)
        headers = {"Date": format_datetime(self.clock(), usegmt=True), "Content-Type": "application/json"}
        if len(body) > _WORTH_PACKING and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1), "gzip"
        return web.Response(body=body, status=status, headers=headers)


def _make_partial(answer: dict[str, Any]) -> None:
    """Null every second root row, as a server does that failed on some of them."""
    hit = 0
    for connection in (answer.get("data") or {}).values():
        entities = connection.get("entities") if isinstance(connection, dict) else None
        for place in range(0, len(entities or ()), 2):
            assert entities is not None
            entities[place] = None
            hit += 1
    answer["errors"] = [*answer.get("errors", ()), {"message": f"{hit} entities could not be resolved."}]


async def _cut_off(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    """Promise the whole body, send half of it, close the connection."""
    assert isinstance(whole, web.Response)
    body = bytes(whole.body or b"")  # type: ignore[arg-type]  # always bytes: made by `_json`
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
