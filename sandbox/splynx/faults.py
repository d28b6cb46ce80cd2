"""Faults on demand: a queue of what the next matching requests meet."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.splynx.problems import bad_request

KINDS = frozenset({"delay_before", "delay_after_commit", "500", "429", "reset_after_commit", "reset_before", "html"})


@dataclass(eq=False)
class Fault:
    """What happens to the next `times` requests whose method and path match."""

    kind: str
    path: str = ".*"
    method: str = "*"
    times: int = 1
    seconds: float = 0.0
    retry_after: int | None = None

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Fault":
        """Raises: Problem: 400, an unknown kind or member."""
        try:
            fault = cls(**given)
            re.compile(fault.path)
        except (TypeError, re.error):
            raise bad_request("Unknown fault!") from None
        if fault.kind not in KINDS:
            raise bad_request("Unknown fault!")
        return fault

    def meets(self, request: web.Request) -> bool:
        return self.method in ("*", request.method) and re.search(self.path, request.path) is not None


class Faults:
    """The queue, first in first served."""

    def __init__(self) -> None:
        self.queue: list[Fault] = []

    def take(self, request: web.Request) -> Fault | None:
        """The fault that this request meets; it counts as spent."""
        for fault in self.queue:
            if fault.meets(request):
                fault.times -= 1
                if fault.times <= 0:
                    self.queue.remove(fault)
                return fault
        return None

    def put_back(self, fault: Fault) -> None:
        """The fault still waits for its request."""
        fault.times += 1
        if fault not in self.queue:
            self.queue.insert(0, fault)

    async def around(
        self, request: web.Request, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer a request, with the fault that waits for it."""
        fault = self.take(request) if self.queue else None
        if fault is None:
            return await answer(request)
        if fault.kind == "500":
            return web.Response(
                status=500,
                text='{"error":{"message":"Server error!","code":500,"internal_code":"SERVER_ERROR"}}',
                content_type="application/json",
            )
        if fault.kind == "429":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return web.Response(status=429, text="Too Many Requests", headers=headers)
        if fault.kind == "html":
            return web.Response(text="<html><body><h1>Maintenance</h1></body></html>", content_type="text/html")
        if fault.kind == "reset_before":
            return _reset(request)
        if fault.kind == "delay_before":
            if request.content_type != "multipart/form-data":
                # The product's web server has the whole request before PHP starts: a client may be gone by then.
                await request.read()
            await asyncio.sleep(fault.seconds)
            return await answer(request)
        response = await answer(request)
        if response.status >= 400:  # a nonce out of its turn, say: nothing was committed
            self.put_back(fault)
            return response
        if fault.kind == "delay_after_commit":
            await asyncio.sleep(fault.seconds)
            return response
        return _reset(request)


def _reset(request: web.Request) -> web.Response:
    """Cut the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
