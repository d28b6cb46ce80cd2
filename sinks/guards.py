"""Guards: the switches of Splynx that must be off while Sonar bills, as the operator confirmed them.

What the switches are called in the API is not public, so each stands in a file: with its key and expected value, or
with who confirmed in the UI that it is off, and when. What is missing or unknown counts as violated.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing
from plumbing import metrics
from plumbing.errors import ConfigurationError

SWITCHES: dict[str, str] = {
    "automatic_issuing": "Config > Finance > Automation > Enable automatic issuing: off",
    "billing_due": "Config > Finance > Automation > Enable processing of Billing Due: off",
    "deactivation": "Config > Finance > Automation > Deactivation period (recurring and prepaid): off",
    "block_by_one_time_invoices": "Config > Finance > Automation > Block customers by one-time invoices: off",
    "reminders": "Config > Finance > Automation > Reminders 1 to 3: off",
    "auto_proforma": "Config > Finance > Automation > Automatic proforma invoices: off",
    "remove_ips": "Config > Finance > Automation > Enable removing IPs for disabled services: off",
    "invoice_notification": "Config > Finance > Notifications > Invoices: off",
    "payment_notification": "Config > Finance > Notifications > Payments: off",
    "auto_associate": "Config > Finance > Settings > Auto associate payments to invoice: off",
    "pay_from_balance": "Config > Finance > Settings > Auto pay from account balance: off",
    "force_to_invoice": "Config > Finance > Settings > Force creating an invoice for To invoice transactions: off",
    "welcome_message": "Config > Main > Customers > Welcome message: off",
}
"""`{name: where it is in Splynx's pages}` of the switches that concern customers and payments."""


class Confirmed(BaseModel):
    """Who saw the switch off, and on which day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: str
    at: date

    @field_validator("at")
    @classmethod
    def _has_been(cls, at: date) -> date:
        # A day of grace: where the operator lives it may be tomorrow already.
        if at > datetime.now(UTC).date() + timedelta(days=1):
            raise ValueError("lies in the future")
        return at


class Guard(BaseModel):
    """One switch: read by its key (`module/path/key`) and compared, or confirmed by a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    key: str | None = None
    expected: bool | int | str | None = None
    confirmed: Confirmed | None = None

    @model_validator(mode="after")
    def _key_has_three_parts(self) -> "Guard":
        if self.key is not None and len(self.key.split("/")) != 3:
            raise ValueError("key must be module/path/key")
        if self.key is not None and self.expected is None:
            raise ValueError("a key needs an expected value")
        return self


class GuardsFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    guards: list[Guard]


@dataclass(frozen=True)
class Violation:
    """A guard that does not hold, and what to do."""

    name: str
    problem: str
    remedy: str


def load_guards(path: Path) -> GuardsFile:
    """Read the file.

    Raises:
        ConfigurationError: names the file, the line or the guard, and the remedy.
    """
    remedy = "Run `crossfade doctor --guards-template` and fill it in."
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigurationError(f"cannot read the guards file {path}: {exc.strerror}", remedy=remedy) from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{path}{where}: not valid YAML", remedy="Mend the file.") from exc
    try:
        return GuardsFile.model_validate(loaded)
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
        raise ConfigurationError(f"{path}: {problems}", remedy=remedy) from exc


def guards_template() -> str:
    """A guards file to fill in: every switch, where it is, nothing confirmed."""
    lines = [
        "# Switches of Splynx that must be off while Sonar bills. Nothing is written before each one holds.",
        "# Give `key: module/path/key` with `expected`, or `confirmed: {by: <name>, at: <YYYY-MM-DD>}`.",
        "guards:",
    ]
    for name, where in SWITCHES.items():
        lines += [f"  # {where}", f"  - name: {name}"]
    return "\n".join(lines) + "\n"


async def check_guards(client: SplynxClient, path: Path) -> list[Violation]:
    """The guards that do not hold; empty when all do. Reads Splynx's configuration, once per module and path.

    Raises:
        ConfigurationError: the file is missing or wrong.
        SplynxUnreachable, SplynxRefused.
    """
    guards = load_guards(path).guards
    wanted: dict[tuple[str, str], list[Guard]] = defaultdict(list)
    for guard in guards:
        if guard.key is not None:
            module, below, _ = guard.key.split("/")
            wanted[(module, below)].append(guard)
    values: dict[tuple[str, str], dict[str, Any]] = {}
    for module, below in wanted:
        try:
            values[(module, below)] = await client.settings_of(module, below)
        except RecordMissing:
            values[(module, below)] = {}
    violations = judge(guards, values)
    metrics.GUARDS_VIOLATED.set(len(violations))
    return violations


def judge(guards: Sequence[Guard], values: dict[tuple[str, str], dict[str, Any]]) -> list[Violation]:
    """The violations, given what Splynx has under each `(module, path)`."""
    violations = []
    named = {guard.name for guard in guards}
    for name, where in SWITCHES.items():
        if name not in named:
            violations.append(Violation(name, "is not in the guards file", f"See {where}; then add it to the file."))
    for guard in guards:
        where = SWITCHES.get(guard.name, guard.name)
        if guard.key is not None:
            module, below, key = guard.key.split("/")
            have = values.get((module, below), {})
            if key not in have:
                violations.append(Violation(guard.name, f"Splynx has no setting {guard.key}", "Correct its key."))
            elif not _equal(have[key], guard.expected):
                violations.append(Violation(guard.name, "is not as expected in Splynx", f"Set {where}"))
        elif guard.confirmed is None:
            violations.append(Violation(guard.name, "has neither a key nor a confirmation", f"Check {where}"))
    return violations


def _equal(have: object, expected: object) -> bool:
    def text(value: object) -> str:
        return str(int(value)) if isinstance(value, bool) else str(value).strip().lower()

    return text(have) == text(expected)
