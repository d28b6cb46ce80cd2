"""Splynx's database and the ledger beside it, as root sees them: behind the back of everything under test."""

from typing import Any

import pymysql

from sandbox.local.sandboxes import SplynxSandbox
from tests.conftest import MariaDbAccess


def rows(mariadb: MariaDbAccess, splynx: SplynxSandbox, sql: str, *values: object) -> list[dict[str, Any]]:
    """Rows of Splynx's schema; `{ledger}` names the ledger's."""
    with (
        mariadb.connect(splynx.database) as connection,
        connection.cursor(pymysql.cursors.DictCursor) as cursor,
    ):
        cursor.execute(sql.replace("{ledger}", f"`{splynx.ledger}`"), values or None)
        return [dict(row) for row in cursor.fetchall()]


def run(mariadb: MariaDbAccess, splynx: SplynxSandbox, sql: str, *values: object) -> None:
    """Change something."""
    with mariadb.connect(splynx.database) as connection, connection.cursor() as cursor:
        cursor.execute(sql.replace("{ledger}", f"`{splynx.ledger}`"), values or None)


Backup = dict[str, list[tuple[object, ...]]]
"""`{table: its rows}`."""


def back_up(mariadb: MariaDbAccess, splynx: SplynxSandbox) -> Backup:
    """Every row of Splynx's schema."""
    found = {}
    with mariadb.connect(splynx.database) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT * FROM `{table}`")
            found[table] = list(cursor.fetchall())
    return found


def restore(mariadb: MariaDbAccess, splynx: SplynxSandbox, backup: Backup) -> None:
    """Splynx as it was."""
    with mariadb.connect(splynx.database) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute("SET sql_mode = ''")  # zero dates
        for table, rows in backup.items():
            cursor.execute(f"SELECT COUNT(*) FROM `{table}`")
            if cursor.fetchall() == ((0,),) and not rows:
                continue
            cursor.execute(f"DELETE FROM `{table}`")
            if rows:
                marks = ", ".join(["%s"] * len(rows[0]))
                cursor.executemany(f"INSERT INTO `{table}` VALUES ({marks})", rows)
