"""An error of a database names the server and the settings that lead to it, and never who logs in."""

import socket

import pymysql
import pytest
from pydantic import SecretStr

from clients.mysql import Database
from clients.mysql_errors import ValueRefused, error_of
from plumbing.errors import Action, DependencyUnreachable
from plumbing.settings import LedgerSettings, MysqlSettings

HOST, USER, PASSWORD = "db.example.com", "a_user", "a_password"


def _at(kind: type[MysqlSettings], host: str = HOST, port: int = 3307) -> MysqlSettings:
    return kind(host=host, port=port, user=USER, password=SecretStr(PASSWORD), name="n", timeout_seconds=5)


@pytest.mark.parametrize(
    ("kind", "block"),
    [
        pytest.param(MysqlSettings, "splynx.db", id="Splynx's database"),
        pytest.param(LedgerSettings, "ledger", id="a ledger on a server of its own"),
    ],
)
@pytest.mark.parametrize(
    "errno",
    [
        pytest.param(2003, id="away"),
        pytest.param(2013, id="lost in a statement"),
        pytest.param(1213, id="deadlock"),
        pytest.param(1045, id="wrong password"),
        pytest.param(1153, id="statement too long"),
        pytest.param(1290, id="read only"),
        pytest.param(1146, id="no such table"),
        pytest.param(1264, id="out of range"),
    ],
)
def test_every_error_names_server_and_settings_and_nobody(kind: type[MysqlSettings], block: str, errno: int) -> None:
    refusal = pymysql.err.OperationalError(errno, f"Access denied for '{USER}' (using {PASSWORD})")
    text = str(error_of(refusal, _at(kind)))
    assert f"{HOST}:3307 ({block} in the settings)" in text
    assert str(errno) in text
    assert USER not in text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    "errno",
    [
        pytest.param(1040, id="of all"),
        pytest.param(1203, id="of each user"),
        pytest.param(1226, id="of this user"),
    ],
)
def test_too_many_connections_pass(errno: int) -> None:
    error = error_of(pymysql.err.OperationalError(errno, "too many"), _at(MysqlSettings))
    assert (type(error), error.action) == (DependencyUnreachable, Action.RETRY)


@pytest.mark.parametrize(
    "errno",
    [
        pytest.param(1264, id="out of range"),
        pytest.param(1265, id="no member of an enum"),
        pytest.param(1292, id="no such day"),
        pytest.param(1366, id="a character that the column has not"),
        pytest.param(1406, id="too long"),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_a_fault_of_one_record(errno: int) -> None:
    error = error_of(pymysql.err.DataError(errno, "Data too long for column 'comment'"), _at(MysqlSettings))
    assert isinstance(error, ValueRefused)
    assert error.action is Action.DEAD_LETTER


async def test_a_server_that_is_away_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        port = closed.getsockname()[1]
        with pytest.raises(DependencyUnreachable, match=rf"127\.0\.0\.1:{port} \(ledger in the settings\)") as caught:
            await Database(_at(LedgerSettings, "127.0.0.1", port)).open()
    assert USER not in str(caught.value)


async def test_a_database_that_was_never_opened_is_named() -> None:
    with pytest.raises(DependencyUnreachable, match=rf"{HOST}:3307 \(splynx.db in the settings\)"):
        await Database(_at(MysqlSettings)).fetch("SELECT 1")
