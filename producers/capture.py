"""The capture process: from the settings to the lease, and what it is asked to do under it."""

import asyncio
import gc
import time
from collections.abc import Iterable

import structlog

from clients.sonar import SonarClient
from plumbing.errors import ConfigurationError
from plumbing.health import HealthServer
from plumbing.settings import Settings
from producers.capturing import Capture, CaptureSummary, SnapshotWish, rest
from producers.lease import Lease, LeaseHeld
from producers.signals import ACCEPT_DELETES, SNAPSHOT, Signal, send
from schemas.catalogue import captured
from schemas.topics import Topics

log = structlog.get_logger()

_PATIENCE_SECONDS = 20.0
_ALLOCATIONS_PER_COLLECTION = 50_000


async def run_capture(
    settings: Settings,
    *,
    snapshot: SnapshotWish | None = "auto",
    follow: bool = True,
    until_snapshot: bool = False,
    stop: asyncio.Event | None = None,
    only: list[str] | None = None,
    accept_deletes: list[str] | None = None,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> CaptureSummary:
    """Run capture until `stop`; without `follow`, or with `until_snapshot`, until the snapshot and one poll are done.

    `snapshot`: "auto" completes what was never completed, "force" reads all again, None reads nothing.
    `only`: names of aggregates for the snapshot; following always covers all of them.
    `accept_deletes`: collections whose deletes, held by the brake, are meant.
    A forced snapshot, and what is accepted, is handed to the process that holds the lease, where there is one.
    `patience_seconds`: how long a run that would end waits for the lease (an endless one waits for ever).

    Raises:
        LeaseHeld: another process is at work, and this run would not wait for ever (`follow`).
        ConfigurationError: a topic or subject is missing, Sonar lacks a required field.
        SyncError: Sonar or Kafka failed for longer than retries last; start again to resume.
    """
    collect_seldom()
    stop = stop or asyncio.Event()
    names = [one.name for one in captured(settings.sonar.leave_out)]
    if unknown := set(only or ()) - set(names):
        raise ConfigurationError(
            f"nothing called {', '.join(sorted(unknown))} is captured here", remedy=f"Captured are {', '.join(names)}."
        )
    check_accepted(settings, accept_deletes or ())
    began = time.monotonic()
    state = {"lease": "not held yet"}
    with (
        HealthServer(settings.http.host, settings.http.capture_port, ready=lambda: dict(state)),
        Lease(settings.kafka, Topics(settings.instance)) as lease,
    ):
        endless = follow and not until_snapshot
        signal = Signal(ACCEPT_DELETES, accept_deletes) if accept_deletes else None
        if signal is None and snapshot == "force":
            signal = Signal(SNAPSHOT, [name for name in names if only is None or name in only])
        try:
            if not await lease.acquire(stop, None if endless and signal is None else patience_seconds):
                return CaptureSummary(seconds=time.monotonic() - began)
        except LeaseHeld:
            if signal is None:
                raise
            signal_id = await asyncio.to_thread(send, settings.kafka, settings.instance, signal)
            log.info("capture.handed_over", signal_id=signal_id, signal=signal.kind, names=signal.names)
            return CaptureSummary(signal_id=signal_id, seconds=time.monotonic() - began)
        state.clear()
        async with SonarClient(settings.sonar) as client:
            if endless:
                await rest(client, stop)
            if stop.is_set():
                return CaptureSummary(seconds=time.monotonic() - began)
            capture = await Capture.open(settings, client, lease)
            if accept_deletes:
                await capture.accept_deletes(accept_deletes)
            summary = await capture.run(snapshot=snapshot, endless=endless, stop=stop, only=only)
    summary.seconds = time.monotonic() - began
    return summary


def check_accepted(settings: Settings, collections: Iterable[str]) -> None:
    """See that deletes can be accepted of these collections.

    Raises:
        ConfigurationError: one is not followed.
    """
    aggregates = captured(settings.sonar.leave_out)
    known = {one.root.name for one in aggregates if not one.root.singleton}
    known |= {touch.collection for one in aggregates for touch in one.touched_by}
    if unknown := sorted(set(collections) - known):
        raise ConfigurationError(
            f"no collection called {', '.join(unknown)} is followed", remedy=f"Followed are {', '.join(sorted(known))}."
        )


def collect_seldom() -> None:
    """Let the garbage collector look less often: rows come and go as trees without cycles (13 % of capture's CPU)."""
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, 20, 100)
