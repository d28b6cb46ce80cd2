"""The client of Sonar in a process that is to end: nobody waits for an answer any more, and nothing is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from clients.sonar import SonarClient
from clients.sonar_ending import SonarEnded
from plumbing.errors import ExitCode
from tests.unit.clients_sonar.test_manners import DOCUMENT, Line, Response, a_client


class Silent(Line):
    """A Sonar that takes the request and says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    def post(self, url: str, data: bytes) -> Response:
        self.asked.set()
        return Mute(super().post(url, data)._answer)


class Mute(Response):
    async def read(self) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError


async def silent() -> tuple[SonarClient, "asyncio.Task[Any]"]:
    """A request that waits for its answer."""
    line = Silent()
    client = a_client(line)
    asking = asyncio.create_task(client.query(DOCUMENT))
    await line.asked.wait()
    return client, asking


async def between_attempts() -> tuple[SonarClient, "asyncio.Task[Any]"]:
    """One that waits for its next attempt, a minute later."""
    client = a_client(Line((429, {"Retry-After": "60"}, b"{}")))
    asking = asyncio.create_task(client.query(DOCUMENT, attempts=5))
    for _ in range(50):
        await asyncio.sleep(0)
    assert client.requests == 1
    return client, asking


@pytest.mark.parametrize("waiting", [silent, between_attempts])
async def test_who_waits_for_sonar_waits_no_longer(waiting: Callable[[], Any]) -> None:
    client, asking = await waiting()
    client.ending.give_up()
    with pytest.raises(SonarEnded) as ended:
        await asking
    assert ended.value.exit_code is ExitCode.TRY_LATER


async def test_nothing_is_asked_any_more() -> None:
    line = Line()
    client = a_client(line)
    await client.query(DOCUMENT)
    client.ending.give_up()
    with pytest.raises(SonarEnded):
        await client.query(DOCUMENT)
    assert line.sent == 1


async def test_what_failed_before_is_told_as_it_is() -> None:
    client = a_client(Line(aiohttp.ClientConnectionError()))
    with pytest.raises(Exception, match="no whole answer"):
        await client.query(DOCUMENT)
