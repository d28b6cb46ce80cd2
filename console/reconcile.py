"""`crossfade reconcile`: look, let every stage pass a later watermark, look again; what stands both times is found."""

import asyncio
import csv
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from console.output import table
from console.progress import Progress
from plumbing.errors import ExitCode
from plumbing.settings import Settings
from reconciliation.comparison import Comparison, compare
from reconciliation.findings import Finding, lasting

_LOOK_SECONDS = 1.0
_LOOKS = 3
_SHOWN = 30


@dataclass(frozen=True)
class Reconciled:
    """The last look, and what differs in it."""

    comparison: Comparison
    findings: Sequence[Finding]

    @property
    def exit_code(self) -> ExitCode:
        """0 when both ends agree, 3 for a difference that lasts, 75 when no watermark came to tell."""
        if any(one.confirmed for one in self.findings):
            return ExitCode.FOUND
        return ExitCode.TRY_LATER if self.findings else ExitCode.DONE

    def document(self) -> dict[str, Any]:
        """`{equal, read_at, customers, statuses, payments, payments_minor, findings}`; pairs are Sonar, Splynx."""
        expected, actual = self.comparison.expected, self.comparison.actual
        return {
            "equal": not self.findings,
            "read_at": self.comparison.read_at.isoformat(),
            "customers": [len(expected.statuses), len(actual.statuses)],
            "statuses": {
                status: [int(expected.status_counts.get(status, 0)), int(actual.status_counts.get(status, 0))]
                for status in sorted({*expected.status_counts, *actual.status_counts})
            },
            "payments": [len(expected.payments), len(actual.payments)],
            "payments_minor": [expected.payments_minor, actual.payments_minor],
            "findings": [row_of(one) for one in self.findings],
        }


async def reconcile(
    look: Callable[[], Awaitable[Comparison]], passed: Callable[[datetime], Awaitable[bool]]
) -> Reconciled:
    """Compare until nothing differs, or until the same differences stood before and after a later watermark.

    `passed(read_at)` waits until every stage has passed a watermark later than that read; False: none came in time.
    On a moving source the second look may differ in other places, so those get a third.
    """
    before = await look()
    found: Sequence[Finding] = before.findings
    for _ in range(_LOOKS - 1):
        if not before.findings or not await passed(before.read_at):
            return Reconciled(before, found)
        after = await look()
        confirmed = lasting(before.findings, after.findings)
        if len(confirmed) == len(after.findings):
            return Reconciled(after, confirmed)
        before, found = after, [*confirmed, *_not_in(after.findings, confirmed)]
    return Reconciled(before, found)


def run(settings: Settings, *, wait_seconds: float) -> Reconciled:
    """Reconcile a whole pair.

    Raises:
        SyncError: one of the ends, Kafka or the ledger cannot be read.
    """

    async def passed(read_at: datetime) -> bool:
        return await asyncio.to_thread(wait_for_stages, settings, read_at, wait_seconds)

    return asyncio.run(reconcile(lambda: compare(settings), passed))


def wait_for_stages(settings: Settings, read_at: datetime, wait_seconds: float) -> bool:
    """Whether within the time every stage has passed a watermark whose reads began after `read_at`."""
    deadline = time.monotonic() + wait_seconds
    progress = Progress(settings)
    ends = None
    try:
        while time.monotonic() < deadline:
            if ends is None:
                later = [one for one in progress.watermarks() if one.read_started > read_at]
                if later and progress.processors_passed(later[0]):
                    ends = progress.bundle_ends()
            if ends is not None and progress.sinks_passed(ends):
                return True
            time.sleep(_LOOK_SECONDS)
    finally:
        progress.close()
    return False


def row_of(one: Finding) -> dict[str, Any]:
    """A finding as one flat row."""
    return {
        "check": one.check,
        "entity": one.entity,
        "key": one.key,
        "field": one.field,
        "expected": one.expected,
        "actual": one.actual,
        "cause": one.cause.why,
        "topic": one.cause.topic,
        "partition": one.cause.partition,
        "offset": one.cause.offset,
        "confirmed": one.confirmed,
    }


COLUMNS = (
    "check", "entity", "key", "field", "expected", "actual", "cause", "topic", "partition", "offset", "confirmed",
)  # fmt: skip


def write_csv(findings: Sequence[Finding], path: Path) -> None:
    """The findings for finance, one a line, with a head."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(row_of(one) for one in findings)


def text_of(document: dict[str, Any]) -> str:
    """The result for people."""
    rows = [["", "Sonar", "Splynx"], ["customers", *map(str, document["customers"])]]
    rows += [[f"  {status}", *map(str, pair)] for status, pair in document["statuses"].items()]
    rows += [["payments", *map(str, document["payments"])]]
    rows += [["payments, minor units", *map(str, document["payments_minor"])]]
    text = table(rows) + "\n\n"
    findings = document["findings"]
    if not findings:
        return text + "Equal: no differences."
    head = ["check", "entity", "key", "expected", "actual", "cause"]
    text += table([head, *([str(one[name]) for name in head] for one in findings[:_SHOWN])])
    text += f"\n{len(findings)} differences"
    if not all(one["confirmed"] for one in findings):
        text += "; not all confirmed, for no later watermark came: keep `crossfade run --apply` going, then repeat"
    return text


def _not_in(findings: Sequence[Finding], confirmed: Sequence[Finding]) -> list[Finding]:
    known = {(one.check, one.entity, one.key, one.field) for one in confirmed}
    return [one for one in findings if (one.check, one.entity, one.key, one.field) not in known]
