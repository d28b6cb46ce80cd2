"""A sink between real topics and a real Splynx stand-in, on which one history after the other is played."""

import asyncio
import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pymysql
import pytest
import yaml
from confluent_kafka import TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient

from plumbing.avro import Codec
from plumbing.errors import DependencyUnreachable, ExitCode, SyncError
from plumbing.kafka import (
    AckedProducer,
    end_offsets,
    make_admin,
    make_consumer,
    make_producer,
    make_reader,
    partition_of,
)
from plumbing.reading import read_spans, value_of
from plumbing.settings import Settings
from reconciliation.audit import run_audit
from sandbox import choices
from sandbox.local.sandboxes import SplynxSandbox
from schemas.avro import bundle_from_avro, bundle_schema, bundle_to_avro
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.topics import Topics
from schemas.write_paths import WritePaths
from sinks.runner import SinkSummary, run_sink
from tests.conftest import MariaDbAccess
from tests.faults.alarms import ENDS, Starts
from tests.faults.history import Happening, history
from tests.faults.steps import Killed, NotInTime
from tests.faults.target import Picture, Row, picture
from tests.integration import processors

Halt = TypeVar("Halt", bound=SyncError)
PARTITIONS = 2
RULES = Path(processors.__file__).with_name("rules.yaml")
WRITTEN = [one for one in AGGREGATES if one.targets]
_PATIENCE = 360
"""How often it is looked whether a sink has caught up, 20 seconds by themselves. Where the machine is busy each look
takes longer, as the sink's steps do: it is given the same chance."""
_LONGEST_SECONDS = 600.0
"""And no longer than this."""
_MADE_ONCE = ("Customer", "Partners")
"""Of what hooks tell the creation of: never removed, so that no end of a batch decides whether it is ever made."""
_UNSETTLED = (
    "SELECT COUNT(*) AS n FROM {ledger}.held h LEFT JOIN {ledger}.crosswalk c"
    " ON c.entity = h.waits_entity AND c.record_key = h.waits_key"
    " WHERE h.state = 'ready' OR (h.state = 'parked' AND c.entity IS NOT NULL)"
)


@dataclass(repr=False)
class SinkSite:
    """One instance with its topics, its ledger and its Splynx; `reset` makes both empty again."""

    settings: Settings
    splynx: SplynxSandbox
    mariadb: MariaDbAccess
    registry: SchemaRegistryClient
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    """`{(topic, partition): end}` of what was sent last."""
    undisturbed: dict[tuple[int, bool], Picture] = field(default_factory=dict)
    """`{(seed, with the database): Splynx after its history, to which nothing happened}`."""

    def __post_init__(self) -> None:
        self.topics = Topics(self.settings.instance)
        self._bus = AckedProducer(make_producer(self.settings.kafka))
        self._codecs = {
            one.name: Codec(self.registry, f"{self.topics.splynx(one.name)}-value", bundle_schema(one))
            for one in WRITTEN
        }
        self._root = self.mariadb.connect(self.splynx.database)
        self._starts = Starts("sink")
        self._parts = self._counting()
        self._fresh = self._highest()

    def close(self) -> None:
        """Close the connection to the database."""
        self._root.close()

    # the two ends

    def cut_off(self, one: Happening) -> bytes:
        """The first half of a bundle's bytes."""
        whole = self._codecs[one.aggregate].encode(bundle_to_avro(one.stamped(self.topics.splynx(one.aggregate))))
        return whole[: len(whole) // 2]

    def dead_letters(self) -> int:
        """How many dead letters of the sink there are."""
        consumer = make_consumer(self.settings.kafka, f"{self.settings.instance}.test")
        try:
            low, high = end_offsets(consumer, self.topics.dead_letters("sink"), 1)[0]
            return high - low
        finally:
            consumer.close()

    def play(self, told: Sequence[Happening]) -> None:
        """Put a history on the topics, which hold nothing else afterwards, and begin with an empty Splynx."""
        self.empty_topics()
        for one in told:
            topic = self.topics.splynx(one.aggregate)
            self.raw(one.aggregate, one.owner, self._codecs[one.aggregate].encode(bundle_to_avro(one.stamped(topic))))
        self._bus.flush()
        self._note_ends()
        self.reset()

    def add(self, told: Sequence[Happening]) -> None:
        """Send more, behind what is there."""
        for one in told:
            topic = self.topics.splynx(one.aggregate)
            self.raw(one.aggregate, one.owner, self._codecs[one.aggregate].encode(bundle_to_avro(one.stamped(topic))))
        self._bus.flush()
        self._note_ends()

    def raw(self, name: str, owner: int, value: bytes | None) -> None:
        """Hand bytes over for an aggregate's topic; `add` or `play` sends them."""
        partition = partition_of(owner, PARTITIONS)
        self._bus.produce(self.topics.splynx(name), partition=partition, key=b"k", value=value)

    def after_compaction(self) -> list[Happening]:
        """What would be left on the topics: the last bundle of each key."""
        consumer = make_reader(self.settings.kafka, f"{self.settings.instance}.test")
        kept: dict[tuple[str, int], Happening] = {}
        try:
            for one in WRITTEN:
                topic = self.topics.splynx(one.name)
                ends = end_offsets(consumer, topic, PARTITIONS)
                for _, message in read_spans(consumer, {(topic, place): span for place, span in ends.items()}):
                    told = bundle_from_avro(self._codecs[one.name].decode(value_of(message)))
                    owner = told.owner_id or told.sonar_id
                    kept[one.name, told.sonar_id] = Happening(
                        one.name, told.sonar_id, owner, told.bundle, told.sequence
                    )
        finally:
            consumer.close()
        return sorted(kept.values(), key=lambda one: one.sequence)

    def reset(self) -> None:
        """Empty Splynx as it was installed, and no ledger."""
        with self._root.cursor() as cursor:
            cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
            for table, top in self._highest().items():
                if top != self._fresh[table]:
                    cursor.execute(
                        f"TRUNCATE `{table}`"
                        if self._fresh[table] is None
                        else f"DELETE FROM `{table}` WHERE id > {self._fresh[table]}"
                    )
        self.drop_ledger()
        self.control("DELETE", "faults")
        self.control("DELETE", "side-effects")
        self.forget()
        self._starts.forget()

    def drop_ledger(self) -> None:
        """Lose the ledger."""
        with self._root.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{self.splynx.ledger}`")
            cursor.execute(f"CREATE DATABASE `{self.splynx.ledger}` CHARACTER SET utf8mb4")

    def forget(self) -> None:
        """Have the stand-in read its copies of fields and settings again, as any change of rights does."""
        (one,) = self.rows("SELECT id AS key_id, controller, action FROM permissions_api_key LIMIT 1")
        self.control("POST", "permissions", one)

    def change(self, sql: str, *values: object) -> int:
        """Change something in Splynx behind everybody's back; how many rows are now another."""
        with self._root.cursor() as cursor:
            changed = cursor.execute(sql, values)
        self.forget()
        return changed

    def everything(self) -> dict[str, int | None]:
        """How many rows each table has, or its highest id: what any write of a new row moves."""
        return self._highest()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the stand-in's control room."""
        answer = httpx2.request(method, f"{self.splynx.control}/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def rows(self, sql: str) -> list[Row]:
        """Rows of Splynx's schema, as root; `{ledger}` names the ledger's."""
        if not self._root.open:  # its server was started again
            self._root = self.mariadb.connect(self.splynx.database)
        with self._root.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(sql.replace("{ledger}", f"`{self.splynx.ledger}`"))
            return [dict(row) for row in cursor.fetchall()]

    # runs

    async def run(
        self, until: Callable[[], bool] | None = None, settings: Settings | None = None, **options: Any
    ) -> SinkSummary:
        """Run the sink until it has everything that was sent (or `until`), nothing woken left to write.

        Raises:
            NotInTime: it does not get there.
            Killed, SyncError: what ended it.
        """
        stop = asyncio.Event()
        with self._starts.process():
            running = asyncio.create_task(run_sink(settings or self.settings, apply=True, stop=stop, **options))
            try:
                await self._wait(running, until or self.is_caught_up)
            finally:
                stop.set()
                if not running.done():
                    await asyncio.wait([running])
            return await running

    async def halted_by(self, error: type[Halt], settings: Settings | None = None) -> Halt:
        """What ends the sink, and ends it again as often as it is started, until that rings.

        Raises:
            pytest.fail.Exception: nothing does.
            Killed, SyncError: something else does.
        """
        ended: list[Halt] = []
        while len(ended) <= ENDS.least:
            with pytest.raises(error) as told:
                await self.run(settings=settings)
            ended.append(told.value)
        assert len({one.code for one in ended}) == 1
        assert ended[0].exit_code is not ExitCode.DONE
        return ended[0]

    async def run_through(self, **options: Any) -> SinkSummary:
        """Run, and start again after each kill, as a supervisor does."""
        while True:
            with contextlib.suppress(Killed):
                return await self.run(**options)

    def is_caught_up(self) -> bool:
        """The ledger has an outcome of everything that was sent, and nothing is left to wake."""
        try:
            done = {
                (row["topic"], row["partition_no"]): row["next_offset"]
                for row in self.rows("SELECT topic, partition_no, next_offset FROM {ledger}.checkpoint")
            }
            if any(done.get(place, 0) < end for place, end in self.ends.items()):
                return False
            return not self.rows(_UNSETTLED)[0]["n"]
        except pymysql.err.MySQLError:
            return False  # the ledger is not made yet, or its server is away

    async def _wait(self, running: "asyncio.Task[SinkSummary]", until: Callable[[], bool]) -> None:
        left, deadline = _PATIENCE, time.monotonic() + _LONGEST_SECONDS
        while not running.done() and not await asyncio.to_thread(until):
            left -= 1
            if not left or time.monotonic() > deadline:
                raise NotInTime("the sink does not catch up")
            await asyncio.sleep(0.05)

    async def after_nothing(self, seed: int) -> Picture:
        """Splynx after the history of a seed to which nothing happens.

        Leaves that history on the topics and Splynx empty.
        """
        self.play(history(seed))
        which = seed, self.settings.ledger_beside_rows
        if which not in self.undisturbed:
            await self.run()
            self.undisturbed[which] = self.picture()
            self.reset()
        return self.undisturbed[which]

    # proofs

    def picture(self) -> Picture:
        """Splynx as it is, with what went out of it and what the ledger's journal has of money."""
        ways = WritePaths(sql=self.settings.ledger_beside_rows)
        made = picture(self.rows, ways.not_ours(TARGETS["payment"]))
        made["ledger"] = self.rows(
            "SELECT entity, record_key, hash FROM {ledger}.crosswalk WHERE state = 'live' ORDER BY 1, 2"
        )
        made["applied"] = self.rows(
            "SELECT aggregate, sonar_id, sequence, hash, deleted FROM {ledger}.aggregates ORDER BY 1, 2"
        )
        made["held"] = self.rows("SELECT entity, record_key, state, code FROM {ledger}.held ORDER BY 1, 2")
        made["created"] = self.rows(
            "SELECT i.entity, i.record_key, COUNT(*) AS n FROM {ledger}.intents i JOIN {ledger}.crosswalk c"
            " ON c.entity = i.entity AND c.record_key = i.record_key AND c.state = 'live'"
            " WHERE i.state = 'done' AND i.method = 'POST' GROUP BY i.entity, i.record_key ORDER BY 1, 2"
        )
        went_out = self.control("GET", "side-effects")
        made["mails"], made["commands"] = went_out["mails"], went_out["radius"]
        told = Counter(one["model"] for one in went_out["hooks"] if one["action"] == "create")
        made["hooks"] = [{"model": model, "created": told[model]} for model in _MADE_ONCE]
        return made

    async def assert_each_offset_has_one_outcome(self) -> None:
        """The auditor finds nothing to name.

        Raises:
            AssertionError: it names something.
        """
        found = await run_audit(self.settings)
        assert not found.gaps, found.gaps[:5]

    # inside

    def _highest(self) -> dict[str, int | None]:
        """`{table with ids: its highest id, None when it is empty}`; other tables count their rows."""
        return {row["t"]: row["top"] for row in self.rows(self._parts)}

    def _counting(self) -> str:
        columns = self.rows(
            "SELECT table_name AS t, MAX(column_name = 'id' AND data_type IN ('int', 'bigint')) AS has_id"
            f" FROM information_schema.columns WHERE table_schema = '{self.splynx.database}' GROUP BY table_name"
        )
        parts = []
        for one in columns:
            top = "MAX(id)" if one["has_id"] else "NULLIF(COUNT(*), 0)"
            parts.append(f"SELECT '{one['t']}' AS t, {top} AS top FROM `{one['t']}`")
        return " UNION ALL ".join(parts)

    def empty_topics(self) -> None:
        """As retention cuts them, to their ends."""
        self._note_ends()
        places = [TopicPartition(topic, partition, end) for (topic, partition), end in self.ends.items()]
        admin = make_admin(self.settings.kafka)  # its futures end with it
        for future in admin.delete_records(places).values():
            future.result(30)

    def _note_ends(self) -> None:
        consumer = make_consumer(self.settings.kafka, f"{self.settings.instance}.test")
        try:
            for one in WRITTEN:
                topic = self.topics.splynx(one.name)
                for partition, (low, high) in end_offsets(consumer, topic, PARTITIONS).items():
                    self.ends[topic, partition] = high if high > low else 0
        finally:
            consumer.close()

    def wait_for_leaders(self) -> None:
        """New topics have no leaders for a moment."""
        deadline = time.monotonic() + 30
        while True:
            try:
                self._note_ends()
            except DependencyUnreachable:
                assert time.monotonic() < deadline, "no leaders of the topics are elected"
                time.sleep(0.2)
            else:
                return


def sink_settings(
    folder: Path, splynx: SplynxSandbox, mariadb: MariaDbAccess, bootstrap: str, registry_url: str, instance: str
) -> Settings:
    """Small batches, a short patience with Splynx, guards confirmed by the stand-in's own keys."""
    shutil.copy(RULES, folder / "rules.yaml")
    (folder / "guards.yaml").write_text(yaml.safe_dump(choices.guards()))
    access = {
        "host": mariadb.host, "port": mariadb.port, "user": splynx.writer, "password": splynx.writer_password,
        "timeout_seconds": 10,
    }  # fmt: skip
    return Settings.model_validate(
        {
            "instance": instance,
            "sonar": {"url": "http://sonar.example.com", "token": "t"},
            "splynx": {
                "url": splynx.url, "key": splynx.key, "secret": splynx.secret, "disposable": True,
                "requests_per_second": 1000, "settle_seconds": 1.5, "timeout_seconds": 1,
                "db": access | {"name": splynx.database},
            },
            "ledger": access | {"name": splynx.ledger},
            "kafka": {"bootstrap": bootstrap, "partitions": PARTITIONS, "replication_factor": 1},
            "registry": {"url": registry_url},
            "rules": folder / "rules.yaml",
            "guards": folder / "guards.yaml",
            "http": {"sink_port": 0},
            "sink": {"batch": 6, "batch_wait_seconds": 0.2},
        }
    )  # fmt: skip
