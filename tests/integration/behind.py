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
