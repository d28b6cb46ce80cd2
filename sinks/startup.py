"""Before the first batch: is this the Splynx that the ledger knows, and does it have what our records need.

Field definitions and flag labels are written under `--apply` only. The epoch marker is the title of a hidden
additional field: the only text of ours that every kind of installation keeps inside Splynx's own schema, so a restored
backup brings an old one back.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from clients.mysql import Database, Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing, RecordRefused
from plumbing import metrics
from plumbing.logs import get_logger
from schemas.aggregate import Target
from schemas.catalogue import FLAG_LABELS, TARGETS, additional_fields
from schemas.ledger import LIVE
from schemas.names import collated
from sinks.entries import Entries
from sinks.errors import FieldUnfit, NameShared
from sinks.lag import STAGE
from sinks.ledger_errors import ForeignTarget, MarkBusy, WrongDatabase
from sinks.plan import Step, Verb
from sinks.store import Ledger

log = get_logger("sink")

FIELDS = "admin/config/additional-fields"
LABELS = "admin/config/labels"
BUILT_IN = "built_in"
"""Aggregate name of what no Sonar object owns: flag labels."""

_EPOCH_MODULE, _EPOCH_FIELD = "customers", "crossfade_epoch"
_MARK_SECONDS = 60
_FLAG_COLOR = "#357bf2"


async def check_epoch(client: SplynxClient, db: Database, ledger: Ledger, *, approve: bool) -> None:
    """Compare the marker in Splynx with the ledger's, and set a new one in both.

    `approve`: take this Splynx as it is (after a restore, with a rebuilt ledger).

    Raises:
        ForeignTarget: they differ; nothing is changed.
        MarkBusy: another process is at it.
    """
    async with _both_marks(db, ledger) as tx:
        theirs = await _marker(client)
        if not approve:
            await _compare(tx, ledger, theirs)
        # Before and after: a crash between the two leaves one of both names right.
        fresh = f"Crossfade {secrets.token_hex(8)}"
        await ledger.set_meta(tx, "epoch_next", fresh)
        if theirs is None:
            body = {"name": _EPOCH_FIELD, "title": fresh, "type": "string", "hidden": "1", "is_add": "0"}
            await client.post(f"{FIELDS}/{_EPOCH_MODULE}", body)
        else:
            await client.put(f"{FIELDS}", f"{_EPOCH_MODULE}--{_EPOCH_FIELD}", {"title": fresh})
        await ledger.set_meta(tx, "epoch", fresh)


async def check_same_target(client: SplynxClient, db: Database, ledger: Ledger) -> None:
    """Whether this still is the Splynx that the ledger knows: a backup may have been restored under a running sink.

    Raises:
        ForeignTarget: it is not.
        MarkBusy: another process writes the marks.
    """
    async with _both_marks(db, ledger) as tx:
        await _compare(tx, ledger, await _marker(client))


async def check_database(client: SplynxClient, db: Database) -> None:
    """Whether `db` is the database of the Splynx that `client` speaks to: both show one mark.

    Raises:
        WrongDatabase: they do not; payments would be written into another Splynx than their customers.
    """
    by_rest = await _marker(client)
    while True:
        rows = await db.fetch(f"SELECT title FROM {_EPOCH_MODULE}_fields WHERE name = %s", (_EPOCH_FIELD,))  # noqa: S608
        if [str(row["title"]) for row in rows] == [by_rest]:
            return
        # A sink that starts renews the mark, and a backup may come back: both could do so between the two reads.
        again = await _marker(client)
        if again == by_rest:
            raise WrongDatabase(f"the database {db.settings.where} is not that of the Splynx at splynx.url")
        by_rest = again


async def _compare(tx: Transaction, ledger: Ledger, theirs: str | None) -> None:
    last = await ledger.meta(tx, "epoch")
    if theirs is None and last is not None:
        raise ForeignTarget("the ledger was used, but this Splynx carries no mark of it")
    if theirs is not None and theirs not in {last, await ledger.meta(tx, "epoch_next")}:
        raise ForeignTarget("the mark inside Splynx is not the one that the ledger wrote last")


@asynccontextmanager
async def _both_marks(db: Database, ledger: Ledger) -> AsyncIterator[Transaction]:
    """While it is open, no other process writes Splynx's mark and the ledger's."""
    name = f"{ledger.schema}.epoch"
    async with db.session() as tx:
        row = await tx.fetch_one("SELECT GET_LOCK(%s, %s) AS got", (name, _MARK_SECONDS))
        if row is None or row["got"] != 1:
            raise MarkBusy(f"another process has held the ledger's mark for {_MARK_SECONDS} s")
        try:
            yield tx
        finally:
            await tx.fetch("SELECT RELEASE_LOCK(%s)", (name,))


async def _marker(client: SplynxClient) -> str | None:
    try:
        row = await client.get(FIELDS, f"{_EPOCH_MODULE}--{_EPOCH_FIELD}")
    except RecordMissing:
        return None
    return str(row["title"])


async def define_fields(client: SplynxClient, targets: Sequence[Target], *, apply: bool) -> list[str]:
    """Define the additional fields that our records need; the names of those that were (or would be) made.

    Raises:
        FieldUnfit: a field is there, and two records could have one value in it.
        RecordRefused: Splynx takes neither the kind nor its fallback.
    """
    made: list[str] = []
    for target in targets:
        if target.module is None:
            continue
        have = {str(row["name"]): row for row in await client.list(f"{FIELDS}/{target.module}")}
        for spec in additional_fields(target):
            if spec.name in have:
                # Uniqueness is what refuses the twin that a late call would make.
                if spec.unique and str(have[spec.name].get("is_unique")) != "1":
                    raise FieldUnfit(f"additional field {spec.name} of {target.module} is not unique in Splynx")
                continue
            have[spec.name] = {"is_unique": "1" if spec.unique else "0"}
            made.append(f"{target.module}.{spec.name}")
            if not apply:
                continue
            body = {
                "name": spec.name, "title": spec.title, "type": spec.kind, "is_unique": "1" if spec.unique else "0",
                "is_required": "0", "is_add": "1", "show_in_list": "0", "searchable": "1",
                "hidden": "1" if spec.hidden else "0",
            }  # fmt: skip
            try:
                await client.post(f"{FIELDS}/{target.module}", body)
            except RecordRefused:
                if spec.fallback is None:
                    raise
                await client.post(f"{FIELDS}/{target.module}", body | {"type": spec.fallback})
    return made


async def short_fields(client: SplynxClient, targets: Sequence[Target]) -> dict[str, list[str]]:
    """`{entity: additional fields}` that Splynx keeps as `string` though our texts may be longer."""
    found: dict[str, list[str]] = {}
    for target in targets:
        wanted = {spec.name for spec in additional_fields(target) if spec.fallback == "string"}
        if wanted:
            rows = await client.list(f"{FIELDS}/{target.module}")
            found[target.entity] = sorted(
                name for row in rows if row["type"] == "string" and (name := str(row["name"])) in wanted
            )
    return found


async def define_flag_labels(client: SplynxClient, db: Database, ledger: Ledger, *, apply: bool) -> list[str]:
    """Make the labels of our flags; the keys of those that were (or would be) made or found.

    A label that an object of Sonar has (its name was free in an earlier release) stays that object's, which is logged;
    ours is made when it has another name.
    """
    async with db.session() as tx:
        known = await ledger.ids_of(tx, "label") if apply or await ledger.exists(tx) else {}
    missing = [key for key in FLAG_LABELS if key not in known]
    if not missing or not apply:
        return missing
    there = {
        collated(str(row["label"])): int(row["id"])
        for row in await client.list(LABELS)
        if str(row.get("module")) == "customers"
    }
    made = []
    for key in missing:
        text = FLAG_LABELS[key]
        target_id = there.get(collated(text))
        if target_id is None:
            answer = await client.post(LABELS, {"module": "customers", "label": text, "color": _FLAG_COLOR})
            target_id = int(answer["id"])
        try:
            await db.retried(partial(_enter_flag, ledger, key, target_id))
        except NameShared as exc:
            log.warning("sink.label_not_made", label=key, error=exc.code, reason=str(exc))
            metrics.ERRORS.labels(STAGE, exc.code).inc()
        else:
            made.append(key)
    return made


async def _enter_flag(ledger: Ledger, key: str, target_id: int, tx: Transaction) -> None:
    await ledger.put_crosswalk(tx, [("label", key, BUILT_IN, 0, target_id, "", 0, LIVE, 0, "{}")])
    # Locked, and after our own row is there, as a record's is.
    step = Step(Verb.CREATE, TARGETS["label"], key, "", None, None)
    await Entries(ledger).not_shared(tx, step, target_id, lock=True)
