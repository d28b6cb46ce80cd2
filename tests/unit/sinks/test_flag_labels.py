"""The labels of our flags: made, found by their name, and never taken from an object of Sonar."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from clients.mysql import Database, Transaction
from clients.splynx import SplynxClient
from schemas.catalogue import FLAG_LABELS
from sinks.startup import define_flag_labels
from sinks.store import Ledger


class Splynx:
    """Labels only."""

    def __init__(self, **labels: int) -> None:
        self.rows = [{"id": id, "module": "customers", "label": text} for text, id in labels.items()]

    async def list(self, path: str) -> list[dict[str, Any]]:
        assert path == "admin/config/labels"
        return self.rows

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.rows.append({"id": 100 + len(self.rows), **body})
        return self.rows[-1]


class Kept:
    """A ledger and its database in one: `{key: id in Splynx}` of labels, put back when a transaction fails."""

    def __init__(self, **labels: int) -> None:
        self.labels = {name.replace("_", ":"): id for name, id in labels.items()}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        yield cast("Transaction", None)

    async def retried(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        before = copy.copy(self.labels)
        try:
            await work(cast("Transaction", None))
        except Exception:
            self.labels = before
            raise

    async def exists(self, tx: Transaction) -> bool:
        return True

    async def ids_of(self, tx: Transaction, entity: str) -> dict[str, int]:
        return self.labels

    async def put_crosswalk(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        self.labels |= {row[1]: row[4] for row in rows}

    async def other_of(self, tx: Transaction, key: tuple[str, str], target_id: int, *, lock: bool) -> str | None:
        return next((one for one, id in self.labels.items() if id == target_id and one != key[1]), None)


async def _define(splynx: Splynx, kept: Kept, *, apply: bool = True) -> list[str]:
    client, db, ledger = cast("SplynxClient", splynx), cast("Database", kept), cast("Ledger", kept)
    return await define_flag_labels(client, db, ledger, apply=apply)


async def test_each_is_made_once() -> None:
    splynx, kept = Splynx(), Kept()
    assert await _define(splynx, kept, apply=False) == list(FLAG_LABELS)
    assert splynx.rows == []
    assert await _define(splynx, kept) == list(FLAG_LABELS)
    assert [row["label"] for row in splynx.rows] == list(FLAG_LABELS.values())
    assert await _define(splynx, kept) == []


async def test_one_that_the_isp_has_already_is_used_however_it_is_written() -> None:
    splynx, kept = Splynx(Delinquent=7), Kept()
    await _define(splynx, kept)
    assert kept.labels["flag:delinquent"] == 7
    assert [row["label"] for row in splynx.rows].count("delinquent") == 0


async def test_one_whose_name_a_group_of_sonar_has_is_left_out_until_the_group_has_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A newer release brings a flag, and a group had its name before."""
    splynx, kept = Splynx(Archived=7), Kept(group_3=7)
    others = [key for key in FLAG_LABELS if key != "flag:archived"]
    assert await _define(splynx, kept) == others
    assert kept.labels["group:3"] == 7
    assert "flag:archived" not in kept.labels
    told = capsys.readouterr()
    assert "sink.name_shared" in told.out + told.err
    assert "flag:archived" in told.out + told.err

    splynx.rows[0]["label"] = "Archived #3"
    assert await _define(splynx, kept) == ["flag:archived"]
    assert kept.labels["flag:archived"] != 7
