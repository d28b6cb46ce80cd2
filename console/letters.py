"""Dead letters of every stage with their states, and those that still matter counted by cause."""

from dataclasses import replace
from typing import Any

from console.letter_sources import newest_behind, newest_seen, read_all, read_facts, with_events
from console.letter_states import OPEN, Letter, collapsed, may_be_settled, settled
from plumbing.avro import make_registry
from plumbing.settings import Settings
from schemas.ledger import DEAD


async def read_letters(settings: Settings) -> list[Letter]:
    """The newest letter about each message or record, with its state, in the order in which they were written.

    Raises:
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    with make_registry(settings.registry) as registry:
        found = with_events(settings, registry, collapsed(read_all(settings, registry)))
        facts = await read_facts(settings, found, newest_seen(settings, registry, found))
        unsure = [one for one in found if may_be_settled(one, facts)]
        facts = replace(facts, behind=newest_behind(settings, registry, unsure, facts.consumed))
    return settled(found, facts)


async def open_letters(settings: Settings) -> list[dict[str, Any]]:
    """`[{entity, state: dead, code, records}]` of what no record in the ledger's `held` stands for.

    Raises:
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    found: dict[tuple[str, str], int] = {}
    for one in await read_letters(settings):
        if one.state == OPEN and one.record is None:
            found[one.entity, one.code] = found.get((one.entity, one.code), 0) + 1
    return [
        {"entity": entity, "state": DEAD, "code": code, "records": count}
        for (entity, code), count in sorted(found.items())
    ]
