"""Lines that are slow, dead, cut or lead nowhere, between the processors and Kafka or the schema registry."""

import asyncio
import random
import shutil
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from plumbing import kafka
from plumbing.errors import Action, SyncError
from plumbing.settings import Settings
from processors.batch import process_batch
from tests.faults.alarms import rings
from tests.faults.gate import Fate, Gate
from tests.faults.processes import Processes
from tests.faults.seeds import seeds
from tests.integration.capture.conftest import Site
from tests.integration.processors.conftest import MAPPED, RULES, bundles, caught_up

DEADLINE = 1.0
"""Seconds, of a call to either."""
IMPATIENT: dict[str, Any] = {"socket.timeout.ms": 1000 * DEADLINE, "log_level": 2}
NAME = "registry.invalid"
STRIKES = 3
"""After so many the line to the broker is whole."""
STARTS = 20


class Network:
    """What becomes of what is sent on both lines, and of a name that nobody knows for a while."""

    def __init__(self, seed: int, patches: pytest.MonkeyPatch) -> None:
        self._chance, self._unknown = random.Random(seed), seed % 3
        self.strikes, self._until_asked = STRIKES, self._chance.randint(1, 8)
        look_up = socket.getaddrinfo

        def looking_up(host: Any, *args: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name == NAME and self._unknown:
                self._unknown -= 1
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return look_up("127.0.0.1" if name == NAME else host, *args, **options)

        patches.setattr(socket, "getaddrinfo", looking_up)

    def broker(self) -> Fate | float:
        """A third of what is sent there is late, lost, not answered or cut."""
        if not self.strikes or self._chance.random() > 0.3:
            return 0.0
        self.strikes -= 1
        fates: list[Fate | float] = [*Fate, 2 * DEADLINE]
        return self._chance.choice(fates)

    def registry(self) -> Fate | float:
        """One question is not answered."""
        self._until_asked -= 1
        return self._chance.choice([Fate.LOST, Fate.UNANSWERED]) if not self._until_asked else 0.0

    @property
    def is_whole(self) -> bool:
        """Everything that was to happen has."""
        return not self.strikes and self._until_asked <= 0


async def supervised(settings: Settings) -> set[Action]:
    """The batch engine to the end of the topics, started again after each error; what those ask for."""
    told: set[Action] = set()
    for _ in range(STARTS):
        try:
            await asyncio.to_thread(process_batch, settings, until_end=True)
        except SyncError as exc:
            told.add(exc.action)
        else:
            break
    return told


async def alive(processes: Processes, settings: Settings, is_done: Callable[[], bool]) -> None:
    """The same of the live engine, as a process. Its dead lines are reset after some seconds, as by a system."""
    for _ in range(STARTS):
        processes.start("process", settings, client=IMPATIENT)
        if await asyncio.to_thread(processes.is_alive_until, is_done):
            break


@pytest.mark.fault(32)
@rings(heals="each call ends at its deadline, and is made again")
@seeds(30, guards={"a call to the registry has a deadline": 1})
async def test_processors_behind_slow_dead_and_unknown_lines_give_each_event_its_bundle(
    make_site: Callable[..., Site], seed: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """By the live engine on each third seed."""
    site = make_site(accounts=6)
    shutil.copy(RULES, site.settings.rules)
    await asyncio.to_thread(site.capture)
    config = kafka.client_config
    monkeypatch.setattr("plumbing.kafka.client_config", lambda of: config(of) | IMPATIENT)
    monkeypatch.setattr("plumbing.avro._TIMEOUT_SECONDS", DEADLINE)
    network = Network(seed, monkeypatch)
    broker, registry = urlsplit(f"//{site.settings.kafka.bootstrap}"), urlsplit(site.settings.registry.url)
    async with (
        Gate.before(str(broker.hostname), int(broker.port or 0)) as bus,
        Gate.before(str(registry.hostname), int(registry.port or 80)) as schemas,
    ):
        bus.meddle, schemas.meddle = network.broker, network.registry
        host = NAME if seed % 3 else "127.0.0.1"
        url, bootstrap = f"http://{host}:{schemas.port}{registry.path}", f"127.0.0.1:{bus.port}"
        settings = site.settings.model_copy(
            update={
                "kafka": site.settings.kafka.model_copy(update={"bootstrap": bootstrap}),
                "registry": site.settings.registry.model_copy(update={"url": url}),
            }
        )
        if seed % 3:
            assert await supervised(settings) <= {Action.RETRY}
            assert (bus.outlived, schemas.outlived) == (0, 0)  # each call had its deadline
        else:
            monkeypatch.setattr("tests.faults.gate.HELD_SECONDS", 8.0)
            await alive(request.getfixturevalue("processes"), settings, lambda: caught_up(site))
    assert network.is_whole
    assert caught_up(site)
    for name in MAPPED:
        events = {(one.partition(), one.offset()) for one in site.messages(site.topics.sonar(name))}
        made = {(one.origin.partition, one.origin.offset, one.hash) for one in bundles(site, name)}
        # What was published again says the same.
        assert sorted(place for *place, _ in made) == sorted([*one] for one in events)
