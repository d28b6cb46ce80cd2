"""`crossfade conflicts resolve`: who wins, decided for one or many. Shown first; what was decided can be undone."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clients.mysql import Row
from console.conflicts import ConflictSettled, Filter, document_of, ownership_of, read_conflicts
from console.output import table
from console.writable import check_writable
from plumbing.errors import ConfigurationError, ExitCode, SyncError
from plumbing.settings import Settings
from plumbing.whoami import user_name
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.ledger import KEPT, OVERWRITTEN, TAKEN, UNSETTLED
from schemas.ownership import Ownership
from schemas.records import FieldOwner
from schemas.rules import read_rules
from schemas.write_paths import WritePaths
from sinks.healing import Healing
from sinks.paths import Paths
from sinks.payments import Payments
from sinks.resolving import Resolving
from sinks.rest import RestRecords
from sinks.rest_documents import RestDocuments
from sinks.site import Site
from sinks.startup import short_fields
from sinks.store import Key
from sinks.tables.conflicts import value
from sinks.threeway import Decision, Side

SOURCE, TARGET, RULES = "source", "target", "rules"
TAKES = (SOURCE, TARGET, RULES)
"""Whose value is taken: Sonar's, Splynx's, or what owner and policy in the rules say by now."""
_WRITE, _STAY, _WAIT = "Sonar's value is written", "Splynx's value stays", "still waits"
_SENT = "Sonar's value was sent"
_AT_ONCE = 500


@dataclass(frozen=True)
class Resolved:
    """What was, or would be, decided. `run_id`: of the decision, by which it is undone."""

    applied: bool
    run_id: str | None
    take: str
    conflicts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """`{what is done: conflicts}`."""
        return dict(sorted(Counter(one["action"] for one in self.conflicts).items()))

    @property
    def exit_code(self) -> ExitCode:
        """5 when it was done and some still wait, or are not as they should be."""
        partly = any(one["state"] == UNSETTLED or one["why"] for one in self.conflicts)
        return ExitCode.PARTLY if self.applied and partly else ExitCode.DONE

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "applied": self.applied,
            "run_id": self.run_id,
            "take": self.take,
            "conflicts": self.conflicts,
            "counts": self.counts,
        }


def checked(take: str, wanted: Filter, *, everything: bool) -> None:
    """See that it is said what is to be decided, and how.

    Raises:
        ConfigurationError: it is not.
    """
    if take not in TAKES:
        raise ConfigurationError(f"{take} is nobody's value", remedy=f"Give --take {', '.join(TAKES)}.")
    if wanted.is_empty and not everything:
        raise ConfigurationError(
            "a decision about every conflict is not meant by saying nothing",
            remedy="Give ids, or --entity, --field or --customer, or --all.",
        )


async def run_resolve(
    settings: Settings, wanted: Filter, take: str, *, by: str | None, apply: bool, values: bool
) -> Resolved:
    """Show what a decision would do, or do it. To write Sonar's value a sink that runs is fenced off, and ends.

    Raises:
        ConflictUnknown, ConflictSettled: of those that were named by id.
        GuardsViolated, ForeignTarget, CutOver, RebuildInterrupted: nothing may be written now.
        Fenced: a sink was started meanwhile; repeating goes on.
        SyncError: Splynx or the ledger does not answer.
    """
    ownership = ownership_of(settings)
    rows = await read_conflicts(settings, wanted, closed=False)
    if apply and take != TARGET and await _heal_decisions(settings):
        rows = await read_conflicts(settings, wanted, closed=False)
    if settled := [row for row in rows if row["state"] != UNSETTLED]:
        raise ConflictSettled("; ".join(_told(row) for row in settled))
    if not apply or not rows:
        foreseen = [_document(row, ownership, _foreseen(row, take, ownership), values=values) for row in rows]
        return Resolved(apply, None, take, foreseen)
    who = (by or user_name())[:64]
    async with Site.open(settings) as site:
        if take == TARGET:
            async with site.db.transaction() as tx:
                await site.ledger.keep_splynx_values(tx, [int(row["id"]) for row in rows], who)
            errors: Mapping[Key, SyncError | None] = {}
        else:
            await check_writable(settings, site)
            errors = await _write(settings, site, rows, take, who, ownership)
        async with site.db.session() as tx:
            now = {int(row["id"]): row for row in await site.ledger.conflicts(tx, ids=[int(r["id"]) for r in rows])}
        found = [_document(now[int(row["id"])], ownership, _became(now[int(row["id"])]), values=values) for row in rows]
        for one in found:
            error = errors.get((one["entity"], one["key"]))
            if error is not None:
                one["why"] = f"{error} [{error.code}]"
                one["action"] = _SENT if one["action"] == _WRITE else one["action"]
            elif one["state"] == UNSETTLED:
                one["why"] = _why_not(take)
        return Resolved(True, site.ledger.run_id, take, found)


async def _heal_decisions(settings: Settings) -> bool:
    """Find out what became of decisions whose call was lost: what did not come through is undecided again."""
    async with Site.open(settings) as site:
        async with site.db.session() as tx:
            partitions = await site.ledger.doubtful(tx) if await site.ledger.exists(tx, "conflicts") else set()
        if partitions:
            await check_writable(settings, site)
            rest = RestRecords(site.client, site.db, site.ledger, TARGETS)
            healing = Healing(site.client, site.db, site.ledger, rest, TARGETS)
            await healing.heal_all(await healing.take(partitions, "conflicts"))
        return bool(partitions)


async def _write(
    settings: Settings, site: Site, rows: Sequence[Row], take: str, who: str, ownership: Ownership
) -> dict[Key, SyncError | None]:
    decisions: dict[Key, dict[str, Decision]] = {}
    for row in rows:
        decided = decisions.setdefault((row["entity"], row["record_key"]), {})
        if take == SOURCE:
            decided[row["field"]] = Decision(Side.SOURCE, value(row["target"]), who)
    payments, ways = None, WritePaths.of(read_rules(settings.rules).file, sql=settings.ledger_beside_rows)
    if settings.ledger_beside_rows and settings.splynx.disposable:
        async with site.db.session() as tx:
            payments = await Payments.of(tx, ownership, ways.not_ours(TARGETS["payment"]), keep_ids=ways.keeps_ids)
    short = await short_fields(site.client, list(TARGETS.values()))
    rest = RestRecords(site.client, site.db, site.ledger, TARGETS, short, ownership)
    paths = Paths(
        ledger=site.ledger,
        rest=rest,
        payments=payments,
        targets=TARGETS,
        rank={aggregate.name: rank for rank, aggregate in enumerate(AGGREGATES)},
        disposable=settings.splynx.disposable,
        concurrency=settings.splynx.concurrency,
        leaving=asyncio.Event(),
        documents=RestDocuments(site.client, site.db, site.ledger, rest, TARGETS),
    )
    async with site.db.session() as tx:
        owned = await site.ledger.owned(tx, decisions)
    partitions = {one.partition for one in owned.values() if one.partition is not None}
    healing = Healing(site.client, site.db, site.ledger, rest, TARGETS)
    tokens = await healing.take(partitions, "conflicts")
    await healing.heal_all(tokens)
    resolving = Resolving(db=site.db, ledger=site.ledger, paths=paths, targets=TARGETS, tokens=tokens, ways=ways)
    found: dict[Key, SyncError | None] = {}
    keys = sorted(decisions)
    for start in range(0, len(keys), _AT_ONCE):
        found |= await resolving.write({key: decisions[key] for key in keys[start : start + _AT_ONCE]})
    return found


def _document(row: Row, ownership: Ownership, action: str, *, values: bool) -> dict[str, Any]:
    return document_of(row, ownership, values=values) | {"action": action, "why": ""}


def _foreseen(row: Row, take: str, ownership: Ownership) -> str:
    if take != RULES:
        return _WRITE if take == SOURCE else _STAY
    target = TARGETS[row["entity"]]
    owner, policy = ownership.owner(target, row["field"]), ownership.policy_of(target, row["field"])
    if owner is FieldOwner.LOCKED or (owner is FieldOwner.SOURCE and policy == "overwrite"):
        return _WRITE
    return _STAY if owner is FieldOwner.TARGET or policy == "keep" else _WAIT


def _became(row: Row) -> str:
    if row["state"] in {TAKEN, OVERWRITTEN}:
        return _WRITE
    return {KEPT: _STAY, UNSETTLED: _WAIT}.get(row["state"], "both sides agree")


def _why_not(take: str) -> str:
    if take == RULES:
        return "the rules hold it"
    return "Splynx has another value since: look at it, and decide again"


def _told(row: Row) -> str:
    by = f" by {row['settled_by']}" if row["settled_by"] else ""
    at = f" at {row['settled_at'].isoformat(timespec='seconds')}Z" if row["settled_at"] else ""
    run = f", run {row['settled_run']}" if row["settled_run"] else ""
    return f"conflict {row['id']} is {row['state']} already{by}{at}{run}"


def text_of(document: dict[str, Any]) -> str:
    """The decision for people."""
    if not document["conflicts"]:
        return "There are no undecided conflicts that fit."
    rows = [["conflict", "record", "field", "what is done", "why"]]
    rows += [
        [str(one["id"]), f"{one['entity']} {one['key']}", one["field"], one["action"], one["why"]]
        for one in document["conflicts"]
    ]
    lines = [table(rows), ", ".join(f"{count}: {action}" for action, count in document["counts"].items())]
    lines += [
        f"{one['id']} {name}: {told!r}" for one in document["conflicts"] for name, told in (one["values"] or {}).items()
    ]
    if document["applied"]:
        lines.append(f"Undo it with: crossfade rollback --run {document['run_id']} --apply")
    else:
        stop = "" if document["take"] == TARGET else "Stop the sink, then do"
        lines.append(f"Nothing was changed. {stop or 'Do'} it with: crossfade conflicts resolve … --apply")
    return "\n".join(lines)
