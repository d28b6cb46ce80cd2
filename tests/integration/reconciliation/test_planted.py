"""What somebody changes in Splynx is found, each change once and as what it is, and nothing else."""

import csv
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox.local.library import ROOT
from tests.integration.console.conftest import bare_environment
from tests.integration.reconciliation.conftest import Pair, found, the

COPY = 90_001
"""Id of a service that Splynx made."""

CHARGE = 900_003
"""Id of a ledger row that Splynx made."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def accounts(pair: Pair) -> list[str]:
    """Accounts with payments, the first ones."""
    rows = pair.site.rows(
        "SELECT w.record_key AS account FROM {ledger}.crosswalk w JOIN payments p ON p.customer_id = w.target_id"
        " WHERE w.entity = 'customer' AND p.deleted = '0' GROUP BY w.record_key HAVING COUNT(*) > 1"
        " ORDER BY CAST(w.record_key AS UNSIGNED) LIMIT 6"
    )
    return [row["account"] for row in rows]


def payment_of(pair: Pair, account: str) -> str:
    """The first payment of an account."""
    (row,) = pair.site.rows(
        "SELECT w.record_key AS payment FROM payments p JOIN {ledger}.crosswalk w ON w.entity = 'payment'"
        f" AND w.target_id = p.id WHERE p.customer_id = {pair.target_id('customer', account)} AND p.deleted = '0'"
        " AND w.record_key NOT LIKE '%-R%' ORDER BY p.id LIMIT 1"
    )
    return str(row["payment"])


def first_of(pair: Pair, entity: str) -> dict[str, str]:
    """The first record of an entity: `record_key`, and `target_id` in Splynx."""
    (row,) = pair.site.rows(
        f"SELECT record_key, target_id FROM {{ledger}}.crosswalk WHERE entity = '{entity}' ORDER BY target_id LIMIT 1"
    )
    return row


def charge_of(customer: int) -> str:
    """The statement by which Splynx charges a customer."""
    return (
        "INSERT INTO billing_transactions (id, customer_id, type, unit, price, total, remind_amount, tax_percent,"
        " tax_id, `date`, category, description, comment, period_from, period_to, service_type)"
        f" VALUES ({CHARGE}, {customer}, 'debit', '', 12.5, 12.5, 0, 0, 0, '2026-03-04', 1, 'Fiber', '', '2026-03-01',"
        " '2026-03-31', 'internet')"
    )


def test_a_pair_that_agrees_has_no_finding_in_any_record(pair: Pair) -> None:
    document = pair.reconcile()
    assert (document["code"], document["equal"], document["findings"]) == (0, True, [])
    assert document["customers"] == [30, 30]
    assert document["compared"]["customer"] == document["compared"]["customer_billing"] == 30
    assert document["compared"]["payment"] == document["payments"][0] > 100
    assert document["not_shown"] == {}
    assert {"partner", "label", "customer_info"} <= document["counts"].keys()


def test_without_the_database_all_of_it_is_compared_over_rest(pair: Pair, accounts: list[str]) -> None:
    """Both looks, over REST: what agrees does, and a name, a setting, money and a twin are found."""
    account, payer = accounts[2], accounts[3]
    payment, stray = payment_of(pair, payer), 90_002
    customer, paying = pair.target_id("customer", account), pair.target_id("customer", payer)
    row = pair.target_id("payment", payment)
    (before,) = pair.site.rows(f"SELECT name, login FROM customers WHERE id = {customer}")
    twin = f"({stray}, '{before['login']}', 'active', 'Twin')"
    ledger = pair.site.settings["splynx"]["db"] | {"name": pair.site.splynx.ledger}
    pair.execute(
        f"UPDATE customers SET name = 'Edited By Hand' WHERE id = {customer}",
        f"UPDATE customer_billing SET billing_date = billing_date + 1 WHERE customer_id = {customer}",
        f"UPDATE payments SET amount = amount + 0.01 WHERE id = {row}",
        f"UPDATE customer_billing SET deposit = deposit + 1 WHERE customer_id = {paying}",
        f"INSERT IGNORE INTO customers (id, login, status, name) VALUES {twin}",
        charge_of(paying),
    )
    pair.site.configure(**{"splynx.db": None, "ledger": ledger, "splynx.requests_per_second": 500})
    try:
        document = pair.reconcile()
        doctor = pair.run("doctor", "--json").document
    finally:
        pair.site.configure(**{"sonar.poll_seconds": 0.3, "sonar.safety_lag_seconds": 1})
        pair.execute(
            f"UPDATE customers SET name = '{before['name']}' WHERE id = {customer}",
            f"UPDATE customer_billing SET billing_date = billing_date - 1 WHERE customer_id = {customer}",
            f"UPDATE payments SET amount = amount - 0.01 WHERE id = {row}",
            f"UPDATE customer_billing SET deposit = deposit - 1 WHERE customer_id = {paying}",
            f"DELETE FROM customers WHERE id = {stray}",
            f"DELETE FROM billing_transactions WHERE id = {CHARGE}",
        )
    assert {one for one in found(document) if one[0] not in {"balance", "M7", "counts"}} == {
        ("record", "transaction", f"splynx:{CHARGE}", "kind day minor"),
        ("M1", "customer_billing", payer, "deposit_minor"),
        ("fields", "customer", account, "name"),
        ("fields", "customer_billing", account, "billing_date"),
        ("fields", "payment", payment, "amount"),
        ("record", "payment", payment, "account day method minor"),
        ("twin", "customer", account, "login"),
    }
    assert (document["code"], document["read_by"]) == (3, "rest")
    assert document["compared"]["customer_billing"] == document["compared"]["customer_info"] == 30
    assert document["compared"]["payment"] == document["payments"][0] > 100
    assert document["not_shown"]["payment"] == ["real_create_datetime", "remind_amount"]
    (told,) = [one for one in doctor["checks"] if one["check"] == "splynx database"]
    assert "over REST" in told["says"]


def test_edited_fields_are_found_with_their_bundles_and_without_personal_data(
    pair: Pair, accounts: list[str], tmp_path: Path
) -> None:
    account, payment = accounts[0], payment_of(pair, accounts[1])
    customer, row = pair.target_id("customer", account), pair.target_id("payment", payment)
    (before,) = pair.site.rows(f"SELECT name, city FROM customers WHERE id = {customer}")
    service, tariff = first_of(pair, "internet_service"), first_of(pair, "internet_tariff")
    prices = (
        f"UPDATE services_internet SET unit_price = unit_price {{}} 1 WHERE id = {service['target_id']}",
        f"UPDATE tariffs_internet SET price = price {{}} 1 WHERE id = {tariff['target_id']}",
    )
    pair.execute(
        *(one.format("+") for one in prices),
        f"UPDATE customers SET name = 'Edited By Hand', city = 'Elsewhere' WHERE id = {customer}",
        f"UPDATE customer_billing SET billing_date = billing_date + 1 WHERE customer_id = {customer}",
        f"UPDATE payments SET comment = 'edited' WHERE id = {row}",
    )
    try:
        document = pair.reconcile("--csv", str(tmp_path / "findings.csv"))
    finally:
        pair.execute(
            *(one.format("-") for one in prices),
            f"UPDATE customers SET name = '{before['name']}', city = '{before['city']}' WHERE id = {customer}",
            f"UPDATE customer_billing SET billing_date = billing_date - 1 WHERE customer_id = {customer}",
            f"UPDATE payments SET comment = '' WHERE id = {row}",
        )
    assert document["code"] == 3
    assert found(document) == [
        ("fields", "customer", account, "city"),
        ("fields", "customer", account, "name"),
        ("fields", "customer_billing", account, "billing_date"),
        ("fields", "internet_service", service["record_key"], "unit_price"),
        ("fields", "internet_tariff", tariff["record_key"], "price"),
        ("fields", "payment", payment, "comment"),
    ]
    assert {(one["cause"], one["confirmed"]) for one in document["findings"]} == {("changed in Splynx", True)}
    name = the(document["findings"], field="name")
    assert (name["expected"], name["actual"]) == ("(personal)", "(personal)")
    assert "Edited By Hand" not in str(document)
    assert name["topic"] == f"splynx.{pair.site.settings['instance']}.account"
    (applied,) = pair.site.rows(
        "SELECT partition_no, topic_offset FROM {ledger}.aggregates"
        f" WHERE aggregate = 'account' AND sonar_id = {account}"
    )
    assert (name["partition"], name["offset"]) == (applied["partition_no"], applied["topic_offset"])
    with (tmp_path / "findings.csv").open(newline="") as lines:
        assert [row["key"] for row in csv.DictReader(lines) if row["field"] == "city"] == [account]


def test_a_status_and_a_cent_are_found_in_records_and_in_sums(pair: Pair, accounts: list[str]) -> None:
    account, payer = accounts[0], accounts[1]
    payment = payment_of(pair, payer)
    customer, row = pair.target_id("customer", account), pair.target_id("payment", payment)
    (was,) = pair.site.rows(f"SELECT status FROM customers WHERE id = {customer}")
    other = "blocked" if was["status"] != "blocked" else "active"
    pair.execute(
        "INSERT IGNORE INTO services_internet (id, customer_id, tariff_id, login, status)"
        f" VALUES ({COPY}, {customer}, 1, 'copy', 'stopped')",
        f"UPDATE customers SET status = '{other}' WHERE id = {customer}",
        f"UPDATE payments SET amount = amount + 0.01 WHERE id = {row}",
    )
    try:
        document = pair.reconcile()
    finally:
        pair.execute(
            f"DELETE FROM services_internet WHERE id = {COPY}",
            f"UPDATE customers SET status = '{was['status']}' WHERE id = {customer}",
            f"UPDATE payments SET amount = amount - 0.01 WHERE id = {row}",
        )
    assert document["code"] == 3
    (day,) = [one["key"] for one in document["findings"] if one["check"] == "M7"]
    assert found(document) == sorted(
        [
            ("counts", "customer", was["status"], "records"),
            ("counts", "customer", other, "records"),
            ("counts", "internet_service", "stray", "records"),
            ("M7", "payment", day, "documents sum_minor"),
            ("balance", "customer", payer, "payments_minor"),
            ("record", "customer", account, "status"),
            ("record", "internet_service", f"splynx:{COPY}", "status"),
            ("record", "payment", payment, "account day method minor"),
            ("fields", "customer", account, "status"),
            ("fields", "payment", payment, "amount"),
        ]
    )
    copy = the(document["findings"], key=f"splynx:{COPY}")
    assert (copy["cause"], copy["expected"], copy["actual"]) == ("made in Splynx", None, "stray")
    balance = the(document["findings"], check="balance")
    assert int(balance["actual"]) == int(balance["expected"]) + 1


def test_missing_and_doubled_rows_are_found(pair: Pair, accounts: list[str]) -> None:
    gone, payer, doubled = accounts[2], accounts[3], accounts[4]
    missing, twice = payment_of(pair, payer), payment_of(pair, doubled)
    customer, original = pair.target_id("customer", doubled), pair.target_id("payment", twice)
    columns = [row["Field"] for row in pair.site.rows("SHOW COLUMNS FROM payments") if row["Field"] != "id"]
    (at,) = pair.site.rows("SHOW COLUMNS FROM customers WHERE Field = 'id'")
    assert at["Extra"] == "auto_increment"
    fields = [row["Field"] for row in pair.site.rows("SHOW COLUMNS FROM customers") if row["Field"] != "id"]
    own, all_of = ", ".join(f"`{one}`" for one in columns), ", ".join(f"`{one}`" for one in fields)
    pair.execute(
        f"UPDATE customers SET deleted = '1' WHERE id = {pair.target_id('customer', gone)}",
        f"UPDATE payments SET deleted = '1' WHERE id = {pair.target_id('payment', missing)}",
        f"INSERT INTO payments ({own}) SELECT {own} FROM payments WHERE id = {original}",
        f"INSERT INTO customers ({all_of}) SELECT {all_of} FROM customers WHERE id = {customer}",
    )
    (copy,) = pair.site.rows("SELECT MAX(id) AS id FROM payments")
    (twin,) = pair.site.rows("SELECT MAX(id) AS id FROM customers")
    try:
        document = pair.reconcile()
    finally:
        pair.execute(
            f"UPDATE customers SET deleted = '0' WHERE id = {pair.target_id('customer', gone)}",
            f"UPDATE payments SET deleted = '0' WHERE id = {pair.target_id('payment', missing)}",
            f"DELETE FROM payments WHERE id = {copy['id']}",
            f"DELETE FROM customers WHERE id = {twin['id']}",
        )
    single = [one for one in found(document) if one[0] not in {"counts", "M7"}]
    assert single == sorted(
        [
            ("record", "customer", gone, "status"),
            ("fields", "customer", gone, "record"),
            ("record", "payment", missing, "account day method minor"),
            ("fields", "payment", missing, "record"),
            ("balance", "customer", payer, "payments_minor"),
            ("record", "payment", f"splynx:{copy['id']}", "account day method minor"),
            ("balance", "customer", doubled, "payments_minor"),
            ("twin", "customer", doubled, "login"),
        ]
    )
    assert the(document["findings"], check="fields", key=gone)["cause"] == "removed in Splynx"
    assert the(document["findings"], check="twin")["actual"] == f"splynx:{twin['id']}"
    assert the(document["findings"], key=f"splynx:{copy['id']}")["cause"] == "made in Splynx"
    assert document["code"] == 3


def test_a_deposit_that_is_not_its_ledger_rows_is_found_and_what_splynx_charged_is(
    pair: Pair, accounts: list[str]
) -> None:
    """What it charged is in the deposit of another one: within Splynx all agrees there."""
    customer, charged = pair.target_id("customer", accounts[5]), pair.target_id("customer", accounts[4])
    pair.execute(
        f"UPDATE customer_billing SET deposit = deposit + 1 WHERE customer_id = {customer}",
        charge_of(charged),
        f"UPDATE customer_billing SET deposit = deposit - 12.5 WHERE customer_id = {charged}",
    )
    try:
        document = pair.reconcile()
    finally:
        pair.execute(
            f"UPDATE customer_billing SET deposit = deposit - 1 WHERE customer_id = {customer}",
            f"DELETE FROM billing_transactions WHERE id = {CHARGE}",
            f"UPDATE customer_billing SET deposit = deposit + 12.5 WHERE customer_id = {charged}",
        )
    assert found(document) == [
        ("M1", "customer_billing", accounts[5], "deposit_minor"),
        ("counts", "transaction", "stray", "records"),
        ("record", "transaction", f"splynx:{CHARGE}", "kind day minor"),
    ]
    deposit = the(document["findings"], check="M1")
    assert int(deposit["actual"]) == int(deposit["expected"]) + 100
    charge = the(document["findings"], check="record")
    assert (charge["actual"], charge["cause"]) == ("debit 2026-03-04 1250", "made in Splynx")


def test_deferred_money_is_told_and_is_no_difference(pair: Pair, accounts: list[str]) -> None:
    payment = payment_of(pair, accounts[1])
    row = pair.target_id("payment", payment)
    (counted,) = pair.site.rows(
        "SELECT COUNT(*) AS n FROM {ledger}.crosswalk WHERE entity = 'payment' AND state = 'live'"
    )
    # As after a run that may not write money: the record is held, and Splynx has an older state of it.
    pair.execute(
        "INSERT INTO {ledger}.held SELECT entity, record_key, aggregate, sonar_id, 'deferred', 'sink.deferred', 'r',"
        " NULL, NULL, sequence, hash, document, 't', 0, 0, 'r', updated_at FROM {ledger}.crosswalk"
        f" WHERE entity = 'payment' AND record_key = '{payment}'",
        f"UPDATE payments SET amount = amount + 1 WHERE id = {row}",
    )
    try:
        document = pair.reconcile()
    finally:
        pair.execute(
            f"DELETE FROM {{ledger}}.held WHERE record_key = '{payment}'",
            f"UPDATE payments SET amount = amount - 1 WHERE id = {row}",
        )
    assert (document["code"], document["findings"]) == (0, [])
    (skipped,) = document["skipped"]
    assert (skipped["entity"], skipped["why"], skipped["records"]) == ("payment", "deferred: sink.deferred", 1)
    assert skipped["minor"] > 0
    assert document["compared"]["payment"] == counted["n"] - 1


def test_a_row_that_its_payment_no_longer_owns_is_found_as_not_withdrawn(pair: Pair, accounts: list[str]) -> None:
    owner, stranger = payment_of(pair, accounts[0]), payment_of(pair, accounts[1])
    here = f"WHERE entity = 'payment' AND record_key = '{stranger}'"
    pair.execute(f"UPDATE {{ledger}}.crosswalk SET sonar_id = {owner} {here}")
    try:
        document = pair.reconcile()
    finally:
        pair.execute(f"UPDATE {{ledger}}.crosswalk SET sonar_id = {stranger} {here}")
    assert found(document) == [("fields", "payment", stranger, "record")] * 2
    assert sorted(str(one["expected"]) for one in document["findings"]) == ["present", "withdrawn"]


def test_a_pilot_is_compared_alone(pair: Pair, accounts: list[str]) -> None:
    rules = yaml.safe_load((pair.site.folder / "rules.yaml").read_text())
    pair.site.write("rules.yaml", {**rules, "scope": {"accounts": [int(accounts[0])]}})
    outside = pair.target_id("customer", accounts[1])
    pair.execute(f"UPDATE customers SET city = CONCAT(city, '!') WHERE id = {outside}")
    try:
        document = pair.reconcile()
    finally:
        pair.site.write("rules.yaml", rules)
        pair.execute(f"UPDATE customers SET city = TRIM(TRAILING '!' FROM city) WHERE id = {outside}")
    assert (document["code"], document["findings"]) == (0, [])
    assert document["customers"] == [1, 1]
    assert document["compared"]["customer"] == 1
    assert {"entity": "customer", "why": "outside the pilot", "records": 29, "minor": 0} in document["skipped"]


def test_repeated_it_goes_on_and_ends_at_once_when_told(pair: Pair) -> None:
    command = pair.command("reconcile", "--every", "0.01")
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=bare_environment(), text=True) as process:
        try:
            assert process.stdout is not None
            for _ in range(2):
                while "Equal: no differences." not in (line := process.stdout.readline()):
                    assert line, "it ended by itself"
            process.terminate()
            assert process.wait(15) == 0
        finally:
            process.kill()
