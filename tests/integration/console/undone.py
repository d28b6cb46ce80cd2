"""A pair that a first run has written, a second run that is wrong, and what one sees of them when it is taken back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.rollback import RolledBack, run_rollback
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses
from sinks.rollback import Writes
from tests.conftest import MariaDbAccess
from tests.integration.sinks.pair import Pair, account, load, opened, payment

DEPOSITS = (
    "SELECT c.login, b.deposit, (SELECT COALESCE(SUM(IF(t.type = 'credit', t.total, -t.total)), 0)"
    " FROM billing_transactions t WHERE t.customer_id = c.id AND t.deleted = '0') AS ledger_sum"
    " FROM customers c JOIN customer_billing b ON b.customer_id = c.id ORDER BY c.login"
)


@pytest.fixture
async def pair(
    splynx_sandbox: SplynxSandbox,
    mariadb: MariaDbAccess,
    stack: Addresses,
    instance: str,
    tmp_path: Path,
    by_sql: bool,
) -> AsyncIterator[Pair]:
    """Three customers with a payment each, written by a first run."""
    async with opened(splynx_sandbox, mariadb, stack, instance, tmp_path, by_sql=by_sql) as pair:
        load(pair)
        await pair.sink()
        yield pair


def picture(pair: Pair) -> dict[str, Any]:
    """Splynx's rows of ours, without ids and times; the money of each customer, which adds up."""
    deposits = pair.rows(DEPOSITS)
    assert all(row["deposit"] == row["ledger_sum"] for row in deposits)
    return {
        "customers": pair.rows(
            "SELECT login, name, status, email, phone, city, password FROM customers ORDER BY login"
        ),
        "fields": pair.rows(
            "SELECT c.login, v.name, v.value FROM customers_values v JOIN customers c ON c.id = v.id"
            " WHERE v.value <> '' ORDER BY 1, 2"
        ),
        "labels": pair.rows(
            "SELECT c.login, l.label FROM customers_labels x JOIN customers c ON c.id = x.customer_id"
            " JOIN labels l ON l.id = x.label_id ORDER BY 1, 2"
        ),
        "info": pair.rows(
            "SELECT c.login, i.contact_person FROM customer_info i JOIN customers c ON c.id = i.customer_id ORDER BY 1"
        ),
        # One that was made is ended when that is taken back.
        "services": pair.rows(
            "SELECT c.login, s.login AS service, s.description, s.unit_price, s.end_date, t.title FROM customers c"
            " JOIN services_internet s ON s.customer_id = c.id JOIN tariffs_internet t ON t.id = s.tariff_id"
            " WHERE s.status <> 'disabled' ORDER BY 1, 2"
        ),
        "service fields": pair.rows(
            "SELECT s.login, v.name, v.value FROM services_internet s JOIN services_internet_values v ON v.id = s.id"
            " WHERE s.status <> 'disabled' AND v.value <> '' ORDER BY 1, 2"
        ),
        "tariffs": pair.rows("SELECT title, price, speed_download FROM tariffs_internet ORDER BY 1"),
        "tariff fields": pair.rows(
            "SELECT t.title, v.name, v.value FROM tariffs_internet t JOIN tariffs_internet_values v ON v.id = t.id"
            " WHERE v.value <> '' ORDER BY 1, 2"
        ),
        "money": {row["login"]: row["deposit"] for row in deposits if row["deposit"]},
    }


def run_of(pair: Pair, place: int = -1) -> str:
    """The id of one of the runs that wrote, by their order."""
    rows = pair.rows("SELECT run_id FROM {ledger}.journal GROUP BY run_id ORDER BY MIN(id)")
    return str(rows[place]["run_id"])


async def rollback(pair: Pair, *, apply: bool = True, values: bool = False, **which: Any) -> RolledBack:
    """As the command does it."""
    return await run_rollback(pair.settings, Writes(**which), apply=apply, values=values, tell=lambda *_: None)


def ways(result: RolledBack) -> dict[tuple[str, str], str]:
    """`{record: what is done with it}`."""
    return {(one.target.entity, one.key): one.undo.way.value for one in result.records}


async def second_run(pair: Pair) -> None:
    """A customer with another name, a payment with another amount, one that is gone, and a new customer who paid."""
    wrong = account(1, name="Wrong Example", sonar_status="Wrong", customer_labels=[])
    pair.send("account", 1, wrong, sequence=10, owner=1)
    pair.send("payment", 11, payment(11, 1, 999), sequence=11, owner=1)
    pair.send("payment", 12, {"payment": []}, sequence=12, owner=2)
    pair.send("payment", 13, payment(13, 2, 300), sequence=13, owner=2)
    pair.send("account", 4, account(4), sequence=14, owner=4)
    pair.send("payment", 14, payment(14, 4, 400), sequence=15, owner=4)
    await pair.sink()
