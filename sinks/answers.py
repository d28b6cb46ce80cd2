"""The brake holds over restarts: why it was put on stands in the ledger until somebody answers."""

import json
from collections.abc import Collection, Iterable

from clients.mysql import Database
from schemas.catalogue import TARGETS
from sinks.errors import BrakeApplied
from sinks.store import Ledger

MENDED = "mended"
"""The answer to a mistake in the rules; to what is meant it is the entity's name."""
ADOPTION, TARGET = "adoption", "target"
"""The answers to rows that the ledger does not know, and to a Splynx that is another one than it knew, or not empty."""
_BRAKE, _OLDEST = "brake", "oldest_generation"


def unknown_answers(approved: Iterable[str]) -> list[str]:
    """Those that answer nothing that a sink asks: one that is misspelt would be taken for none."""
    return sorted(set(approved) - {ADOPTION, TARGET, MENDED, *TARGETS})


async def put_on(db: Database, ledger: Ledger, error: BrakeApplied, generation: int) -> None:
    """Keep why the brake was put on, and by which rules generation the bundles were made."""
    async with db.session() as tx:
        kept = {"entity": error.entity, "said": str(error), "generation": generation}
        await ledger.set_meta(tx, _BRAKE, json.dumps(kept))


async def check_answered(db: Database, ledger: Ledger, approved: Collection[str]) -> int:
    """Take the operator's answer, if one is needed; the oldest rules generation whose bundles are written.

    Raises:
        BrakeApplied: the brake is on and nobody answered.
    """
    async with db.transaction() as tx:
        told = await ledger.meta(tx, _BRAKE)
        if told is not None:
            brake = json.loads(told)
            if MENDED in approved:
                await ledger.set_meta(tx, _OLDEST, str(brake["generation"] + 1))
            elif brake["entity"] not in approved:
                raise BrakeApplied(brake["entity"], brake["said"])
            await ledger.drop_meta(tx, _BRAKE)
        return int(await ledger.meta(tx, _OLDEST) or 0)
