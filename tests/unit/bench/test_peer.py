"""What could make the measurement against a peer a wrong one: its settings, its rows, when it counts as done."""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import fastavro
import pytest

from sandbox.local.processes import StartFailed
from sandbox.local.stack import Addresses
from sandbox.splynx.database import Server
from tests.bench import peer_rows
from tests.bench.connect import Connect, causes, sink_settings, worker_settings
from tests.bench.paying import Installation
from tests.bench.peer_rows import TABLES, TARGET, NotTheSame, Peer, Recorded, compare
from tests.bench.peer_topics import Table

AT = Addresses("127.0.0.1:9092", "http://127.0.0.1:8081/apis/ccompat/v7", "127.0.0.1", 3306, "root", "none")
SERVER = Server("127.0.0.1", 3306, "root", "a password", "splynx_1")
INTO = Installation(SERVER, "splynx_1")
PAYMENTS = Table(
    "payments",
    {"id": ("int", False), "amount": ("decimal", False), "date": ("date", False), "note": ("text", True)},
    ["id"],
)
ROW = {"id": 7, "amount": Decimal("12.3400"), "date": date(2025, 1, 2), "note": None}


def test_the_worker_reads_avro_from_our_registry_by_the_ids_that_our_messages_carry() -> None:
    found = worker_settings(AT, Path("/state"), Path("/jars"), "http://127.0.0.1:1")
    assert found["bootstrap.servers"] == AT.kafka_bootstrap
    assert found["plugin.path"] == "/jars/plugins"
    for part in ("key", "value"):
        of = f"{part}.converter"
        assert found[f"{of}.apicurio.registry.url"] == "http://127.0.0.1:8081/apis/registry/v2"
        assert found[f"{of}.apicurio.registry.use-id"] == "contentId"
        assert found[f"{of}.apicurio.registry.as-confluent"] == "true"


def test_the_peer_has_as_many_connections_as_ours_and_its_best_settings() -> None:
    found = sink_settings(SERVER, ["payments", "journal"])
    assert found["tasks.max"] == "4"
    assert found["topics"] == "payments,journal"
    assert found["connection.url"].startswith("jdbc:mysql://127.0.0.1:3306/splynx_1?rewriteBatchedStatements=true")
    assert found["hibernate.dialect"].endswith("MariaDBDialect")
    assert (found["insert.mode"], found["primary.key.mode"]) == ("upsert", "record_key")
    assert found["batch.size"] == found["consumer.override.max.poll.records"] == "2000"
    assert found["use.reduction.buffer"] == "true"


def test_a_trace_is_told_by_its_causes() -> None:
    trace = "ConnectException: stopped\n\tat a.B.c(B.java:1)\nCaused by: SQLException: no table\n\tat d.E.f(E.java:2)"
    assert causes(trace) == ["ConnectException: stopped", "Caused by: SQLException: no table"]


def test_a_row_travels_as_whole_numbers_and_texts() -> None:
    value = PAYMENTS.value(ROW)
    assert value == {"id": 7, "amount": "12.3400", "date": "2025-01-02", "note": None}
    schema = fastavro.parse_schema(PAYMENTS.value_schema())
    written = io.BytesIO()
    fastavro.schemaless_writer(written, schema, value)
    written.seek(0)
    assert fastavro.schemaless_reader(written, schema, None) == value
    assert [one["name"] for one in PAYMENTS.key_schema()["fields"]] == ["id"]


def test_an_instant_keeps_its_fraction() -> None:
    table = Table("journal", {"at": ("datetime", False)}, ["at"])
    at = datetime(2025, 1, 2, 3, 4, 5, 678000, UTC).replace(tzinfo=None)  # as a driver reads it
    assert table.value({"at": at}) == {"at": "2025-01-02 03:04:05.678000"}


def test_the_peer_gets_all_rows_of_a_share_in_the_order_of_writing() -> None:
    recorded = _recorded()
    assert recorded.shares_of(PAYMENTS) == [[{"id": 1}, {"id": 2}, {"id": 3}], [{"id": 4}]]
    assert recorded.count(["payments"]) == 4
    assert recorded.edge(["payments"], 0) == [("payments", {"id": 1}), ("payments", {"id": 4})]
    assert recorded.edge(["payments"], -1) == [("payments", {"id": 3}), ("payments", {"id": 4})]


def test_the_target_is_measured_alone_without_the_ledger() -> None:
    assert set(TARGET) == {"payments", "billing_transactions", "customer_billing"}
    assert set(TABLES) > set(TARGET)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param({"payments": (3, 11)}, "payments has 3 rows of 4", id="a row is missing"),
        pytest.param({"payments": (4, 12)}, "payments differs in content", id="a column differs"),
    ],
)
def test_other_rows_than_ours_end_the_measurement(found: dict[str, tuple[int, int]], told: str) -> None:
    with pytest.raises(NotTheSame, match=told):
        compare(_recorded().digests, found)


def test_the_same_rows_pass_and_tables_that_were_not_written_are_not_asked_for() -> None:
    compare({"payments": (4, 11), "ledger.journal": (9, 1)}, {"payments": (4, 11)})


class _Connect:
    """A connector that is looked at; it fails when told to."""

    def __init__(self, failure: StartFailed | None = None) -> None:
        self.looks, self._failure = 0, failure

    def check(self, _name: str) -> None:
        self.looks += 1
        if self._failure is not None:
            raise self._failure


async def _arrival(seen: Sequence[int], connect: _Connect, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Wait for rows while the database shows so many of those that are asked for; the questions that were asked."""
    monkeypatch.setattr(peer_rows, "_LOOK_SECONDS", 0)
    asked: list[str] = []

    async def fetch(sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        asked.append("last" if 3 in values else "first")
        return [{"n": seen[len(asked) - 1]}]

    peer = Peer(AT, cast("Connect", connect), _recorded())
    await peer._arrival(fetch, INTO, ["payments"], "peer-1")
    return asked


async def test_all_is_there_only_when_the_last_row_of_every_share_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await _arrival([0, 0, 1, 0, 1, 2], _Connect(), monkeypatch)
    assert asked == ["first", "first", "first", "last", "last", "last"]


async def test_a_task_that_failed_is_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = StartFailed("the connector peer-1", "failed", ["Caused by: SQLException: no table"])
    with pytest.raises(StartFailed, match="no table"):
        await _arrival([0] * 20, _Connect(failure), monkeypatch)


async def test_rows_that_never_come_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_rows, "_PATIENCE_SECONDS", -1.0)
    connect = _Connect()
    with pytest.raises(NotTheSame, match="only a part"):
        await _arrival([1] * 20, connect, monkeypatch)
    assert connect.looks == 1


def _recorded() -> Recorded:
    first = [{"payments": [{"id": 1}, {"id": 2}]}, {"payments": [{"id": 3}]}]
    return Recorded([first, [{"payments": [{"id": 4}]}]], [PAYMENTS], {"payments": (4, 11)})
