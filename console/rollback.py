"""`crossfade rollback`: what was written is taken back, from the ledger's journal. Shown first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.history import secret_members
from console.output import table
from console.replay_scope import moment_of
from plumbing.errors import ConfigurationError, ExitCode
from plumbing.settings import Settings
from schemas.catalogue import TARGETS
from sinks.guards import check_guards, require_guards
from sinks.payments import Payments
from sinks.rebuild import check_rebuilt
from sinks.rest import RestRecords
from sinks.rollback import Planned, Rollback, Tell, Writes
from sinks.rollback_writes import RollbackWrites
from sinks.site import Site
from sinks.startup import check_same_target, short_fields
from sinks.undo import EXTRA, Way


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did, or would do. `run_id`: under which it can be undone."""

    applied: bool
    run_id: str | None
    records: list[Planned]
    values: bool

    @property
    def exit_code(self) -> ExitCode:
        """5 when it was done and some stay as they are, which were not undone before."""
        stuck = any(one.undo.way is Way.LEFT and not one.undo.why.startswith("undone already") for one in self.records)
        return ExitCode.PARTLY if self.applied and stuck else ExitCode.DONE

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "applied": self.applied,
            "run_id": self.run_id,
            "records": [_record(one, values=self.values) for one in self.records],
            "counts": {way.value: sum(one.undo.way is way for one in self.records) for way in Way},
            "excluded": {
                entity: sorted(secret)
                for entity in sorted({one.target.entity for one in self.records})
                if (secret := secret_members(entity))
            },
        }


def _record(one: Planned, *, values: bool) -> dict[str, Any]:
    known = one.owned.known if one.owned is not None else None
    return {
        "entity": one.target.entity,
        "key": one.key,
        "target_id": known.target_id if known is not None else None,
        "way": one.undo.way.value,
        "why": one.undo.why,
        "columns": one.columns,
        "runs": one.runs,
        "values": {name: list(pair) for name, pair in _values(one).items()} if values else None,
    }


def _values(one: Planned) -> dict[str, tuple[str, str]]:
    """`{column: (as it is, as it would be)}` of those that change."""
    extra = one.current.get(EXTRA)
    have = extra if isinstance(extra, dict) else {}
    found = {name: (str(one.current.get(name)), str(value)) for name, value in one.sent.items() if name != EXTRA}
    return found | {name: (str(have.get(name)), str(value)) for name, value in one.sent.get(EXTRA, {}).items()}


def writes_of(run: str | None, since: str | None, customer: int | None) -> Writes:
    """Which writes the options name.

    Raises:
        ConfigurationError: none, or that is no moment.
    """
    if run is None and since is None and customer is None:
        raise ConfigurationError(
            "a rollback of everything is not meant by saying nothing",
            remedy="Give --run, --since or --customer, or several of them: what is given must all hold.",
        )
    return Writes(run, None if since is None else moment_of(since), customer)


async def run_rollback(settings: Settings, writes: Writes, *, apply: bool, values: bool, tell: Tell) -> RolledBack:
    """Show what a rollback would do, or do it.

    Raises:
        ConfigurationError: there are no such writes, or they were undone already.
        GuardsViolated, ForeignTarget, CutOver, RebuildInterrupted: nothing may be written now.
        Fenced: a sink was started meanwhile; repeating goes on.
        SyncError: Splynx or the ledger does not answer.
    """
    async with Site.open(settings) as site:
        beside, money = settings.ledger_beside_rows, settings.splynx.disposable
        short = await short_fields(site.client, list(TARGETS.values()))
        rollback = Rollback(site, short, money=money, sql=beside)
        if not apply:
            return RolledBack(False, None, await rollback.plan(writes, tell), values)
        # Each row is looked at just before it is written: to look at all of them before is to look twice.
        planned = await rollback.plan(writes, look=False)
        await _check(settings, site)
        payments = None
        if beside and money:
            async with site.db.session() as tx:
                payments = await Payments.of(tx)
        rest = RestRecords(site.client, site.db, site.ledger, TARGETS, short)
        done = await RollbackWrites(site, rollback, rest, payments).apply(planned, tell)
        return RolledBack(True, site.ledger.run_id, done, values)


async def _check(settings: Settings, site: Site) -> None:
    """As a sink does before its first write."""
    async with site.db.session() as tx:
        await check_rebuilt(tx, site.ledger)
    await check_same_target(site.client, site.db, site.ledger)
    require_guards(await check_guards(site.client, settings.guards, settings.rules))


def text_of(document: dict[str, Any]) -> str:
    """The rollback for people, in the order in which it is done."""
    rows = [["entity", "key", "in Splynx", "what is done", "columns", "why"]]
    rows += [
        [one["entity"], one["key"], str(one["target_id"] or ""), one["way"], ", ".join(one["columns"]), one["why"]]
        for one in document["records"]
    ]
    lines = [table(rows), ", ".join(f"{count} {way}" for way, count in document["counts"].items())]
    lines += _shown(document["records"])
    for entity, names in document["excluded"].items():
        lines.append(f"Never touched in {entity}, for it is written once only: {', '.join(names)}")
    if document["applied"]:
        lines.append(f"Undo it with: crossfade rollback --run {document['run_id']} --apply")
    else:
        lines.append("Nothing was written. Stop the sink, then do it with: crossfade rollback … --apply")
    return "\n".join(lines)


def _shown(records: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{one['entity']} {one['key']} {name}: {is_now!r} becomes {was!r}"
        for one in records
        for name, (is_now, was) in (one["values"] or {}).items()
    ]
