"""What Splynx holds, read from its tables, beside what the ledger says of it."""

# ruff: noqa: S608 - statements are made of our own names of tables and schemas

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pymysql

from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses

TABLES = {
    "partner": ("partners", "id"),
    "label": ("labels", "id"),
    "internet_tariff": ("tariffs_internet", "id"),
    "customer": ("customers", "id"),
    "customer_info": ("customer_info", "customer_id"),
    "customer_billing": ("customer_billing", "customer_id"),
    "internet_service": ("services_internet", "id"),
    "payment": ("payments", "id"),
}
"""`{entity: (table, column that the crosswalk points to)}`."""
_WITH_DELETED = ("customers", "payments", "tariffs_internet", "services_internet")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Target:
    """Rows by the source's keys; money in minor units."""

    rows: dict[str, frozenset[str]]
    """`{entity: keys whose row exists and is not deleted}`."""
    services: dict[str, tuple[str, Decimal]]
    """`{key: (account, price of a month)}` of the internet services written."""
    misplaced_services: int
    """Services that run though their customer does not, or the other way round, and copies that Splynx made."""
    payments: dict[str, tuple[str, int]]
    """`{key: (account, amount)}` of the payments written."""
    paid: dict[str, int]
    """`{account: sum of all its payments}`, withdrawn ones with their opposites included."""
    stray_payments: int
    """Payments of customers that no account leads to."""
    deposits: dict[str, int]
    """`{account: deposit}`."""
    ledger: dict[str, int]
    """`{account: credits minus debits of its transactions}`."""
    held: dict[str, Counter[str]]
    """`{state: {entity: records}}`."""


def read_target(addresses: Addresses, splynx: SplynxSandbox) -> Target:
    """Read all of it in one consistent view."""
    connection = pymysql.connect(
        host=addresses.mariadb_host,
        port=addresses.mariadb_port,
        user=addresses.mariadb_user,
        password=addresses.mariadb_password,
        database=splynx.database,
        charset="utf8mb4",
    )
    with connection, connection.cursor() as cursor:

        def fetch(statement: str, *values: object) -> tuple[tuple[Any, ...], ...]:
            cursor.execute(statement, values)
            return tuple(cursor.fetchall())

        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        crosswalk = f"`{splynx.ledger}`.crosswalk"
        rows = {}
        for entity, (table, column) in TABLES.items():
            alive = " AND t.deleted = '0'" if table in _WITH_DELETED else ""
            found = fetch(
                f"SELECT c.record_key FROM {crosswalk} c JOIN {table} t ON t.{column} = c.target_id"
                f" WHERE c.entity = %s AND c.state = 'live'{alive}",
                entity,
            )
            rows[entity] = frozenset(str(row[0]) for row in found)
        accounts = f"JOIN {crosswalk} a ON a.entity = 'customer' AND a.state = 'live' AND a.target_id"
        services = fetch(
            f"SELECT c.record_key, a.record_key, t.unit_price FROM {crosswalk} c"
            f" JOIN services_internet t ON t.id = c.target_id {accounts} = t.customer_id"
            " WHERE c.entity = 'internet_service' AND c.state = 'live' AND t.deleted = '0'"
        )
        misplaced = fetch(
            "SELECT COUNT(*) FROM services_internet t JOIN customers p ON p.id = t.customer_id"
            f" {accounts} = t.customer_id"
            f" LEFT JOIN {crosswalk} c ON c.entity = 'internet_service' AND c.state = 'live' AND c.target_id = t.id"
            " WHERE t.deleted = '0' AND IF(c.target_id IS NULL, t.status <> 'disabled',"
            " (t.status = 'active') <> (p.status IN ('active', 'blocked')))"
        )
        paid = fetch(
            f"SELECT c.record_key, a.record_key, t.amount FROM {crosswalk} c JOIN payments t ON t.id = c.target_id"
            f" {accounts} = t.customer_id WHERE c.entity = 'payment' AND c.state = 'live' AND t.deleted = '0'"
        )
        sums = fetch(
            f"SELECT a.record_key, SUM(t.amount) FROM payments t {accounts} = t.customer_id"
            " WHERE t.deleted = '0' GROUP BY a.record_key"
        )
        stray = fetch(
            f"SELECT COUNT(*) FROM payments t LEFT {accounts} = t.customer_id"
            " WHERE t.deleted = '0' AND a.target_id IS NULL"
        )
        deposits = fetch(f"SELECT a.record_key, t.deposit FROM customer_billing t {accounts} = t.customer_id")
        ledger = fetch(
            "SELECT a.record_key, SUM(CASE t.type WHEN 'credit' THEN t.total ELSE -t.total END)"
            f" FROM billing_transactions t {accounts} = t.customer_id WHERE t.deleted = '0' GROUP BY a.record_key"
        )
        held: dict[str, Counter[str]] = {}
        for state, entity, count in fetch(
            f"SELECT state, entity, COUNT(*) FROM `{splynx.ledger}`.held GROUP BY state, entity"
        ):
            held.setdefault(state, Counter())[entity] = count
    return Target(
        rows=rows,
        services={str(key): (str(account), price) for key, account, price in services},
        misplaced_services=int(misplaced[0][0]),
        payments={str(key): (str(account), minor(amount)) for key, account, amount in paid},
        paid={str(account): minor(amount) for account, amount in sums},
        stray_payments=int(stray[0][0]),
        deposits={str(account): minor(amount) for account, amount in deposits},
        ledger={str(account): minor(amount) for account, amount in ledger},
        held=held,
    )


def minor(amount: Decimal) -> int:
    """Cents, exact.

    Raises:
        ValueError: the amount has a part of a cent.

    >>> minor(Decimal("12.5000"))
    1250
    """
    if amount != amount.quantize(_CENT):
        raise ValueError("an amount in Splynx has a part of a cent")
    return int(amount.quantize(_CENT).scaleb(2))
