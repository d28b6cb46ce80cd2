"""Debezium's JDBC sink under Kafka Connect: the peer that `make bench-peers` measures against.

Its settings are the best that were found for MariaDB: MySQL's driver, for it alone joins a batch's rows into one
statement; MariaDB's dialect; four tasks; 2,000 records a poll and a batch; of a key's records in a batch only the last.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.local.kafka import LOGGING
from sandbox.local.library import program
from sandbox.local.ports import free_port
from sandbox.local.processes import LAST_LINES, Command, Managed, StartFailed
from sandbox.local.stack import Addresses
from sandbox.splynx.database import Server

TASKS = 4
BATCH = 2_000
_CONFLUENT = "/apis/ccompat/v7"
_CONVERTER = {
    "": "io.apicurio.registry.utils.converter.AvroConverter",
    ".apicurio.registry.as-confluent": "true",
    # Five bytes in front, as Confluent's: a zero, and the id of the schema's content.
    ".apicurio.registry.use-id": "contentId",
    ".apicurio.registry.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
}


class Connect:
    """One worker process of Kafka Connect, standalone, with its REST API at a port of 127.0.0.1."""

    name = "connect"
    timeout_seconds = 90.0

    def __init__(self, at: Addresses, folder: Path, jars: Path) -> None:
        self.process = Managed(self.name, folder)
        self._at, self._folder, self._jars = at, folder, jars
        self._url = f"http://127.0.0.1:{free_port()}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            StartFailed: with its own last lines.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = worker_settings(self._at, self._folder, self._jars, self._url)
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self._folder / "connect.properties").write_text(text)
        (self._folder / "log4j2.properties").write_text(LOGGING)
        self.process.start(self._command(), is_ready=self._answers, timeout_seconds=self.timeout_seconds)

    def stop(self) -> None:
        """Stop it; twice is no error."""
        self.process.stop(grace_seconds=10)

    def add(self, name: str, config: dict[str, str]) -> None:
        """A connector, whose tasks begin at once."""
        self._call("POST", "/connectors", {"name": name, "config": config})

    def remove(self, name: str) -> None:
        """A connector; returns when the worker was told, which is before its tasks end."""
        self._call("DELETE", f"/connectors/{name}")

    def check(self, name: str) -> None:
        """See that neither the worker nor a task of a connector has ended.

        Raises:
            StartFailed: with the last lines of the worker, or of the task's trace.
        """
        if not self.process.is_running:
            raise StartFailed(self.name, "ended", self.process.last_lines())
        try:
            found = self._call("GET", f"/connectors/{name}/status")
        except urllib.error.HTTPError as exc:
            if exc.code == 404:  # it was added just now
                return
            raise
        for one in [found["connector"], *found["tasks"]]:
            if one["state"] == "FAILED":
                raise StartFailed(f"the connector {name}", "failed", causes(one.get("trace", "")))

    def _command(self) -> Command:
        return Command(
            [
                program("java"),
                "-Xms1g",
                "-Xmx1g",
                "-XX:+UseParallelGC",
                f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}",
                "-cp",
                f"{self._jars / 'connect'}/*",
                "org.apache.kafka.connect.cli.ConnectStandalone",
                str(self._folder / "connect.properties"),
            ],
            {},
            self._folder,
        )

    def _answers(self) -> bool:
        try:
            return bool(self._call("GET", "/"))
        except OSError:
            return False

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as exc:
            if method == "POST":
                raise StartFailed(self.name, f"refuses a connector (HTTP {exc.code})", [exc.read().decode()]) from exc
            raise
        return json.loads(text) if text else None


def worker_settings(at: Addresses, folder: Path, jars: Path, url: str) -> dict[str, str]:
    """The properties of the worker process."""
    registry = at.registry_url.removesuffix(_CONFLUENT) + "/apis/registry/v2"
    converter = _CONVERTER | {".apicurio.registry.url": registry}
    return {
        "bootstrap.servers": at.kafka_bootstrap,
        "listeners": url,
        "plugin.path": str(jars / "plugins"),
        "offset.storage.file.filename": str(folder / "offsets"),
        "connector.client.config.override.policy": "All",
        **{f"key.converter{name}": value for name, value in converter.items()},
        **{f"value.converter{name}": value for name, value in converter.items()},
    }


def sink_settings(into: Server, topics: Sequence[str]) -> dict[str, str]:
    """The connector that writes topics into the tables of their names."""
    options = "rewriteBatchedStatements=true&useServerPrepStmts=false&characterEncoding=UTF-8&sslMode=DISABLED"
    return {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": str(TASKS),
        "topics": ",".join(topics),
        "connection.url": f"jdbc:mysql://{into.host}:{into.port}/{into.name}?{options}&allowPublicKeyRetrieval=true",
        "connection.username": into.user,
        "connection.password": into.password,
        "hibernate.dialect": "org.hibernate.dialect.MariaDBDialect",
        # Redelivery must not fail or double: what ours promises, too.
        "insert.mode": "upsert",
        "primary.key.mode": "record_key",
        "schema.evolution": "none",
        "collection.name.format": "${topic}",
        "quote.identifiers": "true",
        "batch.size": str(BATCH),
        "use.reduction.buffer": "true",
        "consumer.override.max.poll.records": str(BATCH),
        "consumer.override.auto.offset.reset": "earliest",
    }


def causes(trace: str) -> list[str]:
    """The lines of a Java trace that say something, and the last ones."""
    lines = trace.splitlines()
    return [one for one in lines if not one.startswith("\tat ")][-LAST_LINES:]
