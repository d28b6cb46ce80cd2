"""The schema on the server: what the product's tables refuse and what they take."""

from collections import Counter

import pymysql
import pytest

from sandbox.splynx import grants
from sandbox.splynx.database import Server
from sandbox.splynx.install import clear, connect, install
from sandbox.splynx.seed import Credentials, statements
from sandbox.splynx.tables import TABLES
from tests.integration.sandbox_splynx.conftest import Splynx


def test_no_table_has_a_unique_index_beside_its_primary_key(installed: tuple[Server, Credentials]) -> None:
    with connect(installed[0]) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, index_name FROM information_schema.statistics"
            " WHERE table_schema = DATABASE() AND non_unique = 0 AND index_name <> 'PRIMARY'"
        )
        assert cursor.fetchall() == ()


def test_enum_members_stand_in_the_products_order(installed: tuple[Server, Credentials]) -> None:
    with connect(installed[0]) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, column_type FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND data_type = 'enum'"
        )
        on_server = {(table, column): kind for table, column, kind in cursor.fetchall()}
    assert on_server["customers", "status"] == "enum('new','active','blocked','disabled')"
    assert on_server["customers", "deleted"] == "enum('1','0')"
    assert on_server["payments", "deleted"] == "enum('0','1')"
    for table in TABLES.values():
        for column in table.columns:
            if column.members:
                assert on_server[table.name, column.name] == column.type


async def test_a_flag_is_compared_as_text(splynx: Splynx) -> None:
    customer = await splynx.customer()
    assert splynx.sql("SELECT id FROM customers WHERE id = %s AND deleted = '0'", [customer])
    assert not splynx.sql("SELECT id FROM customers WHERE id = %s AND deleted = 0", [customer])


async def test_foreign_keys_refuse_a_ledger_row_of_nobody_and_a_payment_has_none(splynx: Splynx) -> None:
    with pytest.raises(pymysql.err.IntegrityError):
        splynx.sql("INSERT INTO billing_transactions (customer_id, type) VALUES (999999, 'credit')")
    splynx.sql("INSERT INTO payments (customer_id, amount) VALUES (999999, 1)")


async def test_what_sql_writes_is_what_the_api_shows(splynx: Splynx) -> None:
    customer = await splynx.customer()
    splynx.sql(
        "INSERT INTO payments (customer_id, payment_type, receipt_number, `date`, amount, remind_amount)"
        " VALUES (%s, 1, 'SQL1', '2024-05-01', 12.5, 12.5)",
        [customer],
    )
    (row,) = (await splynx.call("GET", "finance/payments?main_attributes[receipt_number]=SQL1")).body
    assert (row["customer_id"], row["amount"], row["date"]) == (customer, 12.5, "2024-05-01")
    assert row["real_create_datetime"] == "0000-00-00 00:00:00"
    assert (await splynx.side_effects())["mails"] == []


def test_installing_again_changes_nothing_and_returns_the_same_key(installed: tuple[Server, Credentials]) -> None:
    server, credentials = installed
    assert install(server) == credentials


def test_a_cleared_database_is_installed_as_if_it_were_empty(installed: tuple[Server, Credentials]) -> None:
    server, credentials = installed
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO partners (name) VALUES ('Second')")
        cursor.execute("INSERT INTO customers (name, partner_id, location_id) VALUES ('Ada Example', 1, 1)")
        connection.commit()
    clear(server)
    assert install(server, credentials) == credentials
    fresh = Counter(
        sql.split("`")[1] for sql, _ in statements(credentials, timezone="UTC", currency="USD", guards_off=False)
    )
    with connect(server) as connection, connection.cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"SELECT COUNT(*) FROM `{name}`")
            assert cursor.fetchone() == (fresh[name],), name
        for table, number in (("partners", 2), ("customers", 1)):
            cursor.execute(f"INSERT INTO {table} (name) VALUES ('First')")
            assert cursor.lastrowid == number


def test_tables_with_settings_but_without_a_key_of_ours_are_left_alone(installed: tuple[Server, Credentials]) -> None:
    server, _ = installed
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE api SET id = id + 1000")
        connection.commit()
        try:
            with pytest.raises(LookupError, match="another origin"):
                install(server)
        finally:
            cursor.execute("UPDATE api SET id = id - 1000")
            connection.commit()


def test_the_granted_user_writes_money_and_its_ledger_and_nothing_else(installed: tuple[Server, Credentials]) -> None:
    server, _ = installed
    schema = f"{server.name}_ledger"
    grants.create_user(server, "xf_test", "a secret", ledger=schema, host="127.0.0.1")
    try:
        user = Server(server.host, server.port, "xf_test", "a secret", server.name)
        with connect(user) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM customers")
            cursor.execute("UPDATE customer_billing SET deposit = deposit WHERE customer_id = 0")
            cursor.execute(f"CREATE TABLE `{schema}`.journal (id int)")
            for refused in ("UPDATE customers SET name = ''", "DELETE FROM payments", "UPDATE api SET secret = ''"):
                with pytest.raises(pymysql.err.OperationalError) as error:
                    cursor.execute(refused)
                assert error.value.args[0] == 1142
    finally:
        with connect(server) as connection, connection.cursor() as cursor:
            cursor.execute("DROP USER IF EXISTS 'xf_test'@'127.0.0.1'")
            cursor.execute(f"DROP DATABASE IF EXISTS `{schema}`")
