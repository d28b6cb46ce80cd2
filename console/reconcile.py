"""`crossfade reconcile`: look, let every stage pass a later watermark, look again; what stands both times is found."""

import asyncio
import csv
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from console.output import table
from console.progress import Progress
from plumbing.errors import ExitCode
from plumbing.settings import Settings
from reconciliation.comparison import Comparison, Tell, open_comparison, tell_nobody
from reconciliation.confirmation import Verdict, confirm
from reconciliation.facts import Skipped
from reconciliation.findings import Finding

_LOOK_SECONDS = 1.0
_SHOWN = 30
HIDDEN = "(personal)"


@dataclass(frozen=True)
class Reconciled:
    """The verdict, and what both ends have. Pairs are `[Sonar, Splynx]`; `skipped` is in none of them."""

    verdict: Verdict
    counts: dict[str, dict[str, list[int]]]
    payments_minor: list[int]
    skipped: list[Skipped]
    compared: dict[str, int]
    not_shown: dict[str, list[str]]
    refused: dict[str, dict[str, int]]

    @property
    def findings(self) -> Sequence[Finding]:
        """What differs."""
        return self.verdict.findings

    @property
    def exit_code(self) -> ExitCode:
        """0 when both ends agree, 3 for a difference that lasts, 75 when nobody can tell whether one does."""
        if any(one.confirmed for one in self.findings):
            return ExitCode.FOUND
        return ExitCode.TRY_LATER if self.findings or self.verdict.unsettled else ExitCode.DONE

    def document(self, *, show_values: bool = False) -> dict[str, Any]:
        """As JSON; docs/what-does-reconcile-prove.md says what each member means."""
        customers = self.counts.get("customer", {})
        payments = self.counts.get("payment", {}).values()
        return {
            "equal": self.exit_code is ExitCode.DONE,
            "read_at": self.verdict.read_at.isoformat(),
            "customers": [sum(pair[side] for pair in customers.values()) for side in (0, 1)],
            "statuses": customers,
            "payments": [sum(pair[side] for pair in payments) for side in (0, 1)],
            "payments_minor": self.payments_minor,
            "counts": self.counts,
            "skipped": [asdict(one) for one in self.skipped],
            "compared": self.compared,
            "not_shown": self.not_shown,
            "dead_letters": self.refused,
            "unsettled": self.verdict.unsettled,
            "left_out": self.verdict.left_out,
            "findings": [row_of(one, show_values=show_values) for one in self.findings],
        }


def run(settings: Settings, *, wait_seconds: float, tell: Tell = tell_nobody) -> Reconciled:
    """Reconcile a whole pair.

    Raises:
        SyncError: one of the ends, Kafka or the ledger cannot be read.
    """

    async def passed(read_at: datetime) -> bool:
        return await asyncio.to_thread(wait_for_stages, settings, read_at, wait_seconds)

    async def work() -> Reconciled:
        async with open_comparison(settings, tell) as comparison:
            return await result_of(comparison, await confirm(comparison, passed))

    return asyncio.run(work())


async def result_of(comparison: Comparison, verdict: Verdict) -> Reconciled:
    """The verdict with its causes, and what the comparison has of both ends."""
    explained = Verdict(
        verdict.read_at, await comparison.explained(verdict.findings), verdict.unsettled, verdict.left_out
    )
    return Reconciled(
        explained,
        comparison.facts.counts(),
        comparison.facts.money(),
        comparison.facts.skipped(),
        dict(comparison.records.compared),
        {entity: sorted(fields) for entity, fields in comparison.records.hidden.items()},
        comparison.events.refused(),
    )


def wait_for_stages(settings: Settings, read_at: datetime, wait_seconds: float) -> bool:
    """Whether within the time every stage has passed a watermark that covers `read_at`, by Sonar's clock."""
    deadline = time.monotonic() + wait_seconds
    progress = Progress(settings)
    ends = None
    try:
        while time.monotonic() < deadline:
            if ends is None:
                # The watermark trails Sonar's clock by the safety lag: one published later may still not cover it.
                later = [one for one in progress.watermarks() if one.source_time >= read_at]
                if later and progress.processors_passed(later[0]):
                    ends = progress.bundle_ends()
            if ends is not None and progress.sinks_passed(ends):
                return True
            time.sleep(_LOOK_SECONDS)
    finally:
        progress.close()
    return False


def row_of(one: Finding, *, show_values: bool = False) -> dict[str, Any]:
    """A finding as one flat row; values that are personal data only on demand."""
    hide = one.personal and not show_values
    return {
        "check": one.check,
        "entity": one.entity,
        "key": one.key,
        "field": one.field,
        "expected": HIDDEN if hide and one.expected else one.expected,
        "actual": HIDDEN if hide and one.actual else one.actual,
        "cause": one.cause.why,
        "topic": one.cause.topic,
        "partition": one.cause.partition,
        "offset": one.cause.offset,
        "confirmed": one.confirmed,
    }


COLUMNS = (
    "check", "entity", "key", "field", "expected", "actual", "cause", "topic", "partition", "offset", "confirmed",
)  # fmt: skip


def write_csv(findings: Sequence[Finding], path: Path, *, show_values: bool = False) -> None:
    """The findings for finance, one a line, with a head."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(row_of(one, show_values=show_values) for one in findings)


def text_of(document: dict[str, Any]) -> str:
    """The result for people."""
    rows = [["", "Sonar", "Splynx"]]
    for entity, states in document["counts"].items():
        rows.append([entity, *(str(sum(pair[side] for pair in states.values())) for side in (0, 1))])
        if len(states) > 1:
            rows += [[f"  {state}", *map(str, pair)] for state, pair in states.items()]
    rows += [["payments, minor units", *map(str, document["payments_minor"])]]
    text = table(rows) + "\n\n"
    for one in document["skipped"]:
        text += f"left out: {one['records']} {one['entity']}, {one['why']}"
        text += f", {one['minor']} minor units\n" if one["minor"] else "\n"
    for aggregate, codes in document["dead_letters"].items():
        text += "".join(f"dead letters: {count} {aggregate}, {code}\n" for code, count in codes.items())
    text += f"compared field by field: {sum(document['compared'].values())} records\n"
    findings = document["findings"]
    if document["unsettled"]:
        text += f"{document['unsettled']} records changed at each look, so nothing is said of them\n"
    if not findings:
        return text + ("Equal: no differences." if document["equal"] else "No difference lasted.")
    head = ["check", "entity", "key", "field", "expected", "actual", "cause"]
    text += table([head, *([_short(one[name]) for name in head] for one in findings[:_SHOWN])])
    text += f"\n{len(findings)} differences"
    if document["left_out"]:
        text += f", and {document['left_out']} more of the same kinds"
    if not all(one["confirmed"] for one in findings):
        text += "; not all confirmed, for no later watermark came: keep `crossfade run --apply` going, then repeat"
    return text


def _short(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
