"""Stored records handled again beside stages that run: a replay writes nothing twice, a letter passes once mended."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from console.deadletters import chosen_letters
from console.letter_states import Letter
from console.plan import make_plan
from console.shapes import members
from console.status import held_of
from plumbing.kafka import AckedProducer, make_producer
from plumbing.settings import load_settings
from sandbox import choices
from sandbox.local.sandboxes import SplynxSandbox
from schemas.topics import Topics
from tests.integration import behind
from tests.integration.console.conftest import Site
from tests.integration.console.running import Writes, change, document, restart, settle, stop, target
from tests.integration.reconciliation.conftest import OFTEN, Pair, stages

pytestmark = pytest.mark.timeout(240)

NO_TYPE = 999
"""An account type that Sonar does not show: without a rule nobody knows what an account of it is."""


@pytest.fixture(scope="module")
def pair(site: Site) -> Iterator[Pair]:
    """A copied pair, its stages running; one payment's receipt was somebody else's before."""
    taken = first_payment(site)
    with site.mariadb.connect(site.splynx.database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments (customer_id, transaction_id, payment_type, receipt_number, date,"
            " real_create_datetime, amount, remind_amount, comment, field_1, field_2, field_3, field_4, field_5, note,"
            " memo) VALUES (1, 0, 1, %s, '2020-01-01', '2020-01-01', 5, 0, '', '', '', '', '', '', '', '')",
            (f"SP{taken}",),
        )
    with stages(Pair(site)) as made:
        yield made


def first_payment(site: Site) -> int:
    """The id of a payment that becomes one in Splynx."""
    sonar = site.settings["sonar"]
    query = "{ payments(successful: true, status: SUCCEEDED) { entities { id } } }"
    headers = {"Authorization": f"Bearer {sonar['token']}"}
    answer = httpx2.post(sonar["url"], json={"query": query}, headers=headers)
    return min(int(row["id"]) for row in answer.json()["data"]["payments"]["entities"])


def open_now(pair: Pair) -> list[Letter]:
    """The letters that matter, asked without a process of its own."""
    return asyncio.run(chosen_letters(load_settings(pair.site.config)))


def letters(pair: Pair, *words: str) -> list[dict[str, Any]]:
    """The open ones."""
    found: list[dict[str, Any]] = document(pair.run("deadletters", "list", "--json", *words))["letters"]
    return found


def accounts(pair: Pair) -> list[int]:
    """Sonar ids of accounts that are customers of Splynx."""
    rows = pair.site.rows(
        "SELECT record_key FROM {ledger}.crosswalk WHERE entity = 'customer' AND state = 'live' ORDER BY target_id"
    )
    return [int(row["record_key"]) for row in rows]


def test_a_plan_tells_what_differs_of_rows_that_it_would_adopt(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger was lost, and meanwhile somebody changed a customer's telephone number and category, and a label.

    And what it costs that Splynx's database is not at hand any more.
    """
    one = accounts(pair)[0]
    (row,) = pair.site.rows(
        "SELECT c.id, c.phone, c.category FROM {ledger}.crosswalk x JOIN customers c ON c.id = x.target_id"
        f" WHERE x.entity = 'customer' AND x.record_key = '{one}'"
    )

    labels = pair.site.rows(
        "SELECT x.record_key, l.id, l.color FROM {ledger}.crosswalk x JOIN labels l ON l.id = x.target_id"
        " WHERE x.entity = 'label' AND x.state = 'live' ORDER BY x.record_key"
    )
    label = next(one for one in labels if one["record_key"].startswith("group:"))

    def give(phone: str, category: str, color: str) -> None:
        with pair.site.mariadb.connect(pair.site.splynx.database) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE customers SET phone = %s, category = %s WHERE id = %s", (phone, category, row["id"]))
            cursor.execute("UPDATE labels SET color = %s WHERE id = %s", (color, label["id"]))

    async def lost(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr("sinks.store.Ledger.exists", lost)
    other = "company" if row["category"] == "person" else "person"
    settings = load_settings(pair.site.config)
    give("555-9999", other, "#010203")
    try:
        plan = asyncio.run(make_plan(settings))
    finally:
        give(row["phone"], row["category"], label["color"])
    differs = {(each["entity"], each["key"]): each["differs"] for each in plan.adoptions}
    assert sorted(differs["customer", str(one)]) == [
        f"category: {other} in Splynx, {row['category']} in Sonar", "phone",
    ], "what is personal is named, and not told"  # fmt: skip
    paid = [found for (entity, _), found in differs.items() if entity == "payment"]
    assert paid
    assert all(found == [] for found in paid)
    # Labels have no mark: they are known by their names, and used as they are.
    used = {each["key"]: each for each in plan.adoptions if not each["approval"]}
    assert {(each["entity"], each["key"], each["target_id"]) for each in used.values()} == {
        ("label", one["record_key"], one["id"]) for one in labels
    }
    assert used[label["record_key"]]["differs"] == [f"color: #010203 in Splynx, {label['color']} in Sonar"]
    assert {one.cost for one in plan.target} == {""}
    away = {"splynx": settings.splynx.model_copy(update={"db": None}), "ledger": settings.ledger_db}
    over_rest = asyncio.run(make_plan(settings.model_copy(update=away)))
    costs = {one.entity: one.cost for one in over_rest.target if one.cost}
    assert costs.keys() == {"payment"}
    assert costs["payment"].startswith("one by one over REST")


def test_a_replay_into_an_up_to_date_splynx_writes_nothing(pair: Pair) -> None:
    foreseen = document(pair.run("replay", "--json"))
    whole = foreseen["events"]["account"]
    assert (foreseen["applied"], foreseen["published"], foreseen["cut"]) == (False, {}, [])
    assert whole >= len(accounts(pair)) > 20
    # The payment whose receipt is taken was refused, and is tried again.
    assert foreseen["steps"] == {"payment": {"create": 1}}
    writes = Writes(pair)
    done = document(pair.run("replay", "--json", "--apply", "--progress"))
    assert done["published"] == done["events"] == foreseen["events"]
    assert done.keys() | {"account", "moment", "unmapped", "records"} == {"version"} | members("replay")
    settle(pair)
    assert writes.requests() == 0
    assert writes.sums() == writes.before


def test_one_customer_and_one_aggregate_are_replayed_alone(pair: Pair) -> None:
    account = accounts(pair)[0]
    one = document(pair.run("replay", "--json", "--account", str(account)))
    assert one["events"]["account"] == 1
    assert set(one["events"]) <= {"account", "payment"}
    only = document(pair.run("replay", "--json", "--only", "company"))
    assert set(only["events"]) == {"company"}
    wrong = pair.run("replay", "--only", "customer")
    assert (wrong.code, "Name one of company" in wrong.err) == (2, True)
    unowned = pair.run("replay", "--only", "company", "--account", str(account))
    assert (unowned.code, "an account owns" in unowned.err) == (2, True)


def test_a_replay_from_a_moment_takes_what_came_since(pair: Pair) -> None:
    settle(pair)
    moment = datetime.now(UTC)
    account = accounts(pair)[1]
    change(pair, account, name="Anna Later Example")
    settle(pair, lambda: pair.site.rows("SELECT 1 FROM customers WHERE name = 'Anna Later Example'"))
    since = document(pair.run("replay", "--json", "--from", moment.isoformat(), "--only", "account"))
    assert since["events"] == {"account": 1}
    run_id = document(pair.run("trace", "account", str(account), "--json"))["events"][0]["run_id"]
    of_run = document(pair.run("replay", "--json", "--from", run_id, "--only", "account"))
    assert of_run["events"]["account"] >= len(accounts(pair))
    for words in (("2026-03-04T05:06:07",), ("yesterday",), ("2999-01-01T00:00:00Z",), ("0123456789abcdef",)):
        refused = pair.run("replay", "--from", *words)
        assert (refused.code, "Next: " in refused.err) == (2, True)


def test_the_live_engine_begins_again_only_where_nobody_is_at_work(pair: Pair) -> None:
    foreseen = document(pair.run("replay", "--json", "--engine", "live"))
    assert foreseen["messages"] >= sum(foreseen["events"].values())
    running = pair.run("replay", "--engine", "live", "--apply")
    assert (running.code, "the processors run" in running.err) == (75, True)
    one = pair.run("replay", "--engine", "live", "--account", "1")
    assert (one.code, "--engine batch" in one.err) == (2, True)


def test_a_customer_is_shown_as_of_a_moment_with_what_differs_now(pair: Pair) -> None:
    settle(pair)
    moment, account = datetime.now(UTC).isoformat(), str(accounts(pair)[2])
    change(pair, int(account), name="Bea Afterwards Example")
    settle(pair, lambda: pair.site.rows("SELECT 1 FROM customers WHERE name = 'Bea Afterwards Example'"))
    words = ("replay", "--account", account, "--as-of", moment)
    found = document(pair.run(*words, "--json"))
    (row,) = [one for one in found["records"] if one["entity"] == "customer"]
    assert (row["key"], row["state"], row["differs"], row["then"]) == (account, "changed", ["name"], None)
    assert {one["state"] for one in found["records"] if one["entity"] == "payment"} <= {"same"}
    assert "Bea" not in pair.run(*words).out
    assert "Bea Afterwards Example" in pair.run(*words, "--show-values").out
    assert "password: 'x" not in pair.run(*words, "--show-values").out
    early = document(pair.run("replay", "--account", account, "--as-of", "2020-01-01T00:00:00Z", "--json"))
    assert {one["state"] for one in early["records"]} == {"new"}
    assert pair.run("replay", "--as-of", moment).code == 2


def test_a_record_that_splynx_refused_passes_once_what_hindered_it_is_gone(pair: Pair) -> None:
    (letter,) = letters(pair, "--code", "sink.natural_key_taken")
    assert (letter["stage"], letter["entity"], letter["state"]) == ("sink", "payment", "open")
    assert letter["record"] == str(letter["sonar_id"])
    (cause,) = document(pair.run("deadletters", "causes", "--json"))["causes"]
    assert (cause["letters"], cause["code"], cause["example"]) == (1, letter["code"], letter["id"])
    shown = document(pair.run("deadletters", "show", letter["id"], "--json", "--show-values"))
    assert shown["values"]["receipt_number"] == f"SP{letter['record']}"
    assert document(pair.run("deadletters", "show", letter["id"], "--json"))["values"] is None

    # Not mended: it is written to nobody, and is a letter again.
    document(pair.run("deadletters", "replay", letter["id"], "--apply", "--json"))
    settle(pair, lambda: open_now(pair)[0].times == letter["times"] + 1)
    pair.execute("UPDATE payments SET deleted = '1' WHERE transaction_id = 0")
    foreseen = document(pair.run("deadletters", "replay", "--json"))
    assert [one["action"] for one in foreseen["letters"]] == ["replay"]
    assert foreseen["steps"] == {"payment": {"create": 1}}
    live = f"SELECT 1 FROM payments WHERE receipt_number = 'SP{letter['record']}' AND deleted = '0'"
    assert pair.site.rows(live) == []
    done = document(pair.run("deadletters", "replay", "--apply", "--json"))
    assert done["published"] == 1
    assert done.keys() == {"version"} | members("deadletters replay")
    settle(pair, lambda: not open_now(pair))
    assert len(pair.site.rows(live)) == 1
    (closed,) = [one for one in letters(pair, "--all") if one["record"] == letter["record"]]
    assert closed["state"] == "passed"
    again = document(pair.run("deadletters", "replay", closed["id"], "--apply", "--json"))
    assert ([one["action"] for one in again["letters"]], again["published"]) == (["superseded"], 0)


def test_a_letter_passes_with_mended_rules_once_the_processors_have_them(pair: Pair) -> None:
    account = accounts(pair)[3]
    before = httpx2.get(f"{pair.site.sonar.control}/store/Account/{account}").json()["account_type_id"]
    change(pair, account, account_type_id=NO_TYPE)
    settle(pair, lambda: open_now(pair))
    (letter,) = letters(pair)
    assert (letter["stage"], letter["code"]) == ("process", "mapping.required_value_missing")
    assert (letter["aggregate"], letter["sonar_id"]) == ("account", account)
    refused = document(pair.run("deadletters", "replay", "--apply", "--json"), 5)
    assert [(one["action"], one["why"]) for one in refused["letters"]] == [
        ("refused", "account_type is empty and Splynx requires it [mapping.required_value_missing]")
    ]
    assert letter["id"] in pair.run("deadletters", "replay").out
    shown = document(pair.run("deadletters", "show", letter["id"], "--json"))
    assert shown["trace"] == f"crossfade trace account {account}"
    assert shown.keys() == {"version"} | members("deadletters show")

    rules = choices.rules()
    rules["customer"]["category"] = {"by_account_type": {NO_TYPE: "company"}}
    pair.site.write("rules.yaml", rules)
    try:
        assert [one["action"] for one in document(pair.run("deadletters", "replay", "--json"))["letters"]] == ["replay"]
        early = pair.run("deadletters", "replay", "--apply")
        assert (early.code, "Start the processors again" in early.err) == (2, True)
        restart(pair, "process")
        assert document(pair.run("deadletters", "replay", "--apply", "--json"))["published"] == 1
        settle(pair, lambda: not open_now(pair))
        (row,) = pair.site.rows(f"SELECT category FROM customers WHERE login = 's{account}'")
        assert row["category"] == "company"
        # Its label is nowhere: the customer is written, and the chain says what it waits for.
        status = document(pair.run("status", "--json"))
        assert status["parked"] == [
            {
                "entity": "customer",
                "key": str(account),
                "since": status["parked"][0]["since"],
                "chain": [{"entity": "label", "key": f"type:{NO_TYPE}", "state": "neither in Splynx nor on its way"}],
            }
        ]
        traced = document(pair.run("trace", "account", str(account), "--json"), 3)
        assert traced["ledger"]["held"][0]["chain"] == status["parked"][0]["chain"]
        assert f"label type:{NO_TYPE} (neither" in pair.run("trace", "account", str(account)).out
    finally:
        change(pair, account, account_type_id=before)
        pair.site.write("rules.yaml", choices.rules())
    restart(pair, "process")
    settle(pair, lambda: not asyncio.run(held_of(load_settings(pair.site.config))))


def test_what_a_newer_event_has_superseded_is_closed_and_is_not_replayed(pair: Pair) -> None:
    account = accounts(pair)[4]
    name = httpx2.get(f"{pair.site.sonar.control}/store/Account/{account}").json()["name"]
    change(pair, account, name=" ")
    settle(pair, lambda: open_now(pair))
    (letter,) = letters(pair)
    change(pair, account, name=name)
    settle(pair, lambda: not open_now(pair))
    (closed,) = [one for one in letters(pair, "--all") if one["id"] == letter["id"]]
    assert closed["state"] == "superseded"
    done = document(pair.run("deadletters", "replay", letter["id"], "--apply", "--json"))
    assert ([(one["action"], one["why"]) for one in done["letters"]], done["published"]) == (
        [("superseded", "superseded")],
        0,
    )


def test_a_message_that_is_nobodys_is_told_as_such(pair: Pair) -> None:
    settings = load_settings(pair.site.config)
    producer = AckedProducer(make_producer(settings.kafka))
    producer.produce(Topics(settings.instance).sonar("payment"), partition=0, key=b"k", value=b"poison")
    producer.flush()
    settle(pair, lambda: open_now(pair))
    done = document(pair.run("deadletters", "replay", "--apply", "--json"), 5)
    assert [(one["code"], one["action"]) for one in done["letters"]] == [("avro.undecodable", "nobody's")]
    unknown = pair.run("deadletters", "show", "process:99999")
    assert (unknown.code, "deadletters list --all" in unknown.err) == (2, True)
    assert pair.run("deadletters", "list", "--stage", "nowhere").code == 2


def test_what_capture_set_aside_is_read_from_sonar_again(pair: Pair) -> None:
    (row,) = pair.site.rows("SELECT record_key FROM {ledger}.crosswalk WHERE entity = 'payment' LIMIT 1")
    payment = int(row["record_key"].partition("-")[0])
    store = {"action": "update", "type": "Payment", "id": payment}
    before = httpx2.get(f"{pair.site.sonar.control}/store/Payment/{payment}").json()["description"]
    known = {one.id for one in open_now(pair)}
    pair.site.tell(pair.site.sonar.control, "store", {**store, "columns": {"description": "x" * 9 * 2**20}})
    settle(pair, lambda: {one.id for one in open_now(pair)} - known)
    (letter,) = [one for one in open_now(pair) if one.id not in known]
    assert (letter.stage, letter.code, letter.root) == ("capture", "capture.too_large", ("payment", payment))
    foreseen = document(pair.run("deadletters", "replay", letter.id, "--json"))
    assert ([one["action"] for one in foreseen["letters"]], foreseen["read_again"]) == (["read again"], ["payment"])
    # The stage that captures is one of this machine, with the same settings: it is given the order.
    ordered = document(pair.run("deadletters", "replay", letter.id, "--apply", "--json"))
    assert (ordered["read_again"], letter.id in {one.id for one in open_now(pair)}) == (["payment"], True)
    pair.site.tell(pair.site.sonar.control, "store", {**store, "columns": {"description": before}})
    document(pair.run("deadletters", "replay", letter.id, "--apply", "--json"))
    settle(pair, lambda: letter.id not in {one.id for one in open_now(pair)})


def test_a_replay_into_an_empty_splynx_makes_the_same_target(
    pair: Pair, start_splynx: Callable[[], SplynxSandbox]
) -> None:
    behind.run(pair.site.mariadb, pair.site.splynx, "UPDATE payments SET deleted = '1' WHERE transaction_id = 0")
    document(pair.run("deadletters", "replay", "--code", "sink.natural_key_taken", "--apply", "--json"))
    settle(pair, lambda: not any(one.code == "sink.natural_key_taken" for one in open_now(pair)))
    before = target(pair.site, pair.site.splynx)
    stop(pair, "sink")
    empty = start_splynx()
    of_the_empty = {
        "splynx.url": empty.url, "splynx.key": empty.key, "splynx.secret": empty.secret,
        "splynx.db.user": empty.writer, "splynx.db.password": empty.writer_password, "splynx.db.name": empty.database,
        "ledger.user": empty.writer, "ledger.password": empty.writer_password, "ledger.name": empty.ledger,
    }  # fmt: skip
    pair.site.configure(**OFTEN, **of_the_empty)
    foreseen = document(pair.run("replay", "--json"))
    assert set(foreseen["steps"]["customer"]) == {"create"}
    document(pair.run("replay", "--json", "--apply"))
    pair.start("sink", "--apply")
    settle(pair, lambda: len(target(pair.site, empty).get("records", ())) == len(before["records"]), seconds=120)
    assert target(pair.site, empty) == before
