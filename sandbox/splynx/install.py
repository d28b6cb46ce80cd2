"""Setting a Splynx up on a database server: schema, first rows, and the SQL user that Crossfade works as."""

import re

import pymysql

from sandbox.splynx.database import Server
from sandbox.splynx.seed import KEY_ID, Credentials, highest_ids, statements
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
    """Create the schema and its first rows where the database is empty or was cleared; the key of the installation.

    An installed database is left alone, and its own key is returned.

    Raises:
        LookupError: the tables are somebody else's.
        pymysql.err.OperationalError: the server is not there or refuses the log-in.
    """
    with connect(server, database=False) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{_checked(server.name)}` CHARACTER SET utf8mb4")
        cursor.execute(f"USE `{server.name}`")
        cursor.execute("SHOW TABLES LIKE 'customers'")
        if cursor.fetchone():
            cursor.execute("SELECT `key`, secret FROM api WHERE id = %s", (KEY_ID,))
            known = cursor.fetchone()
            if known is not None:
                return Credentials(*known)
            cursor.execute("SELECT 1 FROM config LIMIT 1")
            if cursor.fetchone():
                raise LookupError("the database holds tables of another origin")
        else:
            for made in TABLES.values():
                cursor.execute(made.ddl())
        credentials = credentials or Credentials.fresh()
        for sql, values in statements(credentials, timezone=timezone, currency=currency, guards_off=guards_off):
            cursor.execute(sql, values)
        connection.commit()
        return credentials


def clear(server: Server) -> None:
    """Take every row away and keep the tables: the next installation takes a hundredth of the time of a first one."""
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        # To look into all tables is one statement; most are empty, and a DELETE costs the same there.
        filled = (f"(SELECT '{name}' FROM `{name}` LIMIT 1)" for name in TABLES)  # noqa: S608 - our own declarations
        cursor.execute(" UNION ALL ".join(filled))
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM `{name}`")  # noqa: S608 - our own declarations
        connection.commit()
        cursor.execute(
            "SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema = %s"
            " AND auto_increment > 1",
            (server.name,),
        )
        seeded = highest_ids()
        for name, following in cursor.fetchall():
            if following > seeded.get(name, 0) + 1:  # an ALTER takes longer than all else, and most need none
                cursor.execute(f"ALTER TABLE `{name}` AUTO_INCREMENT = 1")


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
        ssl_disabled=True,  # what it is tried with otherwise takes most of the time of a connection
    )


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("a schema's name is made of letters, digits and underscores")
    return name
