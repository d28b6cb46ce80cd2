"""`crossfade rollback`: what was written is taken back, from the ledger's journal. Shown first."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from console.history import secret_members
from console.output import table
from console.replay_scope import moment_of
from console.writable import check_writable
from plumbing.errors import ConfigurationError, ExitCode
from plumbing.settings import Settings
from schemas.catalogue import TARGETS
from schemas.rules import read_rules
from schemas.write_paths import WritePaths
from sinks.decisions import kept_values, overwritten_values
from sinks.payments import Payments
from sinks.planned import Planned
from sinks.rest import RestRecords
from sinks.rollback import Rollback, Tell, Writes
from sinks.rollback_writes import RollbackWrites
from sinks.site import Site
from sinks.startup import short_fields
from sinks.undo import AS_WANTED, EXTRA, Way

SHOWN = 1000
"""Records that a result names, and as many of those that are left; a list holds all of them."""


@dataclass
class RolledBack:
    """What a rollback did, or would do. `run_id`: under which it can be undone."""

    applied: bool
    run_id: str | None
    values: bool
    records: list[Planned] = field(default_factory=list)
    """The first of them."""
    counts: Counter[Way] = field(default_factory=Counter)
    stuck: int = 0
    """Left though something of them was to be undone, or undone otherwise than it should be."""
    entities: set[str] = field(default_factory=set)
    reopened: int = 0
    """Conflicts that are undecided again."""
    open_calls: int = 0
    """Of these writes, of which nobody knows yet what became: that is found out first."""

    @property
    def exit_code(self) -> ExitCode:
        """5 when it was done and some stay though they should not, or became something else in Splynx."""
        return ExitCode.PARTLY if self.applied and self.stuck else ExitCode.DONE

    @property
    def whole(self) -> int:
        """Records so far."""
        return self.counts.total()

    def add(self, one: Planned) -> None:
        """Count one, and name it while there are not too many."""
        stuck = bool(one.undo.why) and not one.undo.why.startswith(AS_WANTED)
        self.counts[one.undo.way] += 1
        self.stuck += stuck
        self.entities.add(one.target.entity)
        if len(self.records) < SHOWN or (stuck and self.stuck <= SHOWN):
            self.records.append(one)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "applied": self.applied,
            "run_id": self.run_id,
            "records": [record_of(one, values=self.values) for one in self.records],
            "omitted": self.whole - len(self.records),
            "counts": {way.value: self.counts[way] for way in Way},
            "reopened": self.reopened,
            "open_calls": self.open_calls,
            "excluded": {
                entity: sorted(secret) for entity in sorted(self.entities) if (secret := secret_members(entity))
            },
        }


def record_of(one: Planned, *, values: bool) -> dict[str, Any]:
    """A record as JSON."""
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


def writes_of(run: str | None, batch: str | None, since: str | None, customer: int | None) -> Writes:
    """Which writes the options name.

    Raises:
        ConfigurationError: none, or that is no moment or no batch.
    """
    if run is None and batch is None and since is None and customer is None:
        raise ConfigurationError(
            "a rollback of everything is not meant by saying nothing",
            remedy="Give --run, --batch, --since or --customer, or several of them: what is given must all hold.",
        )
    number: int | None = None
    if batch is not None:
        of, _, text = batch.rpartition("/")
        if not of or not text.isdigit() or run not in {None, of}:
            raise ConfigurationError(
                f"{batch} is no batch" + ("" if run is None else f" of run {run}"),
                remedy="A batch is a run and a number, such as 1772600000-1a2b3c4d/7; `crossfade trace` shows both.",
            )
        run, number = of, int(text)
    return Writes(run, number, None if since is None else moment_of(since), customer)


async def run_rollback(
    settings: Settings,
    writes: Writes,
    *,
    apply: bool,
    values: bool,
    tell: Tell,
    note: Callable[[dict[str, Any]], object] = lambda _: None,
) -> RolledBack:
    """Show what a rollback would do, or do it. `note` is handed every record, a result the first of them.

    Raises:
        ConfigurationError: there are no such writes, or they were undone already.
        GuardsViolated, ForeignTarget, CutOver, RebuildInterrupted: nothing may be written now.
        LedgerOutdated, LedgerNewer: the ledger's tables are of another release.
        Fenced: a sink was started meanwhile; repeating goes on.
        SyncError: Splynx or the ledger does not answer.
    """
    async with Site.open(settings) as site:
        async with site.db.session() as tx:
            await site.ledger.require_current(tx)
        beside, money = settings.ledger_beside_rows, settings.splynx.disposable
        short = await short_fields(site.client, list(TARGETS.values()))
        ways = WritePaths.of(read_rules(settings.rules).file, sql=beside)
        rollback = Rollback(site, short, money=money, ways=ways)
        decided = await kept_values(site, writes)
        begun = await rollback.begun(writes)
        chosen = await rollback.chosen(writes, may_be_none=bool(decided or begun))
        done = RolledBack(apply, site.ledger.run_id if apply else None, values, open_calls=len(begun))
        # Each row is looked at just before it is written: to look at all of them before is to look twice.
        handle = rollback.look_at
        if apply:
            await check_writable(settings, site)
            payments = None
            if beside and money:
                async with site.db.session() as tx:
                    payments = await Payments.of(
                        tx, not_ours=ways.not_ours(TARGETS["payment"]), keep_ids=ways.keeps_ids
                    )
            rest = RestRecords(site.client, site.db, site.ledger, TARGETS, short)
            writing = RollbackWrites(site, rollback, rest, payments)
            if begun:
                await writing.find_out(begun)
                chosen = await rollback.chosen(writes, may_be_none=bool(decided))
            handle = writing.apply
        async with aclosing(rollback.parts(chosen)) as parts:
            async for part in parts:
                handled = await handle(part)
                decided += await overwritten_values(site, handled)
                for one in handled:
                    done.add(one)
                    note(record_of(one, values=values))
                tell("records", done.whole, sum(chosen.records.values()))
        done.reopened = len(decided)
        if apply and decided:
            async with site.db.transaction() as tx:
                await site.ledger.reopen(tx, decided)
        if done.records and done.counts[Way.LEFT] == done.whole and not (done.stuck or decided):
            raise ConfigurationError(
                f"all of it is {done.records[0].undo.why}", remedy="That run can be undone, which writes it again."
            )
        return done


@contextmanager
def listing(path: Path | None) -> Iterator[Callable[[dict[str, Any]], object]]:
    """Takes records and writes each as a line of JSON into `path`; nothing where that is None.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("wb")
    except OSError as exc:
        raise ConfigurationError(f"cannot write {path}: {exc.strerror}", remedy="Give --list another file.") from exc
    with file:
        yield lambda record: file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def text_of(document: dict[str, Any]) -> str:
    """The rollback for people, in the order in which it is done."""
    rows = [["entity", "key", "in Splynx", "what is done", "columns", "why"]]
    rows += [
        [one["entity"], one["key"], str(one["target_id"] or ""), one["way"], ", ".join(one["columns"]), one["why"]]
        for one in document["records"]
    ]
    lines = [table(rows)]
    if document["omitted"]:
        lines.append(f"… and {document['omitted']} more; --list FILE names every one.")
    lines += [", ".join(f"{count} {way}" for way, count in document["counts"].items())]
    if document["reopened"]:
        lines.append(f"Conflicts that are undecided again: {document['reopened']} (crossfade conflicts list)")
    if document["open_calls"]:
        found = "was found out first" if document["applied"] else "is found out first, with --apply"
        lines.append(f"Calls to Splynx with an open outcome: {document['open_calls']}; what became of them {found}.")
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
