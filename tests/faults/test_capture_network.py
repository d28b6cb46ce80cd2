"""Lines that are slow, dead, cut or lead nowhere, between capture at work and Sonar, and between it and Kafka."""

import asyncio
import random
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from plumbing import kafka
from plumbing.settings import Settings
from producers.capture import run_capture
from tests.faults.gate import Fate, Gate
from tests.faults.seeds import seeds
from tests.faults.steps import after, before
from tests.integration.capture.conftest import TYPES, Site, assert_topics_equal_sonar

DEADLINE = 1.0
"""Seconds, of a call to either."""
IMPATIENT: dict[str, Any] = {"socket.timeout.ms": 1000 * DEADLINE, "log_level": 2}
NAME = "sonar.invalid"
STRIKES = 2
PATIENCE_SECONDS = 150
"""A row that a line took too long for is left alone for a minute."""


class Network:
    """What becomes of what is sent on a line once capture is at work, and of a name that nobody knows for a while."""

    def __init__(self, seed: int, patches: pytest.MonkeyPatch) -> None:
        self._chance, self._kind = random.Random(seed), (self._slow, self._dead, self._cut)[seed // 2 % 3]
        self._begun, self._flushing, self._unknown, self.strikes = False, 0, 0, STRIKES
        look_up = socket.getaddrinfo

        def looking_up(host: Any, *args: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name == NAME and self._unknown:
                self._unknown -= 1
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return look_up("127.0.0.1" if name == NAME else host, *args, **options)

        patches.setattr(socket, "getaddrinfo", looking_up)
        # Else a name is not asked for again for ten seconds.
        patches.setattr("aiohttp.connector._DNSCacheTable.expired", lambda *_: True)
        # Before all is open, whoever starts it starts it again.
        after(patches, "producers.signals.Signals.__init__", self._begin)
        before(patches, "plumbing.kafka.AckedProducer.flush", lambda: self._flush(1))
        after(patches, "plumbing.kafka.AckedProducer.flush", lambda: self._flush(-1))

    def _begin(self) -> None:
        self._begun = True

    def _flush(self, step: int) -> None:
        self._flushing += step

    def bus(self) -> Fate | float:
        """Asked at each sending to Kafka: what is struck is nearly always a message."""
        return self.sonar() if self._flushing else 0.0

    def sonar(self) -> Fate | float:
        """Asked at each sending to Sonar."""
        if not self._begun or not self.strikes or self._chance.random() > 0.3:
            return 0.0
        self.strikes -= 1
        return self._kind()

    def _slow(self) -> Fate | float:
        # Two seconds: the call is past its deadline, and is done all the same.
        return 2 * DEADLINE

    def _dead(self) -> Fate | float:
        return self._chance.choice([Fate.LOST, Fate.UNANSWERED])

    def _cut(self) -> Fate | float:
        self._unknown = self._chance.randint(1, 4)
        return Fate.CUT


def through(site: Site, sonar: Gate, bus: Gate) -> Settings:
    """The site's settings with both addresses behind gates."""
    moved = {"url": f"http://{NAME}:{sonar.port}", "timeout_seconds": DEADLINE}
    return site.settings.model_copy(
        update={
            "sonar": site.settings.sonar.model_copy(update=moved),
            "kafka": site.settings.kafka.model_copy(update={"bootstrap": f"127.0.0.1:{bus.port}"}),
        }
    )


async def told(site: Site, capture: "asyncio.Task[Any]", network: Network) -> None:
    """Wait until everything that was to happen has, and the topics tell what Sonar has."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            assert not capture.done(), capture
            try:
                await asyncio.to_thread(assert_topics_equal_sonar, site)
            except AssertionError:
                await asyncio.sleep(0.2)
            else:
                if not network.strikes:
                    break


@pytest.mark.fault(32)
@seeds(
    30,
    guards={"a question to Sonar has a deadline": 3, "what was lost on its way to Kafka is sent again": 2},
)
async def test_behind_slow_dead_and_unknown_lines_capture_goes_on_and_tells_each_change_once(
    make_site: Callable[..., Site], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the snapshot and then in following; on odd seeds the line to Sonar, on even ones that to Kafka.

    Two seconds late, half-open, or cut; then nobody knows Sonar's name for a while.
    """
    site = make_site(accounts=6)
    config = kafka.client_config
    monkeypatch.setattr("plumbing.kafka.client_config", lambda of: config(of) | IMPATIENT)
    monkeypatch.setattr("tests.faults.gate.HELD_SECONDS", 8.0)
    network, stop = Network(seed, monkeypatch), asyncio.Event()
    at, broker = urlsplit(site.settings.sonar.url), urlsplit(f"//{site.settings.kafka.bootstrap}")
    async with (
        Gate.before(str(at.hostname), int(at.port or 80)) as sonar,
        Gate.before(str(broker.hostname), int(broker.port or 0)) as bus,
    ):
        if seed % 2:
            sonar.meddle = network.sonar
        else:
            bus.meddle = network.bus
        capture = asyncio.create_task(run_capture(through(site, sonar, bus), stop=stop))
        await told(site, capture, network)
        network.strikes = STRIKES
        for number in range(1, 7):
            site.change("update", "Account", id=number, columns={"name": f"Renamed {number}"})
            await asyncio.sleep(0.3)
        await told(site, capture, network)
        stop.set()
        await capture  # by itself: no error ended it, and nobody started it again
        assert (sonar.outlived, bus.outlived) == (0, 0)  # each call had its deadline
    for name in TYPES:
        events = [(one.sonar_id, one.op, orjson.dumps(one.after, default=str)) for one in site.events(name)]
        assert len(events) == len(set(events)), name
