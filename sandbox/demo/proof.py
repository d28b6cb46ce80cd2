"""Comparing both sides, without any code that moved the records. Pure: what was read goes in, a verdict comes out."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.demo.source import Source
from sandbox.demo.target import Target


@dataclass(frozen=True)
class Line:
    """One entity of the table."""

    entity: str
    source: int
    topics: int
    target: int
    parked: int
    deferred: int
    dead: int
    different: int


@dataclass(frozen=True)
class Verdict:
    """The table, and what differs in money. `findings` name keys, never contents."""

    lines: tuple[Line, ...]
    findings: tuple[str, ...]
    source_minor: int
    target_minor: int
    deposits_minor: int
    ledger_minor: int

    @property
    def is_equal(self) -> bool:
        """True when nothing at all differs."""
        return not self.findings and not any(line.different for line in self.lines)


def compare(source: Source, target: Target, topics: Mapping[str, int], configured: frozenset[str]) -> Verdict:
    """Hold Splynx against Sonar.

    Args:
        source: what Sonar holds.
        target: what Splynx holds.
        topics: `{aggregate: aggregates not deleted}`.
        configured: companies that the rules give a partner that existed before.
    """
    wanted = {
        "partner": source.companies - configured,
        "label": source.labels,
        "internet_tariff": source.plans,
        "customer": source.accounts,
        "customer_info": source.accounts,
        "customer_billing": source.accounts,
        "internet_service": frozenset(source.services),
        "payment": frozenset(source.payments),
    }
    aggregates = {
        "partner": topics["company"],
        "label": topics["account_group"] + topics["account_type"],
        "internet_tariff": topics["service"],
        "customer": topics["account"],
        "customer_info": topics["account"],
        "customer_billing": topics["account"],
        "internet_service": topics["account"],
        "payment": topics["payment"],
    }
    findings: list[str] = []
    lines = []
    for entity, keys in wanted.items():
        have = frozenset(key for key in target.rows[entity] if not key.startswith("flag:"))
        wrong = {f"{entity} {key}: is not in Splynx" for key in keys - have}
        wrong |= {f"{entity} {key}: is in Splynx and not in Sonar" for key in have - keys}
        if entity == "payment":
            wrong |= {
                f"payment {key}: another amount or customer"
                for key in keys & have
                if source.payments[key] != target.payments.get(key)
            }
        if entity == "internet_service":
            wrong |= {
                f"internet_service {key}: another price or customer"
                for key in keys & have
                if source.services[key] != target.services.get(key)
            }
        findings += sorted(wrong)
        lines.append(
            Line(
                entity,
                len(keys),
                aggregates[entity],
                len(have),
                _held(target, "parked", entity) + _held(target, "ready", entity),
                _held(target, "deferred", entity),
                _held(target, "dead", entity),
                len(wrong),
            )
        )
    balances = source.balances
    for account, expected in sorted(balances.items()):
        for name, amounts in (("deposit", target.deposits), ("ledger rows", target.ledger), ("payments", target.paid)):
            if amounts.get(account, 0) != expected:
                findings.append(f"customer {account}: {name} {amounts.get(account, 0)} instead of {expected} cents")
    if target.stray_payments:
        findings.append(f"{target.stray_payments} payments in Splynx of customers that no account leads to")
    if target.misplaced_services:
        findings.append(f"{target.misplaced_services} services in Splynx that are not in the state of their customer")
    return Verdict(
        lines=tuple(lines),
        findings=tuple(findings),
        source_minor=sum(balances.values()),
        target_minor=sum(amount for _, amount in target.payments.values()),
        deposits_minor=sum(target.deposits.values()),
        ledger_minor=sum(target.ledger.values()),
    )


def _held(target: Target, state: str, entity: str) -> int:
    of_state = target.held.get(state)
    return of_state[entity] if of_state is not None else 0
