"""The receiver of Sonar's webhooks: HEAD and POST, answered with 200 at once. They are hints, and may all be lost.

Sonar signs nothing and knows no secret: who may speak knows the path (`webhook.secret`). Anything but 200 makes Sonar
try again each minute for hours, so what is of no use is answered in the same way.
"""

import asyncio
import hmac
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from plumbing import metrics
from plumbing.errors import ConfigurationError
from plumbing.settings import WebhookSettings

log = structlog.get_logger()

LARGEST = 1024 * 1024
"""Bytes of a message that are read: Sonar sends the whole row, and texts in it may be long."""
_SECONDS = 10.0
"""In which a message has to arrive."""
_TOO_LARGE, _TOO_SLOW, _REFUSED = "too_large", "too_slow", "refused"
metrics.preset(metrics.WEBHOOKS, (_TOO_LARGE, _TOO_SLOW, _REFUSED))


class WebhookServer:
    """Listens while it is entered, where the settings say so; hands each body to `take`."""

    def __init__(self, settings: WebhookSettings, take: Callable[[bytes], object]) -> None:
        self._settings, self._take = settings, take
        secret = settings.secret
        self._path = "" if secret is None else f"/{secret.get_secret_value()}"
        self._runner: web.ServerRunner | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        """Raises:
        ConfigurationError: the address cannot be bound.
        """
        if self._settings.enabled:
            # No access log: the path is the secret.
            self._runner = web.ServerRunner(web.Server(self._answer, access_log=None))
            await self._runner.setup()
            host, port = self._settings.host, self._settings.port
            try:
                await web.TCPSite(self._runner, host, port).start()
            except OSError as exc:
                await self._runner.cleanup()
                raise ConfigurationError(
                    f"webhooks cannot be received at {host}:{port}: {exc.strerror}",
                    remedy="Give another webhook.host or webhook.port, or end what listens there.",
                ) from exc
            self.port = int(self._runner.addresses[0][1])
            log.info("capture.webhook_listening", host=host, port=self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if not hmac.compare_digest(request.path.encode(), self._path.encode()):
            metrics.WEBHOOKS.labels(_REFUSED).inc()
            return web.Response(status=404)
        if request.method == "POST":
            await self._read(request)
        elif request.method != "HEAD":
            return web.Response(status=405, headers={"Allow": "HEAD, POST"})
        return web.Response()

    async def _read(self, request: web.BaseRequest) -> None:
        body = bytearray()
        try:
            async with asyncio.timeout(_SECONDS):
                async for part in request.content.iter_any():
                    body += part
                    if len(body) > LARGEST:
                        metrics.WEBHOOKS.labels(_TOO_LARGE).inc()
                        return
        except TimeoutError:
            metrics.WEBHOOKS.labels(_TOO_SLOW).inc()
            return
        self._take(bytes(body))
