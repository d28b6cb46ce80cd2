"""A mapper that was wrong for a while: what a replay is foreseen to mend is what it mends, and all is right then."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from clients.mysql import Database
from console.replay_bundles import Foresight, Mapped, map_again
from processors.context import Context, make_codecs
from processors.transform import Produced
from reconciliation.comparison import CATALOGUE
from reconciliation.database_rows import DatabaseRows
from reconciliation.events import Newest, Stored
from reconciliation.findings import Finding
from reconciliation.records import Records
from schemas.avro import value_of
from schemas.bundle import Bundle
from schemas.catalogue import AGGREGATES, TARGETS, aggregate
from schemas.envelope import Event, envelope_of, event_of
from schemas.records import SplynxRecord
from sinks.plan import Outcome, Verb
from sinks.runner import SinkSummary
from sinks.site import Site
from tests.builders import RULES
from tests.faults.alarms import FOUND, rings
from tests.faults.history import Town, town_of
from tests.faults.reconciled import reconciled
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.target import TABLES, Picture, assert_same

Bug = Callable[[SplynxRecord], SplynxRecord | None]
"""What becomes of a record; None: it is forgotten."""

BUGS: dict[str, tuple[str, Bug]] = {
    "a cent too much": ("payment", lambda one: _with(one, amount_minor=cast(Any, one).amount_minor + 1)),
    "forgotten payments": ("payment", lambda one: None),
    "a status nobody chose": ("customer", lambda one: _with(one, sonar_status="Wrong")),
    "names cut short": ("customer", lambda one: _with(one, name=cast(Any, one).name[:3])),
    "forgotten services": ("internet_service", lambda one: None),
    "plans too slow": ("internet_tariff", lambda one: _with(one, speed_download=1)),
    "somebody to contact": ("customer_info", lambda one: _with(one, contact_person="Nobody Example")),
}
"""`{name: (entity, what it makes of a record)}`"""
OWNERS = {target.entity: one.name for one in AGGREGATES for target in one.targets}
DECLARED = {one.name: one for one in AGGREGATES}
WRITES = {Verb.CREATE.value, Verb.CHANGE.value, Verb.GONE.value}


def _with(record: SplynxRecord, **changes: Any) -> SplynxRecord:
    return record.model_copy(update=changes)


def buggy(name: str, chance: random.Random) -> Callable[[Any, Any], Bundle]:
    """The mapper of an aggregate with one of the bugs, which about half of the records meet."""
    entity, bug = BUGS[name]
    mapper = aggregate(OWNERS[entity]).mapper
    assert mapper is not None
    unlucky = {number for number in range(1000) if chance.random() < 0.5}

    def mapped(record: Any, rules: Any) -> Bundle:
        bundle = mapper(record, rules)
        made = bundle.records.get(entity)
        if not made or record.id not in unlucky:
            return bundle
        kept = [one for one in map(bug, made) if one is not None]
        return replace(bundle, records={**bundle.records, entity: kept})

    return mapped


class Processor:
    """The engines' own function over the newest events of a town, and what it makes put on the topics."""

    def __init__(self, site: SinkSite, town: Town) -> None:
        self._site = site
        self.context = Context(RULES, cast(Any, None), make_codecs(site.settings, site.registry), site.registry)
        self._stored = [self._event(*key, record, place) for place, (key, record) in enumerate(town.newest.items())]

    def _event(self, name: str, number: int, record: Any, place: int) -> Stored:
        owner = getattr(record, "account_id", None) or number
        event = Event(name, number, owner, "r", value_of(record), place + 1, True, 0, 0, "r", "", "main")
        codec = cast(Any, self.context.codecs[name].events)
        return Stored(Newest(name, number, owner, place + 1, "t", 0, place), b"k", codec.encode(envelope_of(event)))

    def mapped(self) -> list[Mapped]:
        """By the mappers of now."""
        return [map_again(one, self.context) for one in self._stored]

    def newest(self, name: str, size: int, accounts: object = None) -> Iterator[list[tuple[Newest, Event]]]:
        """As a reconciliation reads them from the topics (`reconciliation.events.Events`), whoever is asked for."""
        codec = cast(Any, self.context.codecs[name].events)
        yield [(one.at, event_of(codec.decode(one.value))) for one in self._stored if one.at.aggregate == name]

    def publish(self, mapped: Sequence[Mapped]) -> None:
        """Behind what is there."""
        for one in mapped:
            assert isinstance(one.result, Produced)
            assert one.stored.at.owner is not None
            self._site.raw(one.stored.at.aggregate, one.stored.at.owner, one.result.value)
        self._site.add([])


async def differing(site: SinkSite, processor: Processor) -> Sequence[Finding]:
    """What a reconciliation by the mappers of now finds, field by field."""
    async with Site.open(site.settings) as parts, Database(site.settings.ledger_db) as ledger:
        records = Records(cast(Any, processor), RULES, parts.client, DatabaseRows(parts.db), ledger)

        async def find() -> list[Finding]:
            await records.list_catalogue(TARGETS[entity] for entity in CATALOGUE)
            return [one async for _, found in records.findings() for one in found]

        return await reconciled(find)


def tables(picture: Picture) -> Picture:
    """What a picture tells of Splynx."""
    return {name: picture[name] for name in TABLES}


def written(steps: dict[str, dict[str, int]]) -> Counter[str]:
    """`{entity: records}` that steps write."""
    return Counter({entity: sum(n for verb, n in some.items() if verb in WRITES) for entity, some in steps.items()})


def applied(summary: SinkSummary) -> Counter[str]:
    """`{entity: records}` that a run wrote."""
    return Counter({entity: some.get(Outcome.APPLIED.value, 0) for entity, some in summary.records.items()})


@pytest.mark.fault(15)
@rings(FOUND)
@seeds(30, guards={"a dry run compares with what is there": 1, "what is mended is written again": 1})
async def test_a_mapping_bug_that_was_mended_is_replayed_as_the_dry_run_foresees(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = town_of(seed)
    processor = Processor(sink_site, town)
    right = processor.mapped()
    sink_site.play([])
    processor.publish(right)
    await sink_site.run()
    expected = tables(sink_site.picture())
    assert await differing(sink_site, processor) == []

    bug = sorted(BUGS)[seed % len(BUGS)]
    name = OWNERS[BUGS[bug][0]]
    sink_site.play([])
    with monkeypatch.context() as deployed:
        for attempt in range(20):  # until somebody meets it
            declared = replace(aggregate(name), mapper=buggy(bug, random.Random(100 * seed + attempt)))
            deployed.setattr("schemas.mapping.aggregate", {**DECLARED, name: declared}.__getitem__)
            wrong = [one for one in processor.mapped() if one.stored.at.aggregate == name]
            if wrong != [one for one in right if one.stored.at.aggregate == name]:
                break
        processor.publish([*(one for one in right if one.stored.at.aggregate != name), *wrong])
    await sink_site.run()
    before = tables(sink_site.picture())
    assert before != expected
    assert {one.entity for one in await differing(sink_site, processor)} == {BUGS[bug][0]}

    async with Foresight.open(sink_site.settings, processor.context) as foresight:
        await foresight.look(processor.mapped())
    assert tables(sink_site.picture()) == before  # it was a look
    processor.publish(processor.mapped())
    done = await sink_site.run()
    assert +applied(done) == +written(foresight.steps)
    assert {name: count for name, count in done.bundles.items() if count} == foresight.bundles
    assert_same(tables(sink_site.picture()), expected)
    assert await differing(sink_site, processor) == []
    await sink_site.assert_each_offset_has_one_outcome()
