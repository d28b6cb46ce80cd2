"""Both ends side by side: counts and money (level 1), never through the mappers."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from clients.mysql import Database
from clients.sonar import SonarClient
from plumbing.clock import utc_now
from plumbing.errors import ConfigurationError
from plumbing.settings import Settings
from reconciliation.expected import Books, expected_books
from reconciliation.findings import UNEXPLAINED, Cause, Finding, differences
from reconciliation.source import read_accounts, read_facts, read_payments
from reconciliation.target import causes, read_target
from schemas.rules import compile_rules, load_rules


@dataclass(frozen=True)
class Comparison:
    """One look at both ends. `read_at`: when the read of Sonar was complete, by our clock."""

    read_at: datetime
    expected: Books
    actual: Books
    findings: list[Finding]


async def compare(settings: Settings) -> Comparison:
    """Read both ends once and compare them.

    Raises:
        ConfigurationError: Splynx's database is not in the settings, or the rules are wrong.
        SyncError: one of the ends cannot be read whole.
    """
    db = settings.splynx.db
    if db is None:
        raise ConfigurationError(
            "reconcile reads Splynx's tables and splynx.db is not set",
            remedy="Give splynx.db a user that may read customers, payments and their ledger rows.",
        )
    file = load_rules(settings.rules)
    async with AsyncExitStack() as stack:
        sonar = await stack.enter_async_context(SonarClient(settings.sonar))
        splynx = await stack.enter_async_context(Database(db))
        ledger = await stack.enter_async_context(Database(settings.ledger_db))
        rules = compile_rules(file, await read_facts(sonar))
        expected = expected_books(await read_accounts(sonar), await read_payments(sonar), rules)
        read_at = utc_now()
        target = await read_target(splynx, ledger, rules.exponent)
        held = await causes(ledger)
    return Comparison(
        read_at, expected, target.books, explained(compare_books(expected, target.books), held) + target.unbalanced
    )


def compare_books(expected: Books, actual: Books) -> list[Finding]:
    """Sums first, then the records that they are made of."""
    return [
        *differences("counts", "customer", "customers", expected.status_counts, actual.status_counts),
        *differences("M7", "payment", "documents_sum_minor", expected.daily, actual.daily),
        *differences("balance", "customer", "payments_minor", expected.balances, actual.balances),
        *differences("record", "customer", "status", expected.statuses, actual.statuses),
        *differences("record", "payment", "customer_day_method_minor", expected.payments, actual.payments),
    ]


def explained(findings: list[Finding], held: Mapping[tuple[str, str], Cause]) -> list[Finding]:
    """The findings about records with what the ledger knows of them; sums have no one cause."""
    return [
        replace(one, cause=held.get((one.entity, one.key), UNEXPLAINED)) if one.check == "record" else one
        for one in findings
    ]
