"""What somebody changed in Splynx behind us, field by field: undecided, decided, over."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from clients.mysql import Row, Transaction
from schemas.ledger import KEPT, OPEN, OVERWRITTEN, STANDING, TAKEN, UNSETTLED
from sinks.tables.base import Key, Tables, chunks, dumped, marks, naive
from sinks.threeway import Standing, Told


class Conflicts(Tables):
    """Of each field the last entry counts; earlier ones are its history. No values in logs: they may be personal."""

    async def standing(self, tx: Transaction, keys: Iterable[Key]) -> dict[Key, dict[str, Standing]]:
        """`{record: {field: its conflict}}` of those by which Splynx's value stays: one look-up for a batch."""
        found: dict[Key, dict[str, Standing]] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                "SELECT id, entity, record_key, field, state, base, source, target"
                f" FROM {self.table('conflicts')} WHERE entity = %s AND record_key IN ({marks(part)}) ORDER BY id",
                [first, *part],
            ):
                of_record = found.setdefault((row["entity"], row["record_key"]), {})
                of_record.pop(row["field"], None)
                if row["state"] in STANDING:
                    of_record[row["field"]] = Standing(
                        int(row["id"]), row["state"], value(row["base"]), value(row["source"]), value(row["target"])
                    )
        return {key: fields for key, fields in found.items() if fields}

    async def tell_conflicts(self, tx: Transaction, told: Sequence[tuple[Key, int, int, Told]]) -> None:
        """Keep conflicts, each `(record, id in Splynx, sequence, what is told)`. Telling one again adds nothing."""
        now = self.now()
        rows = []
        for (entity, key), target_id, sequence, one in told:
            settled = (one.by, self.run_id, now) if one.state != UNSETTLED else (None, None, None)
            values = (dumped(one.base), dumped(one.source), dumped(one.target))
            row = one.row or await self._repeated(tx, (entity, key), sequence, one)
            if row is not None and one.state == UNSETTLED:
                decided = await tx.fetch_one(
                    f"SELECT source FROM {self.table('conflicts')} WHERE id = %s AND state <> %s FOR UPDATE",
                    (row, UNSETTLED),
                )
                if decided is not None and decided["source"] == dumped(one.source):
                    continue  # what somebody decided meanwhile stays decided
                # But of a value that was not looked at nobody decided.
                row = row if decided is None else None
            if row is not None:
                await tx.execute(
                    f"UPDATE {self.table('conflicts')} SET target_id = %s, sequence = %s, at = %s, state = %s,"
                    " base = %s, source = %s, target = %s, settled_by = %s, settled_run = %s, settled_at = %s"
                    " WHERE id = %s",
                    (target_id, sequence, now, one.state, *values, *settled, row),
                )
            else:
                rows.append((entity, key, target_id, one.field, sequence, now, one.state, *values, now, *settled))
        await tx.insert_many(
            f"INSERT INTO {self.table('conflicts')} (entity, record_key, target_id, field, sequence, at, state, base,"
            " source, target, since, settled_by, settled_run, settled_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )

    async def _repeated(self, tx: Transaction, key: Key, sequence: int, one: Told) -> int | None:
        """The entry that the same write made before it was interrupted: told before the call, so told twice."""
        row = await tx.fetch_one(
            f"SELECT id, sequence, state, target FROM {self.table('conflicts')}"
            " WHERE entity = %s AND record_key = %s AND field = %s ORDER BY id DESC LIMIT 1",
            (*key, one.field),
        )
        if row is None or (row["sequence"], row["state"], row["target"]) != (sequence, one.state, dumped(one.target)):
            return None
        return int(row["id"])

    async def conflict_counts(self, tx: Transaction) -> dict[tuple[str, str], int]:
        """`{(entity, state): conflicts}`, of those that nobody decided yet, and all others."""
        rows = await tx.fetch(
            f"SELECT entity, state, COUNT(*) AS n FROM {self.table('conflicts')} GROUP BY entity, state"
        )
        return {(row["entity"], row["state"]): int(row["n"]) for row in rows}

    async def conflicts(
        self,
        tx: Transaction,
        *,
        states: Collection[str] = (),
        entities: Collection[str] = (),
        fields: Collection[str] = (),
        account: int | None = None,
        ids: Collection[int] = (),
        run_ids: Collection[str] = (),
        since: datetime | None = None,
        keys: Iterable[Key] | None = None,
    ) -> list[Row]:
        """Entries that fit all of what is given, oldest first, each with the account that owns it as `account`.

        `run_ids`, `since`: of the decision. `keys`: of these records; an empty one fits none.
        """
        where, values = ["1 = 1"], list[Any]()
        for column, wanted in (("n.state", states), ("n.entity", entities), ("n.field", fields), ("n.id", ids)):
            if wanted:
                where.append(f"{column} IN ({marks(wanted)})")
                values += sorted(wanted)
        if account is not None:
            where.append("a.owner_id = %s")
            values.append(account)
        if run_ids:
            where.append(f"n.settled_run IN ({marks(run_ids)})")
            values += sorted(run_ids)
        if since is not None:
            where.append("n.settled_at >= %s")
            values.append(naive(since))
        if keys is not None:
            parts = [(first, part) for first, part in chunks(keys)]
            where.append("(" + " OR ".join(f"(n.entity = %s AND n.record_key IN ({marks(p)}))" for _, p in parts) + ")")
            if not parts:
                return []
            values += [one for first, part in parts for one in (first, *part)]
        return await tx.fetch(
            f"SELECT n.*, a.owner_id AS account FROM {self.table('conflicts')} n"
            f" LEFT JOIN {self.table('crosswalk')} c ON c.entity = n.entity AND c.record_key = n.record_key"
            f" LEFT JOIN {self.table('aggregates')} a ON a.aggregate = c.aggregate AND a.sonar_id = c.sonar_id"
            f" WHERE {' AND '.join(where)} ORDER BY n.id",
            values,
        )

    async def keep_splynx_values(self, tx: Transaction, ids: Iterable[int], by: str) -> int:
        """Decide for Splynx where nobody decided yet; how many that were."""
        wanted = sorted(set(ids))
        if not wanted:
            return 0
        return await tx.execute(
            f"UPDATE {self.table('conflicts')} SET state = %s, settled_by = %s, settled_run = %s, settled_at = %s"
            f" WHERE state = %s AND id IN ({marks(wanted)})",
            [KEPT, by, self.run_id, self.now(), UNSETTLED, *wanted],
        )

    async def leave_conflicts(self, tx: Transaction, keys: Iterable[Key], by: str) -> None:
        """Records that are written no more: what was typed into them stays."""
        for first, part in chunks(keys):
            await tx.execute(
                f"UPDATE {self.table('conflicts')} SET state = %s, settled_by = %s, settled_run = %s, settled_at = %s"
                f" WHERE state = %s AND entity = %s AND record_key IN ({marks(part)})",
                [KEPT, by, self.run_id, self.now(), UNSETTLED, first, *part],
            )

    async def doubtful(self, tx: Transaction) -> set[int]:
        """Partitions with calls that are to overwrite edits, and of which nobody knows what became of them."""
        rows = await tx.fetch(
            f"SELECT DISTINCT i.partition_no FROM {self.table('intents')} i JOIN {self.table('conflicts')} n"
            " ON n.entity = i.entity AND n.record_key = i.record_key AND n.settled_run = i.run_id"
            " WHERE i.state = %s AND i.method = 'PUT' AND n.state IN (%s, %s)",
            (OPEN, TAKEN, OVERWRITTEN),
        )
        return {int(row["partition_no"]) for row in rows}

    async def not_overwritten(
        self, tx: Transaction, key: Key, sequence: int, run_id: str, fields: Collection[str]
    ) -> None:
        """A write of a record did not come through: what it told as overwritten in these fields is undecided again.

        `sequence`, `run_id`: of the write. What another write told since stays.
        """
        if fields:
            rows = await self.conflicts(tx, states=[TAKEN, OVERWRITTEN], fields=fields, run_ids=[run_id], keys=[key])
            await self.reopen(tx, [int(row["id"]) for row in rows if row["sequence"] == sequence])

    async def reopen(self, tx: Transaction, ids: Iterable[int]) -> int:
        """Undecided again, where nothing came after; how many."""
        wanted = sorted(set(ids))
        if not wanted:
            return 0
        return await tx.execute(
            f"UPDATE {self.table('conflicts')} n LEFT JOIN {self.table('conflicts')} l"
            " ON l.entity = n.entity AND l.record_key = n.record_key AND l.field = n.field AND l.id > n.id"
            " SET n.state = %s, n.settled_by = NULL, n.settled_run = NULL, n.settled_at = NULL"
            f" WHERE l.id IS NULL AND n.id IN ({marks(wanted)})",
            [UNSETTLED, *wanted],
        )


def value(text: str | None) -> Any:
    """A value as it was kept; None where an earlier release kept none."""
    return None if text is None else json.loads(text)


def values_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{base, source, target}` of an entry."""
    return {name: value(row[name]) for name in ("base", "source", "target")}
