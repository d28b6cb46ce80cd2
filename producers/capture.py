"""The capture process: from the settings to the lease, and what it is asked to do under it."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

import structlog

from clients.sonar import SonarClient
from clients.sonar_ending import SonarEnded
from plumbing.errors import ConfigurationError
from plumbing.garbage import collect_seldom
from plumbing.health import HealthServer
from plumbing.memory import share_one_arena
from plumbing.reading import require_topic
from plumbing.settings import Settings
from plumbing.shares import Share
from producers.capturing import Capture
from producers.ending import given_up_after
from producers.lease import Lease, LeaseHeld
from producers.orders import Order
from producers.pace import rest
from producers.signals import Accepted, Signal, send
from producers.summary import CaptureSummary
from schemas.catalogue import captured
from schemas.topics import Topics

log = structlog.get_logger()

_PATIENCE_SECONDS = 20.0


async def run_capture(
    settings: Settings,
    *,
    completing: bool = True,
    order: Order | None = None,
    follow: bool = True,
    until_snapshot: bool = False,
    stop: asyncio.Event | None = None,
    accept_deletes: list[str] | None = None,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> CaptureSummary:
    """Run capture until `stop`; without `follow`, or with `until_snapshot`, until the snapshot and one poll are done.

    `completing`: read what was never read in full; only where there is no `order`.
    `order`: what is to be read again; it says itself which aggregates. Following always covers all of them.
    `accept_deletes`: collections whose deletes, held by the brake, are meant.
    An order, and what is accepted, is handed to the process that holds the lease, where there is one.
    `patience_seconds`: how long a run that would end waits for the lease (an endless one waits for ever).

    Raises:
        LeaseHeld: another process is at work, and this run would not wait for ever (`follow`).
        TopicMissing: see `crossfade topics`.
        ConfigurationError: a subject is missing, Sonar lacks a required field, an order names what is not
            captured.
        SyncError: Sonar or Kafka failed for longer than retries last; start again to resume.
    """
    collect_seldom()
    share_one_arena()  # twenty MB less: threads in turn send what others read
    stop = stop or asyncio.Event()
    check_captured(settings.sonar.leave_out, () if order is None else order.names)
    check_accepted(settings, accept_deletes or ())
    began = time.monotonic()
    state = {"lease": "not held yet"}
    endless = follow and not until_snapshot
    signal: Signal | None = Accepted(accept_deletes) if accept_deletes else order
    waits_for_ever = endless and signal is None
    if not waits_for_ever:
        # Nobody holds the lease of topics that are not there: to wait for it would end with a wrong reason.
        await asyncio.to_thread(require_topic, settings.kafka, Topics(settings.instance).lease)
    with ExitStack() as served, Lease(settings.kafka, Topics(settings.instance)) as lease:

        def serve() -> None:
            http = settings.http
            served.enter_context(HealthServer(http.host, http.capture_port, ready=lambda: dict(state)))

        if waits_for_ever:
            serve()  # it tells that it stands by
        try:
            if not await lease.acquire(stop, None if waits_for_ever else patience_seconds):
                return CaptureSummary(seconds=time.monotonic() - began)
        except LeaseHeld:
            if signal is None:
                raise
            signal_id = await asyncio.to_thread(send, settings.kafka, settings.instance, signal)
            log.info("capture.handed_over", signal_id=signal_id)
            return CaptureSummary(signal_id=signal_id, seconds=time.monotonic() - began)
        if not waits_for_ever:
            serve()  # not before: the process that holds the lease may be one of this machine, with the same port
        state.clear()
        share = served.enter_context(Share(settings.kafka, Topics(settings.instance).asking))
        async with SonarClient(settings.sonar, share.part) as client, given_up_after(stop, client.ending):
            if endless:
                await rest(client, stop, lease.check)
            try:
                capture = None if stop.is_set() else await Capture.open(settings, client, lease)
            except SonarEnded:
                capture = None
            if capture is None:
                return CaptureSummary(seconds=time.monotonic() - began)
            if accept_deletes:
                await capture.accept_deletes(accept_deletes)
            summary = await capture.run(
                completing=completing and order is None, order=order, endless=endless, stop=stop
            )
    summary.seconds = time.monotonic() - began
    return summary


def check_captured(leave_out: Sequence[str], names: Iterable[str]) -> None:
    """See that these are aggregates which are captured, where `leave_out` is not.

    Raises:
        ConfigurationError: one is not.
    """
    known = [one.name for one in captured(leave_out)]
    if unknown := sorted(set(names) - set(known)):
        raise ConfigurationError(
            f"nothing called {', '.join(unknown)} is captured here", remedy=f"Captured are {', '.join(known)}."
        )


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
