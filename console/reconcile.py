"""`crossfade reconcile`: look, let every stage pass a later watermark, look again; what stands both times is found."""

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from types import FrameType

from console.progress import Progress
from console.reconciled import Reconciled, result_of
from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import Action, SyncError
from plumbing.folders import writable
from plumbing.kafka import reach_broker
from plumbing.kept import keep
from plumbing.logs import get_logger
from plumbing.settings import Settings
from reconciliation.comparison import Tell, open_comparison, tell_nobody
from reconciliation.confirmation import confirm
from reconciliation.facts import TRANSACTION
from reconciliation.findings import CHECKS
from schemas.catalogue import TARGETS

log = get_logger("reconcile")

STAGE = "reconcile"
_LOOK_SECONDS = 1.0


def run(settings: Settings, *, wait_seconds: float, tell: Tell = tell_nobody) -> Reconciled:
    """Reconcile a whole pair, and keep its outcome in the metrics, for the sink to tell.

    Raises:
        ConfigurationError: the outcome could not be kept.
        SyncError: one of the ends, Kafka or the ledger cannot be read.
    """
    writable(settings.state_dir)  # before, not after a long comparison
    reach_broker(settings.kafka)
    stop = threading.Event()

    async def passed(read_at: datetime) -> bool:
        return await asyncio.to_thread(wait_for_stages, settings, read_at, wait_seconds, stop)

    async def work() -> Reconciled:
        try:
            async with open_comparison(settings, tell) as comparison:
                return await result_of(comparison, await confirm(comparison, passed))
        finally:
            stop.set()  # else ctrl-C would wait for the thread

    result = asyncio.run(work())
    measure(result)
    keep(settings.state_dir)
    return result


def repeat(minutes: float, once: Callable[[], object]) -> None:
    """Reconcile again and again until SIGTERM or ctrl-C. Nothing is written, so it ends at once.

    Raises:
        SyncError: the set-up is wrong. What may pass is counted and tried again the next time.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        while True:
            try:
                once()
            except SyncError as exc:
                if exc.action is not Action.RETRY:
                    raise
                log.warning("reconcile.put_off", error=exc.code)
            time.sleep(minutes * 60)
    except KeyboardInterrupt:
        return


def measure(result: Reconciled) -> None:
    """Set the metrics to an outcome: every kind of finding, those without any too."""
    counts = Counter((one.check, one.entity) for one in result.findings if one.confirmed)
    for check in CHECKS:
        for entity in (*TARGETS, TRANSACTION):
            metrics.FINDINGS.labels(check, entity).set(counts[(check, entity)])
    metrics.RECONCILED_SECONDS.set(utc_now().timestamp())
    metrics.LAST_SUCCESS.labels(STAGE).set(utc_now().timestamp())


def wait_for_stages(settings: Settings, read_at: datetime, wait_seconds: float, stop: threading.Event) -> bool:
    """Whether, within the time and before `stop`, every stage has passed a watermark that covers `read_at`.

    `read_at` is by Sonar's clock.
    """
    deadline = time.monotonic() + wait_seconds
    progress = Progress(settings)
    ends = None
    try:
        while time.monotonic() < deadline and not stop.is_set():
            if ends is None:
                # The watermark trails Sonar's clock by the safety lag: one published later may still not cover it.
                later = [one for one in progress.watermarks() if one.source_time >= read_at]
                if later and progress.processors_passed(later[0]):
                    ends = progress.bundle_ends()
            if ends is not None and progress.sinks_passed(ends):
                return True
            stop.wait(_LOOK_SECONDS)
    finally:
        progress.close()
    return False
