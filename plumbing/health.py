"""/metrics, /healthz and /readyz of one process, on loopback unless the settings say otherwise."""

import asyncio
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from plumbing import metrics
from plumbing.errors import ConfigurationError

Check = Callable[[], dict[str, str]]
"""Returns what is wrong, by name; empty when all is well. Called at each request, must be quick."""


def _nothing_wrong() -> dict[str, str]:
    return {}


def _nothing() -> None:
    """Most processes' metrics are up to date by themselves."""


class HealthServer:
    """Serves the three addresses from a daemon thread.

    `healthz` is 503 when the process should be restarted, `readyz` also when it is not (or not yet) at work. Entered in
    an event loop, both are 503 while the loop has not turned for `patience_seconds`: this thread would answer for ever.
    `refresh` is called before `/metrics` is answered; it must be quick.

    Raises:
        ConfigurationError: the port is taken, or the address is none of this machine.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        alive: Check = _nothing_wrong,
        ready: Check = _nothing_wrong,
        refresh: Callable[[], None] = _nothing,
        patience_seconds: float = 30.0,
        registry: CollectorRegistry = metrics.REGISTRY,
    ) -> None:
        health = self

        class Handler(BaseHTTPRequestHandler):
            server_version = "crossfade"
            sys_version = ""

            def do_GET(self) -> None:  # the name is the base class's
                if self.path == "/metrics":
                    refresh()
                    self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                elif self.path in {"/healthz", "/readyz"}:
                    wrong = {**health._hanging(), **alive(), **(ready() if self.path == "/readyz" else {})}
                    self._answer(503 if wrong else 200, orjson.dumps({"wrong": wrong}), "application/json")
                else:
                    self._answer(404, b"{}", "application/json")

            def _answer(self, status: int, body: bytes, content_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Scrapes are not events."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as exc:
            raise ConfigurationError(
                f"cannot serve health and metrics at {host}:{port}: {exc.strerror}",
                remedy="Another process has the port, a second one of this stage perhaps: give another, or 0 for any"
                " free one, in the settings: http.capture_port, http.process_port, http.sink_port; see http.host, too.",
            ) from exc
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._patience = patience_seconds
        self._turned: float | None = None
        self._next: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._turn(asyncio.get_running_loop())
        except RuntimeError:
            pass  # a process whose loop begins later, and which has a watchdog of its own
        return self

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turned = time.monotonic()
        metrics.LOOP_TURNED.set_to_current_time()
        self._next = loop.call_later(min(1.0, self._patience / 4), self._turn, loop)

    def _hanging(self) -> dict[str, str]:
        since = 0.0 if self._turned is None else time.monotonic() - self._turned
        return {"loop": f"has not turned for {since:.0f} s"} if since > self._patience else {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._next is not None:
            self._next.cancel()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
