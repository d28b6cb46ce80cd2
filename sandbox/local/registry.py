"""Apicurio Registry with its schemas in Kafka, spoken to through Confluent's API."""

import urllib.error
import urllib.request
from pathlib import Path

from sandbox.local.kafka import Kafka
from sandbox.local.library import library, program
from sandbox.local.ports import free_port
from sandbox.local.processes import Command, Managed


class Registry:
    """The registry. It keeps nothing on disk: schemas and their ids are in the topic `kafkasql-journal`."""

    name = "registry"
    timeout_seconds = 90.0

    def __init__(self, state: Path, kafka: Kafka) -> None:
        self.folder = state / "registry"
        self.process = Managed(self.name, state)
        self._kafka = kafka
        self._port = self.folder / "port"

    @property
    def url(self) -> str:
        """Confluent's API, for `SchemaRegistryClient`."""
        return f"{self._base}/apis/ccompat/v7"

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{int(self._port.read_text())}"

    def prepare(self) -> None:
        """Choose the port, once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._port.exists():
            self._port.write_text(str(free_port()))

    def command(self) -> Command:
        """The registry's command line; Kafka must be prepared (its address is needed)."""
        jar = library() / "registry" / "apicurio-registry-app-3.0.9-runner.jar"
        return Command(
            # C1 only: it starts in half the time, and a registry is asked seldom.
            [program("java"), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", str(jar)],
            {
                "QUARKUS_HTTP_HOST": "127.0.0.1",
                "QUARKUS_HTTP_PORT": self._port.read_text(),
                "QUARKUS_LOG_LEVEL": "WARN",
                "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
                # It waits this long for more of an empty journal before it calls itself started; the default is 5 s.
                "APICURIO_KAFKASQL_CONSUMER_POLL_TIMEOUT": "100",
                "APICURIO_STORAGE_KIND": "kafkasql",
                "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": self._kafka.bootstrap,
            },
            self.folder,
        )

    def is_ready(self) -> bool:
        """True when Confluent's API lists the subjects, which needs the storage to have been read back from Kafka."""
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=2) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False
