"""Rights are tried one by one without writing, and asked for only where they are needed."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from clients.mysql import Database
from console.rights import WRITTEN, grants, refused
from plumbing.errors import DependencyRefused
from plumbing.settings import Settings


class Server:
    """Refuses one statement, and remembers all."""

    def __init__(self, refuses: str) -> None:
        self._refuses, self.told = refuses, list[str]()

    async def fetch(self, sql: str) -> list[dict[str, Any]]:
        self.told.append(sql)
        if self._refuses in sql:
            raise DependencyRefused("error 1142")
        return []


@pytest.mark.parametrize(
    ("refuses", "lacking"),
    [
        pytest.param("nothing", [], id="all rights"),
        pytest.param("INSERT INTO `isp`.`payments`", ["INSERT payments"], id="one is missing"),
        pytest.param("UPDATE", [f"UPDATE {table}" for table in WRITTEN], id="one everywhere"),
    ],
)
async def test_a_right_that_is_missing_is_named_and_nothing_is_run(refuses: str, lacking: list[str]) -> None:
    server = Server(refuses)
    assert await refused(cast("Database", server), "isp") == lacking
    assert all(sql.startswith("EXPLAIN ") for sql in server.told)


@pytest.mark.parametrize("beside", [True, False])
def test_rights_to_write_are_asked_for_where_rows_are_written_by_sql(beside: bool) -> None:
    db, ledger = SimpleNamespace(name="isp", user="c"), SimpleNamespace(name="crossfade", user="c")
    settings = SimpleNamespace(splynx=SimpleNamespace(db=db), ledger_db=ledger, ledger_beside_rows=beside)
    told = grants(cast("Settings", settings))
    assert ("GRANT SELECT, UPDATE ON `isp`.`customer_billing` TO 'c'@'%';" in told) is beside
    assert {told[0], told[-1]} == {
        "GRANT SELECT ON `isp`.* TO 'c'@'%';", "GRANT ALL PRIVILEGES ON `crossfade`.* TO 'c'@'%';"
    }  # fmt: skip
