"""What tells on a real server whether a peer wrote our rows; what is said of a Kafka Connect that does not start."""

from pathlib import Path

import pytest

from sandbox.local.processes import StartFailed
from sandbox.local.stack import Addresses
from tests.bench.connect import Connect
from tests.bench.peer_topics import digest, same_row
from tests.conftest import MariaDbAccess


def test_a_checksum_sees_every_column_and_no_order(fresh_database: str, mariadb: MariaDbAccess) -> None:
    with mariadb.connect(fresh_database) as connection, connection.cursor() as cursor:

        def of(*rows: str) -> object:
            cursor.execute("CREATE OR REPLACE TABLE t (id int PRIMARY KEY, a varchar(9), b varchar(9), c decimal(9,2))")
            cursor.execute(f"INSERT INTO t VALUES {', '.join(rows)}")
            cursor.execute(digest("t", ["id", "a", "b", "c"]))
            return cursor.fetchone()

        known = of("(1, 'x', NULL, 1)", "(2, 'y', '', 2)")
        assert of("(2, 'y', '', 2)", "(1, 'x', NULL, 1)") == known
        assert of("(1, 'x', '', 1)", "(2, 'y', '', 2)") != known
        assert of("(1, 'x', NULL, 1)", "(2, 'y', '', 2.01)") != known
        assert of("(1, 'X', NULL, 1)", "(2, 'y', '', 2)") != known
        assert of("(1, 'x', NULL, 1)") != known


def test_a_row_is_there_when_all_its_columns_are_as_recorded(fresh_database: str, mariadb: MariaDbAccess) -> None:
    with mariadb.connect(fresh_database) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id int PRIMARY KEY, a varchar(9), c decimal(9,2))")
        cursor.execute("INSERT INTO t VALUES (1, NULL, 1.5)")
        for row, there in (({"id": 1, "a": None, "c": "1.50"}, 1), ({"id": 1, "a": None, "c": "2.50"}, 0)):
            cursor.execute(*same_row("t", row))
            assert cursor.fetchone() == (there,)


def test_a_connect_that_does_not_start_prints_its_own_last_lines(
    stack: Addresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho Error: no such class\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(java.parent), prepend=":")
    connect = Connect(stack, tmp_path / "connect", tmp_path / "jars")
    with pytest.raises(StartFailed, match=r"connect ended while starting.*\n.*no such class"):
        connect.start()
