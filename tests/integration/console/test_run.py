"""The whole way with the commands as processes: interrupted, resumed, caught up; then asked where everything is."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from console.shapes import members
from sandbox.local.library import ROOT
from schemas.catalogue import FLAG_LABELS
from tests.integration.console.conftest import ACCOUNTS, Site, bare_environment

pytestmark = pytest.mark.timeout(240)


CATCH_UP = ("run", "--until", "caught-up", "--apply", "--json")
KEPT = {"CROSSFADE_SPLYNX__DISPOSABLE": "false"}
# A run that is ended on its way has to be on its way for a while.
SLOW = {"CROSSFADE_SPLYNX__REQUESTS_PER_SECOND": "8"}
"""This Splynx is not to be thrown away: no money is written into it."""


@pytest.fixture(scope="module")
def copied(site: Site) -> Site:
    """An ISP copied by a run that SIGTERM ended on its way, by one that resumed it, and by one that wrote the money."""
    assert site.crossfade("topics", "--apply").code == 0
    interrupted = subprocess.Popen(
        site.command(*CATCH_UP),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**bare_environment(), **KEPT, **SLOW},
    )
    deadline = time.monotonic() + 60
    while not customers(site):
        assert interrupted.poll() is None, interrupted.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    interrupted.send_signal(signal.SIGTERM)
    out, err = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 75, err
    assert '"caught_up": false' in out
    assert children_of(site) == []
    assert len(customers(site)) < ACCOUNTS

    resumed = site.crossfade(*CATCH_UP, env=KEPT)
    # Deferred is listed and no error. What waited for another record of the last batch is written before the run ends.
    (deferred,) = resumed.document["held"]
    assert (deferred["entity"], deferred["state"], deferred["code"]) == ("payment", "deferred", "sink.money_deferred")
    assert resumed.code == 0, resumed.err
    assert site.rows("SELECT id FROM payments") == []

    with_money = site.crossfade(*CATCH_UP)
    assert with_money.document.keys() == {"version"} | members("run")
    assert (with_money.code, with_money.document["held"]) == (0, []), with_money.err
    assert with_money.document["caught_up"] is True
    assert len(site.rows("SELECT id FROM payments")) >= deferred["records"]
    return site


def customers(site: Site) -> list[dict[str, Any]]:
    return site.rows("SELECT id, login, status FROM customers ORDER BY id")


def children_of(site: Site) -> list[str]:
    """Command lines of processes that still work for this site."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(site.config) in line:
            found.append(line)
    return found


def test_a_run_that_was_stopped_on_its_way_resumes_and_doubles_nothing(copied: Site) -> None:
    logins = [one["login"] for one in customers(copied)]
    assert len(logins) == len(set(logins))
    (money,) = copied.rows("SELECT COUNT(*) AS n, COUNT(DISTINCT receipt_number) AS receipts FROM payments")
    assert 0 < money["n"] == money["receipts"]


def test_no_stage_writes_control_codes_of_a_terminal_into_its_log(copied: Site) -> None:
    logs = list(copied.folder.rglob("logs/*.log"))
    assert {"capture.log", "process.log", "sink.log"} <= {one.name for one in logs}
    assert not any(b"\x1b" in one.read_bytes() for one in logs)


def test_a_plan_after_the_copy_has_nothing_left_to_create(copied: Site) -> None:
    plan = copied.crossfade("plan", "--json").document
    rows = {one["aggregate"]: one["rows"] for one in plan["source"]}
    target = {one["entity"]: one for one in plan["target"]}
    assert rows["account"] == target["customer"]["known"] == len(customers(copied))
    assert (target["customer"]["create"], plan["requests"]["splynx"]) == (0, 0)
    # All that was foretold is there, reversals and the flags' labels too; a payment under way will come.
    under_way = rows_at_sonar(copied, "payments(successful: true, status: PENDING)")
    (paid,) = copied.rows("SELECT COUNT(*) AS n, SUM(amount < 0) AS reversals FROM payments WHERE deleted = '0'")
    assert paid["reversals"] > 0
    assert target["payment"]["create"] == under_way
    assert target["payment"]["expected"] - under_way == target["payment"]["known"] == paid["n"]
    labels = rows["account_group"] + rows["account_type"] + len(FLAG_LABELS)
    assert target["label"]["expected"] == target["label"]["known"] == labels
    assert plan["adoptions"] == []
    assert "No row of Splynx is to be adopted." in copied.crossfade("plan").out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("plan", ("plan",)),
        ("actions", ("actions",)),
        ("status", ("status", "--audit")),
        ("trace", ("trace", "account", "1")),
        ("reconcile", ("reconcile", "--wait", "0")),
        ("sink", ("sink",)),
        ("process", ("process", "--engine", "batch")),
    ],
)
def test_the_json_that_a_command_prints_has_the_members_that_its_page_names(
    copied: Site, name: str, words: tuple[str, ...]
) -> None:
    ended = copied.crossfade(*words, "--json")
    assert set(ended.document) - {"version"} == members(name), ended.out


def test_status_tells_that_nothing_lags(copied: Site) -> None:
    status = copied.crossfade("status", "--json").document
    assert {one["stage"] for one in status["lag"]} == {"process", "sink"}
    assert sum(one["messages"] for one in status["lag"]) == 0
    assert status["watermark"]["snapshot_complete"] is True
    assert status["conflicts"] == []  # nobody edited anything, nor do we take what Splynx does by itself for an edit
    assert copied.rows("SELECT field FROM {ledger}.conflicts") == []
    audited = copied.crossfade("status", "--audit")
    assert (audited.code, "every message is accounted for" in audited.out) == (0, True)


def test_a_record_is_traced_from_sonar_to_splynx_and_back(copied: Site) -> None:
    (one, *_) = customers(copied)
    back = copied.crossfade("trace", "--splynx", "customer", str(one["id"]), "--json")
    assert back.code == 0, back.err
    account = back.document["sonar_id"]

    there = copied.crossfade("trace", "account", str(account), "--json").document
    assert there["conclusion"]["stage"] == "splynx"
    assert f"customer {one['id']}" in there["conclusion"]["says"]
    assert there["events"][0]["op"] == "r"
    assert there["bundles"][-1]["origin"]["offset"] in {event["offset"] for event in there["events"]}
    assert there["bundles"][-1]["sequence"] == there["ledger"]["newest"]["sequence"]
    assert {"customer", "customer_info", "customer_billing"} <= {row["entity"] for row in there["ledger"]["crosswalk"]}
    assert {row["action"] for row in there["ledger"]["journal"]} >= {"create"}
    assert all(row["batch"] for row in there["ledger"]["journal"])
    answers = {(row["method"], row["answer"], row["run_id"]) for row in there["ledger"]["intents"]}
    assert ("POST", "201", there["ledger"]["journal"][0]["run_id"]) in answers
    assert "In Splynx as customer" in copied.crossfade("trace", "account", str(account)).out


def test_a_trace_shows_values_only_when_asked_and_a_password_never(copied: Site) -> None:
    (row,) = copied.rows("SELECT id, name, password FROM customers WHERE name <> '' AND password <> '' LIMIT 1")
    words = ("trace", "--splynx", "customer", str(row["id"]))
    hidden, shown = copied.crossfade(*words, "--json"), copied.crossfade(*words, "--json", "--show-values")
    assert row["name"] not in hidden.out
    assert row["name"] in shown.out
    assert row["password"] not in shown.out
    assert "(hidden)" in shown.out
    assert row["name"] in copied.crossfade(*words, "--show-values").out


def test_what_is_not_there_is_told_with_the_next_step(copied: Site) -> None:
    nobody = copied.crossfade("trace", "account", "999999")
    assert (nobody.code, "No event of account 999999" in nobody.out, "Next: " in nobody.out) == (3, True, True)
    foreign = copied.crossfade("trace", "--splynx", "customer", "999999")
    assert (foreign.code, "the ledger knows no customer 999999" in foreign.err) == (2, True)
    wrong = copied.crossfade("trace", "customer", "1")
    assert (wrong.code, "add --splynx" in wrong.err) == (2, True)


def test_what_a_mapper_refuses_makes_the_run_end_with_5_and_is_listed_until_it_is_mended(copied: Site) -> None:
    account = int(
        copied.crossfade("trace", "--splynx", "customer", str(customers(copied)[0]["id"]), "--json").document[
            "sonar_id"
        ]
    )
    store = {"action": "update", "type": "Account", "id": account}
    name = httpx2.get(f"{copied.sonar.control}/store/Account/{account}").json()["name"]
    copied.tell(copied.sonar.control, "store", {**store, "columns": {"name": " "}})
    time.sleep(copied.settings["sonar"]["safety_lag_seconds"])
    ended = copied.crossfade(*CATCH_UP)
    expected = {"entity": "account", "state": "dead", "code": "mapping.required_value_missing", "records": 1}
    assert (ended.code, ended.document["held"]) == (5, [expected])
    assert copied.crossfade("status", "--json").document["held"] == [expected]
    traced = copied.crossfade("trace", "account", str(account))
    assert (traced.code, "Processing set it aside" in traced.out) == (3, True)

    copied.tell(copied.sonar.control, "store", {**store, "columns": {"name": name}})
    time.sleep(copied.settings["sonar"]["safety_lag_seconds"])
    mended = copied.crossfade(*CATCH_UP)
    assert (mended.code, mended.document["held"]) == (0, [])


def test_what_capture_sets_aside_is_listed_until_a_newer_event_of_it_is_written(copied: Site) -> None:
    payment = int(copied.rows("SELECT receipt_number FROM payments ORDER BY id LIMIT 1")[0]["receipt_number"][2:])
    store = {"action": "update", "type": "Payment", "id": payment}
    description = httpx2.get(f"{copied.sonar.control}/store/Payment/{payment}").json()["description"]
    copied.tell(copied.sonar.control, "store", {**store, "columns": {"description": "x" * 9 * 2**20}})
    time.sleep(copied.settings["sonar"]["safety_lag_seconds"])
    ended = copied.crossfade(*CATCH_UP)
    expected = {"entity": "payment", "state": "dead", "code": "capture.too_large", "records": 1}
    assert (ended.code, ended.document["held"]) == (5, [expected])

    # What stands there again is what had been published before: it is an event all the same.
    copied.tell(copied.sonar.control, "store", {**store, "columns": {"description": description}})
    time.sleep(copied.settings["sonar"]["safety_lag_seconds"])
    mended = copied.crossfade(*CATCH_UP)
    assert (mended.code, mended.document["held"]) == (0, [])


def test_progress_goes_to_stderr_and_leaves_the_json_alone(copied: Site) -> None:
    shown = copied.crossfade("snapshot", "--only", "payment", "--ids", "1-3", "--json")
    assert (shown.code, shown.document["applied"]) == (0, False)
    assert shown.document["parts"] == [{"aggregate": "payment", "rows": 3, "requests": 1, "missing": ""}]
    assert shown.document.keys() == {"version"} | members("snapshot")
    ended = copied.crossfade("snapshot", "--only", "payment", "--apply", "--json", "--progress")
    assert ended.code == 0
    assert ended.document.keys() == {"version"} | members("snapshot")
    read, whole = ended.document["snapshot"]["payment"]
    assert f"snapshot {read} of {whole} rows (100 %)" in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "SIGTERM"])
def test_a_snapshot_that_is_stopped_ends_cleanly_and_says_that_it_is_not_done(
    copied: Site, number: signal.Signals
) -> None:
    asked = requests_of(copied)
    copied.tell(copied.sonar.control, "faults", {"kind": "slow", "seconds": 0.3, "count": None})
    try:
        stopped = subprocess.Popen(
            copied.command("snapshot", "--only", "payment", "--apply", "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=bare_environment(),
        )
        deadline = time.monotonic() + 60
        while requests_of(copied) == asked:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        stopped.send_signal(number)
        out, err = stopped.communicate(timeout=60)
    finally:
        copied.tell(copied.sonar.control, "faults", method="DELETE")
    assert (stopped.returncode, json.loads(out)["version"], "Traceback" in err) == (75, 1, False)


def rows_at_sonar(site: Site, collection: str) -> int:
    """How many rows Sonar has there."""
    sonar = site.settings["sonar"]
    answer = httpx2.post(
        sonar["url"],
        json={"query": f"{{ {collection} {{ page_info {{ total_count }} }} }}"},
        headers={"Authorization": f"Bearer {sonar['token']}"},
    )
    (connection,) = answer.json()["data"].values()
    return int(connection["page_info"]["total_count"])


def requests_of(site: Site) -> int:
    return sum(httpx2.get(f"{site.sonar.control}/stats").json()["requests"].values())
