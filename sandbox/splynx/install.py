"""Setting a Splynx up on a database server: schema, first rows, and the SQL user that Crossfade works as."""

import asyncio
import re

import pymysql

from sandbox.splynx.database import Server
from sandbox.splynx.seed import KEY_ID, Credentials, statements
from sandbox.splynx.tables import TABLES

_NAME = re.compile(r"^\w+$")


def install(
    server: Server,
    credentials: Credentials | None = None,
    *,
    timezone: str = "America/Chicago",
    currency: str = "USD",
    guards_off: bool = False,
) -> Credentials:
    """Create the schema and its first rows where the database is empty; the key of the installation.

    An installed database is left alone, and its own key is returned.

    Raises:
        pymysql.err.OperationalError: the server is not there or refuses the log-in.
    """
    with connect(server, database=False) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{_checked(server.name)}` CHARACTER SET utf8mb4")
        cursor.execute(f"USE `{server.name}`")
        cursor.execute("SHOW TABLES LIKE 'customers'")
        if cursor.fetchone():
            cursor.execute("SELECT `key`, secret FROM api WHERE id = %s", (KEY_ID,))
            known = cursor.fetchone()
            if known is None:
                raise LookupError("the database holds tables of another origin")
            return Credentials(*known)
        for made in TABLES.values():
            cursor.execute(made.ddl())
        credentials = credentials or Credentials.fresh()
        for sql, values in statements(credentials, timezone=timezone, currency=currency, guards_off=guards_off):
            cursor.execute(sql, values)
        connection.commit()
        return credentials


async def install_async(server: Server, *, guards_off: bool) -> Credentials:
    """The same without blocking the loop."""
    return await asyncio.to_thread(install, server, guards_off=guards_off)


def connect(server: Server, *, database: bool = True) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    """A plain connection in the product's mode."""
    return pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.name if database else None,
        charset="utf8mb4",
        init_command="SET sql_mode=''",
    )


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("a schema's name is made of letters, digits and underscores")
    return name
