"""The whole sink: bundles on real topics, a registry, a Splynx stand-in; dry first, then applied, then again."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import AsyncMock, Mock

import httpx2
import pytest
import yaml

from clients.splynx import SplynxClient
from console.doctor_splynx import others
from plumbing.dead_letters import TooManyDeadLetters
from plumbing.kafka import make_admin, make_producer
from sandbox.splynx.settings import GUARDS
from schemas.catalogue import AGGREGATES, TARGETS, aggregate
from schemas.records import Ref, SplynxRecord
from sinks.errors import GuardsViolated
from sinks.ledger_errors import AdoptionNeeded, TargetNotEmpty
from sinks.readiness import entities
from sinks.runner import SinkSummary, run_sink
from tests.integration.sinks.pair import Pair, account, going_on, load, payment, service, tariff, until
from tests.modes import in_both_modes

pytestmark = pytest.mark.timeout(300)


CUSTOMERS = "admin/customers/customer"
STATE = (
    "SELECT (SELECT COUNT(*) FROM customers) AS customers, (SELECT COUNT(*) FROM payments) AS payments,"
    " (SELECT SUM(deposit) FROM customer_billing) AS money, (SELECT COUNT(*) FROM {ledger}.journal) AS journal"
)


async def test_a_dry_run_counts_and_writes_nothing(pair: Pair) -> None:
    load(pair)
    summary = await run_sink(pair.settings, apply=False, stop=asyncio.Event())
    assert summary.steps["customer"] == {"create": 3}
    assert summary.steps["payment"] == {"create": 3}
    assert "customers.sonar_id" in summary.fields
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 0
    tables = pair.rows(f"SELECT 1 FROM information_schema.tables WHERE table_schema = '{pair.splynx.ledger}'")
    assert tables == []


async def test_an_id_that_another_object_has_now_changes_nothing_in_splynx(pair: Pair) -> None:
    def send(unique_id: str, name: str, minor: int, *, sequence: int) -> None:
        bundle = account(1, name=name, sonar_unique_id=unique_id)
        info = bundle["customer_info"][0].model_copy(update={"contact_person": name})
        pair.send("account", 1, bundle | {"customer_info": [info]}, sequence=sequence)
        paid = [one.model_copy(update={"sonar_unique_id": unique_id}) for one in payment(11, 1, minor)["payment"]]
        both = [*paid, *payment(11, 1, -50, reversal=5)["payment"]] if unique_id == "one" else paid
        pair.send("payment", 11, {"payment": both}, sequence=sequence, owner=1)

    written = (
        "SELECT c.name, i.contact_person, (SELECT SUM(amount) FROM payments) AS paid"
        " FROM customers c JOIN customer_info i ON i.customer_id = c.id"
    )
    send("one", "Anna Example", 100, sequence=1)
    await pair.sink()
    before = pair.rows(written)
    send("another", "Bo Example", 900, sequence=2)
    summary = await pair.sink()
    assert pair.rows(written) == before
    assert {one["code"] for one in pair.rows("SELECT code FROM {ledger}.held")} == {"sink.id_reused"}
    assert {entity: counts.get("dead") for entity, counts in summary.held.items()} == {
        "customer": 1, "customer_info": 1, "customer_billing": 1, "payment": 2,
    }  # fmt: skip


async def test_a_long_text_is_cut_where_splynx_has_only_a_short_field_for_it(pair: Pair) -> None:
    async with SplynxClient(pair.settings.splynx) as client:
        field = {"name": "sonar_contacts", "title": "Contacts", "type": "string"}
        await client.post("admin/config/additional-fields/customers", field)
    pair.send("account", 1, account(1, sonar_contacts="c" * 300, sonar_billing="b" * 300), sequence=1)
    summary = await pair.sink()
    assert summary.held == {}
    kept = pair.rows("SELECT name, LENGTH(value) AS n FROM customers_values WHERE LENGTH(value) > 200 ORDER BY name")
    assert kept == [{"name": "sonar_billing", "n": 300}, {"name": "sonar_contacts", "n": 255}]


@pytest.mark.fault(5)
async def test_applied_once_and_a_redelivery_changes_no_row(pair: Pair) -> None:
    load(pair)
    summary = await pair.sink()
    assert summary.held == {}
    assert summary.records["customer"]["applied"] == 3
    before = pair.rows(STATE)
    assert (before[0]["customers"], before[0]["payments"], float(before[0]["money"])) == (3, 3, 6.0)
    hidden = pair.rows("SELECT name, is_unique, searchable FROM customers_fields WHERE hidden = '1' ORDER BY name DESC")
    assert hidden[0] == {"name": "sonar_id", "is_unique": "1", "searchable": "1"}
    billing = pair.rows("SELECT enabled, make_invoices FROM customer_billing")
    assert billing == [{"enabled": "0", "make_invoices": "0"}] * 3
    # What a kill between the ledger's commit and Kafka's leaves behind: rows written, offsets not.
    admin = make_admin(pair.settings.kafka)
    for future in admin.delete_consumer_groups([pair.topics.sink_group]).values():
        future.result(30)
    again = await _until_assigned(pair)
    assert again.records == {}
    assert pair.rows(STATE) == before


async def _until_assigned(pair: Pair) -> SinkSummary:
    stop = asyncio.Event()
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    # One more bundle shows that the sink is at work and has passed whatever came before it.
    pair.send("account_group", 1, {"label": []}, sequence=1)
    while not running.done() and not pair.rows(  # noqa: ASYNC110
        "SELECT 1 FROM {ledger}.checkpoint WHERE topic LIKE '%account_group'"
    ):  # fmt: skip
        await asyncio.sleep(0.3)
    stop.set()
    return await running


@pytest.mark.fault(13)
async def test_poison_is_a_dead_letter_and_the_others_flow(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Mock(wraps=make_producer)
    monkeypatch.setattr("sinks.runner.make_producer", made)
    pair.raw("account", 1, b"\x07not avro")
    pair.raw("account", 1, None)
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    assert made.call_args.kwargs == {"message.timeout.ms": 0}  # letters wait for a broker that is away for long
    letters = pair.dead_letters()
    assert [one["__connect.errors.exception.class.name"] for one in letters] == [b"avro.undecodable"] * 2
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    outcomes = pair.rows("SELECT outcome, last_offset - first_offset + 1 AS n FROM {ledger}.outcomes")
    assert outcomes == [{"outcome": "dead_lettered", "n": 3}]
    assert pair.rows("SELECT topic_offset, outcome FROM {ledger}.exceptions") == [
        {"topic_offset": 2, "outcome": "applied"}
    ]


async def test_a_restart_gives_nothing_back_of_the_budget_and_no_letter_comes_again(pair: Pair) -> None:
    pair.settings = pair.settings.model_copy(
        update={"sink": pair.settings.sink.model_copy(update={"dead_letter_budget": 2})}
    )
    for _ in range(4):
        pair.raw("account", 1, b"\x07not avro")
    for _ in range(2):
        with pytest.raises(TooManyDeadLetters):
            await pair.sink()
        assert [one["__connect.errors.offset"] for one in pair.dead_letters()] == [b"0", b"1"]


def _turn(pair: Pair, value: str) -> None:
    module, path, key = next(iter(GUARDS))
    pair.run(f"UPDATE config SET value = '{value}' WHERE module = '{module}' AND path = '{path}' AND `key` = '{key}'")


async def test_a_violated_guard_or_customers_of_others_stop_a_first_start_before_a_row_is_written(pair: Pair) -> None:
    """Whose they are is asked once: afterwards they are left alone."""
    load(pair)
    _turn(pair, "1")
    with pytest.raises(GuardsViolated):
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    _turn(pair, "0")
    pair.run("INSERT IGNORE INTO customers (id, login, status, name) VALUES (7, 'theirs', 'active', 'By hand')")
    with pytest.raises(TargetNotEmpty, match="1 customers"):
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert (await run_sink(pair.settings, apply=False, stop=asyncio.Event())).others == 1
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    with pytest.raises(TargetNotEmpty):
        await others(pair.settings)  # the doctor's look
    await pair.sink(approve=("target",))
    assert [one.ok for one in await others(pair.settings)] == [True]
    assert pair.rows("SELECT name FROM customers WHERE id = 7") == [{"name": "By hand"}]
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 4


async def test_a_guard_that_is_violated_later_holds_up_what_it_concerns_until_it_is_put_right(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found at a start and while it runs; labels go on, customers and what was woken wait, and then go on."""
    await pair.sink()
    monkeypatch.setattr("sinks.loop._GUARD_SECONDS", 0.0)
    monkeypatch.setattr("sinks.loop._VIOLATED_SECONDS", 0.0)
    pair.send("payment", 11, payment(11, 1, 100), sequence=1, owner=1)
    _turn(pair, "1")
    stop = asyncio.Event()
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    pair.send("account", 1, account(1), sequence=2, owner=1)
    for turn in (1, 2):  # the second time it was put right meanwhile, and is violated again
        pair.send("account_group", turn, {"label": []}, sequence=turn)
        done = f"SELECT 1 FROM {{ledger}}.aggregates WHERE aggregate = 'account_group' AND sonar_id = {turn}"
        await until(pair, done, going_on(running))
        assert pair.rows("SELECT value FROM {ledger}.meta WHERE name = 'guards'") == [{"value": "automatic_issuing"}]
        assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == turn - 1
        _turn(pair, "0")
        await until(pair, f"SELECT 1 FROM payments WHERE receipt_number = 'SP1{turn}'", going_on(running))
        assert pair.rows("SELECT value FROM {ledger}.meta WHERE name = 'guards'") == []
        if turn == 1:
            _turn(pair, "1")
            await until(pair, "SELECT 1 FROM {ledger}.meta WHERE name = 'guards'", going_on(running))
            pair.send("account", 2, account(2), sequence=2, owner=2)
            pair.send("payment", 12, payment(12, 2, 100), sequence=1, owner=2)
    stop.set()
    assert (await running).held == {}


async def test_a_right_or_a_zero_date_that_is_refused_holds_up_what_goes_that_way_and_nothing_else(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(pair)
    await pair.sink()
    monkeypatch.setattr("sinks.loop._GUARD_SECONDS", 0.0)
    monkeypatch.setattr("sinks.loop._VIOLATED_SECONDS", 0.0)
    seen = AsyncMock(return_value=[])
    monkeypatch.setattr("sinks.runner.attributes_lacking", seen)

    async def may_add_customers(method: str) -> None:
        right = {"key_id": 1, "controller": r"api\admin\customers\Customer", "action": "add"}
        async with httpx2.AsyncClient() as http:
            assert (await http.request(method, f"{pair.splynx.control}/permissions", json=right)).status_code == 204

    await may_add_customers("DELETE")
    stop = asyncio.Event()
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    pair.send("account", 4, account(4), sequence=9, owner=4)
    pair.send("payment", 21, payment(21, 1, 100), sequence=9, owner=1)
    await until(pair, "SELECT 1 FROM payments WHERE receipt_number = 'SP21'", going_on(running))
    assert pair.rows("SELECT value FROM {ledger}.meta WHERE name = 'guards'") == [{"value": "permissions"}]
    assert pair.rows("SELECT 1 FROM customers WHERE login = 's4'") == []
    await may_add_customers("POST")
    await until(pair, "SELECT 1 FROM customers WHERE login = 's4'", going_on(running))
    with monkeypatch.context() as refusing:
        # The server is everybody's here, so a mode that every server has stands for the one that refuses.
        refusing.setattr("sinks.guards._ZERO_DATES_REFUSED", frozenset({"NO_ENGINE_SUBSTITUTION"}))
        await until(pair, "SELECT 1 FROM {ledger}.meta WHERE name = 'guards'", going_on(running))
        pair.send("payment", 22, payment(22, 1, 100), sequence=9, owner=1)
        pair.send("account", 5, account(5), sequence=9, owner=5)
        await until(pair, "SELECT 1 FROM customers WHERE login = 's5'", going_on(running))
        assert pair.rows("SELECT value FROM {ledger}.meta WHERE name = 'guards'") == [{"value": "sql_mode"}]
        assert pair.rows("SELECT 1 FROM payments WHERE receipt_number = 'SP22'") == []
    await until(pair, "SELECT 1 FROM payments WHERE receipt_number = 'SP22'", going_on(running))
    stop.set()
    assert (await running).held == {}
    assert seen.await_count > len(entities())  # at each look, too: it may be upgraded meanwhile


@in_both_modes
async def test_a_module_that_is_switched_off_under_a_running_sink_holds_up_what_it_concerns(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a change, before that is read back; a start finds it so, too. Nothing is lost, and nothing given up."""
    sold: dict[str, list[SplynxRecord]] = {
        "internet_service": [service(5, 1, tariff_id=Ref(entity="internet_tariff", key="7"))]
    }
    pair.send("service", 7, tariff(7), sequence=1)
    pair.send("account", 1, account(1) | sold, sequence=1, owner=1)
    pair.send("payment", 11, payment(11, 1, 100), sequence=1, owner=1)
    await pair.sink()
    monkeypatch.setattr("sinks.loop._VIOLATED_SECONDS", 0.5)
    guards, put = "SELECT value FROM {ledger}.meta WHERE name = 'guards'", SplynxClient.put

    async def switch_off(*paths: str) -> None:
        async with httpx2.AsyncClient() as http:
            answer = await http.put(f"{pair.splynx.control}/modules", json={"disabled": paths})
            assert answer.status_code == 204, answer.text

    async def the_last(self: SplynxClient, path: str, id: int, body: Mapping[str, Any], **options: Any) -> None:
        await put(self, path, id, body, **options)
        if path == CUSTOMERS:
            monkeypatch.setattr(SplynxClient, "put", put)
            await switch_off(CUSTOMERS)

    monkeypatch.setattr(SplynxClient, "put", the_last)
    pair.send("account", 1, account(1, name="Renamed") | sold, sequence=2, owner=1)
    for turn in (1, 2):
        stop = asyncio.Event()
        running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
        await until(pair, guards, going_on(running))
        pair.send("account", 1 + turn, account(1 + turn), sequence=2, owner=1 + turn)
        pair.send("account_group", turn, {"label": []}, sequence=1)
        done = f"SELECT 1 FROM {{ledger}}.aggregates WHERE aggregate = 'account_group' AND sonar_id = {turn}"
        await until(pair, done, going_on(running))
        assert pair.rows(guards) == [{"value": "module Customers"}]
        assert pair.rows("SELECT 1 FROM {ledger}.intents WHERE state = 'open'")
        if turn == 1:
            stop.set()
            await running
    await switch_off()
    await until(pair, "SELECT 1 FROM customers WHERE login = 's3'", going_on(running))
    stop.set()
    assert (await running).held == {}
    assert pair.rows(guards) == pair.rows("SELECT 1 FROM {ledger}.intents WHERE state = 'open'") == []
    assert pair.rows("SELECT name FROM customers WHERE login = 's1'") == [{"name": "Renamed"}]
    changes = "SELECT 1 FROM {ledger}.journal WHERE entity = 'customer' AND record_key = '1' AND action = 'change'"
    assert len(pair.rows(changes)) == 1
    assert pair.dead_letters() == []


def test_every_target_has_a_path_that_the_sink_can_write() -> None:
    written: Callable[[str], bool] = lambda name: bool(TARGETS[name].endpoint)  # noqa: E731
    assert all(written(name) for name in TARGETS)
    assert {target.entity for one in AGGREGATES for target in aggregate(one.name).targets} == set(TARGETS)


@pytest.mark.parametrize(
    ("lacking", "way", "code"),
    [
        pytest.param({"disposable": False}, None, "sink.money_deferred", id="this Splynx is not called disposable"),
        pytest.param({"db": None}, "sql", "sink.sql_not_available", id="the database is not given, and is asked for"),
    ],
)
async def test_money_is_deferred_until_the_settings_allow_it(
    pair: Pair, lacking: dict[str, object], way: str | None, code: str
) -> None:
    allowed = pair.settings
    pair.settings = allowed.model_copy(update={"splynx": allowed.splynx.model_copy(update=lacking)})
    if way is not None:
        rules = yaml.safe_load(allowed.rules.read_text()) | {"write_paths": {"payment": way}}
        allowed.rules.write_text(yaml.safe_dump(rules))
    load(pair)
    summary = await pair.sink()
    assert summary.held == {"payment": {"deferred": 3}}
    assert pair.rows("SELECT DISTINCT state, code FROM {ledger}.held") == [{"state": "deferred", "code": code}]
    assert pair.rows("SELECT COUNT(*) AS n FROM payments")[0]["n"] == 0
    stop = asyncio.Event()
    running = asyncio.create_task(run_sink(allowed, apply=True, stop=stop))
    await until(pair, "SELECT 1 FROM payments HAVING COUNT(*) = 3", going_on(running))
    stop.set()
    assert (await running).held == {}
    assert pair.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 6


async def test_without_the_database_everything_goes_over_rest_and_is_found_again(pair: Pair) -> None:
    splynx = pair.settings.splynx.model_copy(update={"db": None})
    pair.settings = pair.settings.model_copy(update={"splynx": splynx})
    load(pair)
    both = [*payment(14, 1, 500)["payment"], *payment(14, 1, -200, reversal=5)["payment"]]
    pair.send("payment", 14, {"payment": both}, sequence=3, owner=1)
    assert (await pair.sink()).held == {}
    receipts = pair.rows("SELECT receipt_number AS r FROM payments ORDER BY r")
    assert [row["r"] for row in receipts] == ["SP11", "SP12", "SP13", "SP14", "SP14-R5"]
    written = pair.rows("SELECT entity, record_key, target_id FROM {ledger}.crosswalk WHERE entity = 'payment'")
    for table in ("crosswalk", "aggregates", "checkpoint", "outcomes"):
        pair.run(f"DELETE FROM {{ledger}}.{table}")
    with pytest.raises(AdoptionNeeded, match="5 of payment"):
        await pair.sink()
    summary = await pair.sink(approve=("adoption",))
    assert summary.adoptions["payment"] == 5
    (kept,) = pair.rows("SELECT value FROM {ledger}.meta WHERE name = 'adopted'")
    assert {"by", "at", "run"} < json.loads(kept["value"]).keys(), "nobody knows who approved of it"
    assert pair.rows("SELECT entity, record_key, target_id FROM {ledger}.crosswalk WHERE entity = 'payment'") == written
    assert pair.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 9
