"""A ledger of an earlier release is brought forward with what it holds; one of a later release is left alone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import SecretStr

from clients.mysql import Database
from console.ledger import migrate, migrated_text
from console.rollback import run_rollback
from console.shapes import members
from plumbing.settings import MysqlSettings, Settings
from schemas.ledger import MIGRATIONS, OVERWRITTEN, TABLES, VERSION, statements
from sinks.ledger_errors import LedgerNewer, LedgerOutdated
from sinks.phase import run_phase
from sinks.store import Ledger
from sinks.tables.journal import Writes
from tests.conftest import MariaDbAccess

_FIRST = {
    # as release 1 made them, before an undoing was kept, what a call sent, and before conflicts were decided
    "intents": """
        id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, entity varchar(32) NOT NULL, record_key varchar(96) NOT NULL,
        aggregate varchar(32) NOT NULL, sonar_id bigint NOT NULL, sequence bigint NOT NULL, method varchar(8) NOT NULL,
        state varchar(16) NOT NULL, partition_no int NOT NULL, token bigint NOT NULL, deadline datetime(3) NOT NULL,
        created_at datetime(3) NOT NULL, KEY by_state (state, partition_no)
    """,
    "journal": """
        id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, run_id varchar(64) NOT NULL, entity varchar(32) NOT NULL,
        record_key varchar(96) NOT NULL, target_id bigint NOT NULL, action varchar(16) NOT NULL,
        before_image mediumtext NULL, sequence bigint NOT NULL, at datetime(3) NOT NULL,
        KEY by_record (entity, record_key)
    """,
    "conflicts": """
        id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, entity varchar(32) NOT NULL, record_key varchar(96) NOT NULL,
        target_id bigint NOT NULL, field varchar(64) NOT NULL, sequence bigint NOT NULL, at datetime(3) NOT NULL,
        KEY by_record (entity, record_key)
    """,
}


@dataclass
class Old:
    """A ledger as release 1 made it."""

    db: Database
    ledger: Ledger

    async def shape(self) -> set[tuple[str, ...]]:
        """Every column and key of its tables."""
        columns = await self.db.fetch(
            "SELECT table_name AS t, column_name AS c, column_type AS k, is_nullable AS n, column_default AS d"
            " FROM information_schema.columns WHERE table_schema = %s",
            (self.db.name,),
        )
        keys = await self.db.fetch(
            "SELECT table_name AS t, index_name AS i, seq_in_index AS s, column_name AS c"
            " FROM information_schema.statistics WHERE table_schema = %s",
            (self.db.name,),
        )
        return {tuple(str(value) for value in row.values()) for row in (*columns, *keys)}


@pytest.fixture
async def old(mariadb: MariaDbAccess, fresh_database: str) -> AsyncIterator[Old]:
    at = MysqlSettings(
        host=mariadb.host, port=mariadb.port, user=mariadb.user, password=SecretStr(mariadb.password),
        name=fresh_database,
    )  # fmt: skip
    async with Database(at) as db:
        async with db.session() as tx:
            for name, made in zip(TABLES, statements(fresh_database), strict=True):
                first = f"CREATE TABLE {name} ({_FIRST[name]})" if name in _FIRST else made
                await tx.execute(first)
            await tx.execute("INSERT INTO meta (name, value) VALUES ('version', '1'), ('phase', 'freeze')")
            await tx.execute(
                "INSERT INTO conflicts (entity, record_key, target_id, field, sequence, at)"
                " VALUES ('customer', '1', 7, 'city', 3, '2026-01-02 03:04:05')"
            )
        yield Old(db, Ledger(fresh_database, "run"))


async def test_a_ledger_of_the_first_release_is_brought_forward_with_what_it_holds(old: Old) -> None:
    async with old.db.session() as tx:
        assert await old.ledger.version(tx) == 1
        with pytest.raises(LedgerOutdated, match="conflicts, intents, journal"):
            await old.ledger.require_current(tx)
        await old.ledger.create(tx)
        assert await old.ledger.version(tx) == VERSION
        await old.ledger.require_current(tx)
        (row,) = await old.ledger.conflicts(tx)
        assert (row["field"], row["state"], row["target"]) == ("city", OVERWRITTEN, None)
        assert await old.ledger.standing(tx, [("customer", "1")]) == {}
        assert await old.ledger.phase(tx) == "freeze"
        brought = await old.shape()
        for name in TABLES:
            await tx.execute(f"DROP TABLE `{name}`")
        await old.ledger.create(tx)
    assert brought == await old.shape()


async def test_what_was_interrupted_is_gone_on_with(old: Old) -> None:
    """Killed between a statement and its note: the tables themselves show what was done."""
    async with old.db.session() as tx:
        await tx.execute(f"ALTER TABLE journal {MIGRATIONS[0].alter}")
        left = ["conflicts", "journal", "intents", "intents"]
        assert [one.table for one in await old.ledger.pending(tx)] == left
        assert [one.table for one in await old.ledger.bring_forward(tx)] == left
        assert await old.ledger.bring_forward(tx) == []


async def test_a_ledger_of_a_later_release_is_left_alone(old: Old) -> None:
    async with old.db.session() as tx:
        await tx.execute("UPDATE meta SET value = %s WHERE name = 'version'", (VERSION + 1,))
        with pytest.raises(LedgerNewer, match=f"version {VERSION + 1}"):
            await old.ledger.create(tx)
        assert await old.ledger.version(tx) == VERSION + 1


async def test_the_command_shows_first_and_then_does_it(old: Old) -> None:
    settings = cast("Settings", SimpleNamespace(ledger_db=old.db.settings))
    foreseen = await migrate(settings, apply=False)
    assert foreseen.keys() | {"version"} == members("ledger migrate") | {"version"}
    assert [(one["version"], one["table"]) for one in foreseen["changes"]] == [(m.version, m.table) for m in MIGRATIONS]
    assert "--apply" in migrated_text(foreseen)
    async with old.db.session() as tx:
        assert await old.ledger.version(tx) == 1
    done = await migrate(settings, apply=True)
    assert (done["version"], done["changes"]) == (1, foreseen["changes"])
    again = await migrate(settings, apply=True)
    assert (again["version"], again["changes"]) == (VERSION, [])
    assert f"version {VERSION}" in migrated_text(again)


async def test_who_reads_a_ledger_of_an_earlier_release_is_told_so_before_anything_else(old: Old) -> None:
    """With a call that is open: its columns of today are not there."""
    async with old.db.session() as tx:
        await tx.execute(
            "INSERT INTO intents (entity, record_key, aggregate, sonar_id, sequence, method, state, partition_no,"
            " token, deadline, created_at)"
            " VALUES ('customer', '1', 'account', 1, 3, 'PUT', 'open', 0, 1, '2026-01-02', '2026-01-02')"
        )
    at = old.db.settings
    settings = Settings.model_validate(
        {
            "instance": "main", "sonar": {"url": "http://127.0.0.1:2", "token": "t"},
            "splynx": {"url": "http://127.0.0.1:1", "key": "k", "secret": "s"},
            "ledger": at.model_dump() | {"password": at.password.get_secret_value()},
            "kafka": {"bootstrap": "127.0.0.1:1"}, "registry": {"url": "http://127.0.0.1:1"},
            "rules": "rules.yaml", "guards": "guards.yaml",
        }
    )  # fmt: skip
    with pytest.raises(LedgerOutdated):
        await run_phase(settings, "closed", apply=True)
    with pytest.raises(LedgerOutdated):
        await run_rollback(settings, Writes(run_id="r"), apply=True, values=False, tell=lambda *_: None)
    async with old.db.session() as tx:
        assert await old.ledger.phase(tx) == "freeze"
