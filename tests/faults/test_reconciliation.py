"""A mapper wrong by a cent, swapped statuses, rows missing, doubled or edited: each found, none invented."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from reconciliation.expected import account_facts, payment_facts, tariff_facts
from reconciliation.facts import ACTUAL, EXPECTED, Fact, Facts
from reconciliation.findings import Finding
from schemas.catalogue import TARGETS
from tests.builders import RULES
from tests.faults.alarms import FOUND, alarm, rings
from tests.faults.history import Town, town_of
from tests.faults.reconciled import reconciled
from tests.faults.seeds import seeds


def expected(town: Town) -> list[Fact]:
    """What Sonar's rows ask for, worked out without the mappers."""
    facts: list[Fact] = []
    for (name, _), record in town.newest.items():
        node: dict[str, Any] = record.model_dump(mode="json")
        if name == "service":
            facts += tariff_facts([node], RULES)
        if name == "account":
            facts += account_facts(node | {"account_services": {"entities": node["account_services"]}}, RULES)
        if name == "payment":
            # Without a pilot nobody asks for the payer.
            as_read = {"reversed_payments": {"entities": node["reversed_payments"]}, "account": None}
            facts += payment_facts(node | as_read, RULES)
    return facts


def actual(town: Town) -> list[Fact]:
    """What the newest bundles, made by the mappers, put into Splynx."""
    newest = {(one.aggregate, one.sonar_id): one.bundle for one in town.told}
    facts: list[Fact] = []
    for bundle in newest.values():
        for entity, records in bundle.records.items():
            for record in records or ():
                made: Any = record
                if entity == "customer":
                    facts.append(Fact(entity, made.key, made.key, made.status))
                elif entity in {"customer_info", "customer_billing"}:
                    facts.append(Fact(entity, made.key, made.key))
                elif entity == "internet_tariff":
                    facts.append(Fact(entity, made.key, None))
                elif entity == "internet_service":
                    facts.append(Fact(entity, made.key, made.customer_id.key, made.status))
                elif entity == "payment":
                    kind = "reversal" if "-R" in made.key else "payment"
                    day, method = made.date.isoformat(), made.payment_type
                    facts.append(Fact(entity, made.key, made.customer_id.key, kind, day, method, made.amount_minor))
    return facts


async def differing(wanted: list[Fact], there: list[Fact]) -> list[tuple[str, str]]:
    """`(entity, key)` of each record that differs."""
    with Facts() as facts:
        facts.add(EXPECTED, wanted)
        facts.add(ACTUAL, there)

        async def find() -> Iterable[Finding]:
            return facts.records()

        return sorted((one.entity, one.key) for one in await reconciled(find))


def told() -> int:
    """How many records differ, as the gauges have it."""
    return sum(int(alarm("crossfade_findings", level="record", entity=one)) for one in TARGETS)


Plant = Callable[[list[Fact], random.Random], tuple[list[Fact], list[tuple[str, str]]]]


def wrong_by_a_cent(facts: list[Fact], chance: random.Random) -> tuple[list[Fact], list[tuple[str, str]]]:
    """The mapper rounds the wrong way: every payment of more than 10."""
    large = {one for one in facts if one.minor is not None and one.minor > 1000}
    return [replace(f, minor=(f.minor or 0) + 1) if f in large else f for f in facts], [
        (f.entity, f.key) for f in large
    ]


def swapped_statuses(facts: list[Fact], chance: random.Random) -> tuple[list[Fact], list[tuple[str, str]]]:
    """The mapper takes active for disabled, and the other way round."""
    other = {"active": "disabled", "disabled": "active"}
    told = [(f.entity, f.key) for f in facts if f.state in other]
    return [replace(f, state=other.get(f.state, f.state)) for f in facts], told


def missing(facts: list[Fact], chance: random.Random) -> tuple[list[Fact], list[tuple[str, str]]]:
    """A row is not there."""
    gone = chance.choice(facts)
    return [one for one in facts if one != gone], [(gone.entity, gone.key)]


def doubled(facts: list[Fact], chance: random.Random) -> tuple[list[Fact], list[tuple[str, str]]]:
    """A payment is there twice; the second has no record that it stands for."""
    one = chance.choice([one for one in facts if one.minor is not None])
    return [*facts, replace(one, key="splynx:77")], [(one.entity, "splynx:77")]


def edited(facts: list[Fact], chance: random.Random) -> tuple[list[Fact], list[tuple[str, str]]]:
    """A payment lies on another day."""
    one = chance.choice([one for one in facts if one.minor is not None])
    return [replace(f, day="2001-01-01") if f == one else f for f in facts], [(one.entity, one.key)]


PLANTS: tuple[Plant, ...] = (wrong_by_a_cent, swapped_statuses, missing, doubled, edited)


@pytest.mark.fault(40)
@rings(FOUND)
@seeds(30, guards={"every record is compared": 1})
async def test_what_is_planted_is_found_and_nothing_else(seed: int) -> None:
    town = town_of(seed, accounts=10, events=30)
    wanted, there = expected(town), actual(town)
    assert (await differing(wanted, there), told()) == ([], 0)
    assert sum(one.minor is not None for one in there) > 1
    for plant in PLANTS:
        changed, planted = plant(there, random.Random(seed))
        assert planted
        assert await differing(wanted, changed) == sorted(planted), plant.__name__
        assert told() == len(planted)
