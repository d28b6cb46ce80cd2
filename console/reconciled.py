"""What a reconciliation came to, in the forms that it is told in: JSON, CSV for finance, text for people."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from console.output import table
from plumbing.errors import ConfigurationError, ExitCode
from reconciliation.comparison import Comparison
from reconciliation.confirmation import Verdict
from reconciliation.facts import Skipped
from reconciliation.findings import Finding

_SHOWN = 30
HIDDEN = "(personal)"
OVER_REST = (
    "splynx.db is not set. That takes two requests for each customer, and hides which ledger rows were deleted; give"
    " splynx.db a user that may read, and it takes minutes"
)
"""What it costs that Splynx's database is not to be had, and what to do."""


@dataclass(frozen=True)
class Reconciled:
    """The verdict, and what both ends have. Pairs are `[Sonar, Splynx]`; `skipped` is in none of them."""

    verdict: Verdict
    counts: dict[str, dict[str, list[int]]]
    payments_minor: list[int]
    exponent: int
    skipped: list[Skipped]
    compared: dict[str, int]
    not_shown: dict[str, list[str]]
    refused: dict[str, dict[str, int]]
    over_rest: bool = False
    """Splynx was read over REST, for its database is not in the settings."""

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
            "read_by": "rest" if self.over_rest else "sql",
            "customers": [sum(pair[side] for pair in customers.values()) for side in (0, 1)],
            "statuses": customers,
            "payments": [sum(pair[side] for pair in payments) for side in (0, 1)],
            "payments_minor": self.payments_minor,
            "counts": self.counts,
            "skipped": [asdict(one) for one in self.skipped],
            "compared": self.compared,
            "not_shown": self.not_shown,
            "dead_letters": self.refused,
            "looks": self.verdict.looks,
            "unsettled": self.verdict.unsettled,
            "left_out": self.verdict.left_out,
            "findings": [row_of(one, show_values=show_values) for one in self.findings],
        }


async def result_of(comparison: Comparison, verdict: Verdict) -> Reconciled:
    """The verdict with its causes, and what the comparison has of both ends."""
    explained = replace(verdict, findings=await comparison.explained(verdict.findings))
    return Reconciled(
        explained,
        comparison.facts.counts(),
        comparison.facts.money(),
        comparison.exponent,
        comparison.facts.skipped(),
        dict(comparison.records.compared),
        {entity: sorted(fields) for entity, fields in comparison.records.hidden.items()},
        comparison.events.refused(),
        comparison.over_rest,
    )


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
    "check", "entity", "key", "field", "expected", "actual", "expected_money", "actual_money", "cause", "topic",
    "partition", "offset", "confirmed",
)  # fmt: skip


def write_csv(result: Reconciled, path: Path, *, show_values: bool = False) -> None:
    """The findings for finance, one a line, with a head; money in its own columns, exact, as decimal text."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for one in result.findings:
            money = {
                "expected_money": money_of(one, one.expected, result.exponent),
                "actual_money": money_of(one, one.actual, result.exponent),
            }
            writer.writerow(row_of(one, show_values=show_values) | money)


def require_writable(path: Path) -> None:
    """See, before a long comparison, that its findings can be written there.

    Raises:
        ConfigurationError: they cannot.
    """
    try:
        path.open("a").close()
    except OSError as exc:
        remedy = "Give --csv a file that may be written, in a folder that is there."
        raise ConfigurationError(f"cannot write {path}: {exc.strerror}", remedy=remedy) from exc


def money_of(one: Finding, value: str | None, exponent: int) -> str:
    """The money in a finding's value: the last word of a sum or a payment is minor units; else it is no money."""
    if value is None or one.check in {"fields", "counts"} or not one.field.endswith("minor"):
        return ""
    words = value.split()
    return f"{Decimal(words[-1]).scaleb(-exponent):f}" if words and _is_number(words[-1]) else ""


def text_of(document: dict[str, Any]) -> str:
    """The result for people."""
    rows = [["", "Sonar", "Splynx"]]
    for entity, states in document["counts"].items():
        rows.append([entity, *(str(sum(pair[side] for pair in states.values())) for side in (0, 1))])
        if len(states) > 1:
            rows += [[f"  {state}", *map(str, pair)] for state, pair in states.items()]
    rows += [["payments, minor units", *map(str, document["payments_minor"])]]
    text = table(rows) + "\n\n"
    if document["read_by"] == "rest":
        text += f"read over REST: {OVER_REST}\n"
    for entity, fields in document["not_shown"].items():
        text += f"not compared: {', '.join(fields)} of {entity}, which Splynx does not show or fills by itself\n"
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


def _is_number(word: str) -> bool:
    return word.removeprefix("-").replace(".", "", 1).isdigit()


def _short(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
