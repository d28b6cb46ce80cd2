"""Before the first batch: is this the Splynx that the ledger knows, and does it have what our records need.

Field definitions and flag labels are written under `--apply` only. The epoch marker is the title of a hidden
additional field: the only text of ours that every kind of installation keeps inside Splynx's own schema, so a restored
backup brings an old one back.
"""

import secrets
from collections.abc import Sequence

from clients.mysql import Database
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing, RecordRefused
from schemas.aggregate import Target
from schemas.catalogue import FLAG_LABELS, additional_fields
from schemas.ledger import LIVE
from sinks.errors import ForeignTarget
from sinks.store import Ledger

FIELDS = "admin/config/additional-fields"
LABELS = "admin/config/labels"
BUILT_IN = "built_in"
"""Aggregate name of what no Sonar object owns: flag labels."""

_EPOCH_MODULE, _EPOCH_FIELD = "customers", "crossfade_epoch"
_FLAG_COLOR = "#357bf2"


async def check_epoch(client: SplynxClient, db: Database, ledger: Ledger, *, approve: bool) -> None:
    """Compare the marker in Splynx with the ledger's, and set a new one in both.

    `approve`: take this Splynx as it is (after a restore, with a rebuilt ledger).

    Raises:
        ForeignTarget: they differ; nothing is changed.
    """
    async with db.session() as tx:
        await tx.fetch("SELECT GET_LOCK(%s, 60)", (f"{ledger.schema}.epoch",))
        try:
            last = await ledger.meta(tx, "epoch")
            theirs = await _marker(client)
            if not approve and theirs is None and last is not None:
                raise ForeignTarget("the ledger was used, but this Splynx carries no mark of it")
            if not approve and theirs is not None and theirs not in {last, await ledger.meta(tx, "epoch_next")}:
                raise ForeignTarget("the mark inside Splynx is not the one that the ledger wrote last")
            # Before and after: a crash between the two leaves one of both names right.
            fresh = f"Crossfade {secrets.token_hex(8)}"
            await ledger.set_meta(tx, "epoch_next", fresh)
            if theirs is None:
                body = {"name": _EPOCH_FIELD, "title": fresh, "type": "string", "hidden": "1", "is_add": "0"}
                await client.post(f"{FIELDS}/{_EPOCH_MODULE}", body)
            else:
                await client.put(f"{FIELDS}", f"{_EPOCH_MODULE}--{_EPOCH_FIELD}", {"title": fresh})
            await ledger.set_meta(tx, "epoch", fresh)
        finally:
            await tx.fetch("SELECT RELEASE_LOCK(%s)", (f"{ledger.schema}.epoch",))


async def _marker(client: SplynxClient) -> str | None:
    try:
        row = await client.get(FIELDS, f"{_EPOCH_MODULE}--{_EPOCH_FIELD}")
    except RecordMissing:
        return None
    return str(row["title"])


async def define_fields(client: SplynxClient, targets: Sequence[Target], *, apply: bool) -> list[str]:
    """Define the additional fields that our records need; the names of those that were (or would be) made.

    Raises:
        RecordRefused: Splynx takes neither the kind nor its fallback.
    """
    made: list[str] = []
    for target in targets:
        if target.module is None:
            continue
        have = {str(row["name"]) for row in await client.list(f"{FIELDS}/{target.module}")}
        for spec in additional_fields(target):
            if spec.name in have:
                continue
            have.add(spec.name)
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
    """Make the labels of our flags; the keys of those that were (or would be) made or found."""
    async with db.session() as tx:
        known = await ledger.ids_of(tx, "label") if apply or await ledger.exists(tx) else {}
    missing = [key for key in FLAG_LABELS if key not in known]
    if not missing or not apply:
        return missing
    there = {
        str(row["label"]): int(row["id"]) for row in await client.list(LABELS) if str(row.get("module")) == "customers"
    }
    for key in missing:
        text = FLAG_LABELS[key]
        target_id = there.get(text)
        if target_id is None:
            answer = await client.post(LABELS, {"module": "customers", "label": text, "color": _FLAG_COLOR})
            target_id = int(answer["id"])
        async with db.transaction() as tx:
            await ledger.put_crosswalk(tx, [("label", key, BUILT_IN, 0, target_id, "", 0, LIVE, 0, "{}")])
    return missing
