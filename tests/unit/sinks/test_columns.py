"""Columns as both kinds of database server tell them, and what differs from what was approved."""

import pytest

from clients.mysql import Row
from sinks.columns import differences, known_columns, told, unusable

KNOWN = known_columns()


def _row(type: str, nullable: str, initial: str | None, extra: str) -> Row:
    return {"type": type, "nullable": nullable, "initial": initial, "extra": extra}


# As MySQL 8.0 and MariaDB 10.11 list one and the same column in `information_schema.columns`.
@pytest.mark.parametrize(
    ("mysql", "mariadb", "is_"),
    [
        pytest.param(
            _row("int unsigned", "NO", None, "auto_increment"), _row("int(10) unsigned", "NO", None, "auto_increment"),
            "int unsigned auto", id="a number that the server gives",
        ),
        pytest.param(
            _row("int unsigned", "YES", None, ""), _row("int(10) unsigned", "YES", "NULL", ""),
            "int unsigned null", id="nothing or a number",
        ),
        pytest.param(
            _row("tinyint unsigned", "NO", "0", ""), _row("tinyint(3) unsigned", "NO", "0", ""),
            "tinyint unsigned = 0", id="a number with a default",
        ),
        pytest.param(
            _row("enum('0','1')", "NO", "0", ""), _row("enum('0','1')", "NO", "'0'", ""),
            "enum('0','1') = 0", id="a flag",
        ),
        pytest.param(
            _row("varchar(32)", "NO", "", ""), _row("varchar(32)", "NO", "''", ""), "varchar(32) = ", id="no text",
        ),
        pytest.param(
            _row("decimal(19,4)", "NO", "0.0000", ""), _row("decimal(19,4)", "NO", "0.0000", ""),
            "decimal(19,4) = 0.0000", id="money",
        ),
        pytest.param(
            _row("datetime", "YES", "CURRENT_TIMESTAMP", "DEFAULT_GENERATED"),
            _row("datetime", "YES", "current_timestamp()", ""), "datetime null = now", id="an instant",
        ),
        pytest.param(
            _row("datetime", "NO", "CURRENT_TIMESTAMP", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP"),
            _row("datetime", "NO", "current_timestamp()", "on update current_timestamp()"),
            "datetime = now on update now", id="an instant that follows each change",
        ),
        pytest.param(
            _row("int", "YES", None, "STORED GENERATED"), _row("int(11)", "YES", "NULL", "STORED GENERATED"),
            "int null STORED GENERATED", id="computed",
        ),
    ],
)  # fmt: skip
def test_both_servers_tell_the_same_of_one_column(mysql: Row, mariadb: Row, is_: str) -> None:
    assert told(mysql) == told(mariadb) == is_


def test_what_is_known_differs_from_itself_in_nothing_and_can_be_written() -> None:
    assert differences(KNOWN, KNOWN) == []
    assert unusable(KNOWN) == []


def test_each_difference_is_named() -> None:
    live = KNOWN | {("payments", "amount"): "decimal(19,2)", ("payments", "channel"): "int null"}
    del live["payments", "payment_statement_id"]
    assert differences(live, KNOWN) == [
        "payments.amount is decimal(19,2), and was decimal(19,4)",
        "payments.channel is new: int null",
        "payments.payment_statement_id is gone, and was int null",
    ]


@pytest.mark.parametrize("name", ["receipt_number", "updated_at"])
def test_a_column_that_is_written_and_gone_cannot_be_approved(name: str) -> None:
    live = {key: is_ for key, is_ in KNOWN.items() if key != ("payments", name)}
    assert unusable(live) == [f"payments has no {name}, which is written"]


@pytest.mark.parametrize(
    ("is_", "refused"),
    [
        ("int unsigned", True),
        ("enum('a','b')", True),
        ("int null", False),
        ("int = 0", False),
        ("varchar(5) = ", False),
        ("int STORED GENERATED", False),
    ],
)
def test_a_new_column_that_needs_a_value_cannot_be_approved(is_: str, refused: bool) -> None:
    says = ["payments.channel needs a value, and none is written"] if refused else []
    assert unusable(KNOWN | {("payments", "channel"): is_}) == says
