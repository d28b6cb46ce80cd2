"""A port before a server, where a network fails: bytes come late, lines are dead and look alive."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

HELD_SECONDS = 50.0
"""A dead line is reset after so long: much later than any deadline, and before a test would wait for ever."""


class Fate(Enum):
    """What becomes of the line on which bytes are sent."""

    LOST = "it is dead before they arrive"
    UNANSWERED = "it is dead when they have arrived"
    CUT = "it is reset"


@dataclass(eq=False)
class Line:
    """One connection through the gate."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    is_dead: bool = False
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)


class Gate:
    """Forwards to `host:port`. `meddle` is asked at each sending of the near side: a fate, or seconds to wait.

    A broker tells its clients where it is: they are told the gate instead.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._far_port = host, port
        self.port = 0
        self.outlived = 0
        """Dead lines whose near side still waited for an answer when they were reset."""
        self.meddle: Callable[[], Fate | float] = lambda: 0.0
        self._lines: list[Line] = []

    @staticmethod
    @asynccontextmanager
    async def before(host: str, port: int) -> AsyncIterator["Gate"]:
        """Open; every line is reset at the end."""
        gate = Gate(host, port)
        server = await asyncio.start_server(gate._enter, "127.0.0.1", 0)
        gate.port = server.sockets[0].getsockname()[1]
        try:
            yield gate
        finally:
            server.close()
            for line in gate._lines:
                gate._reset(line)
            ended = [task for line in gate._lines for task in line.tasks]
            await asyncio.gather(*ended, return_exceptions=True)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._far_port)
        line = Line(writer, far_writer)
        self._lines.append(line)
        line.tasks = [
            asyncio.create_task(self._there(reader, line)), asyncio.create_task(self._back(far_reader, line)),
        ]  # fmt: skip

    async def _there(self, reader: asyncio.StreamReader, line: Line) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                fate = self.meddle()
                if fate is Fate.CUT:
                    break
                if isinstance(fate, float):
                    await asyncio.sleep(fate)
                if fate is not Fate.LOST:
                    line.is_dead |= fate is Fate.UNANSWERED
                    line.far.write(data)
                    await line.far.drain()
                if isinstance(fate, Fate):
                    line.is_dead = True
                    await self._hold(reader)
                    break
        self._reset(line)

    async def _hold(self, reader: asyncio.StreamReader) -> None:
        """Until a dead line is reset. What is sent on it goes nowhere."""
        is_given_up = False
        with suppress(TimeoutError):
            async with asyncio.timeout(HELD_SECONDS):
                while await reader.read(65536):
                    """It is still used."""
                is_given_up = True
                await asyncio.sleep(HELD_SECONDS)
        self.outlived += not is_given_up

    async def _back(self, reader: asyncio.StreamReader, line: Line) -> None:
        place = self._host.encode() + self._far_port.to_bytes(4, "big")
        here = self._host.encode() + self.port.to_bytes(4, "big")
        with suppress(OSError):
            while data := await reader.read(65536):
                if not line.is_dead:
                    line.near.write(data.replace(place, here))
                    await line.near.drain()
        if not line.is_dead:
            line.near.close()

    def _reset(self, line: Line) -> None:
        for side in (line.near, line.far):
            side.transport.abort()
        for task in line.tasks:
            if task is not asyncio.current_task():
                task.cancel()
