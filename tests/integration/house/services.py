"""Running the services of docker-compose.yml without an engine: the same commands, variables and health checks.

What a container gives is replaced: host names by 127.0.0.1 and a free port, mounted folders by folders of the test. For
the images of others the program of this machine stands in; their variables become what their entry points make of them.
"""

import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from sandbox.local.library import library, program
from sandbox.local.mariadb import MariaDb
from sandbox.local.ports import free_port
from sandbox.local.processes import Command, Managed, run
from tests.integration.house.environment import ROOT

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
STAGES = ("capture", "process", "sink")
PATIENCE_SECONDS = 90.0
_ADDRESSES = {
    "kafka:9092": "kafka", "0.0.0.0:9092": "kafka", "localhost:9093": "controller",
    "registry:8080": "registry", "localhost:8080": "registry", "localhost:9090": "prometheus",
    "sonar:8080": "sonar", "splynx:8080": "splynx",
    "capture:9101": "capture", "process:9102": "process", "sink:9103": "sink",
    "127.0.0.1:9101": "capture", "127.0.0.1:9102": "process", "127.0.0.1:9103": "sink",
}  # fmt: skip
"""`{address in the compose file: whose it is}`."""
_SPARING = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""What makes a Java server start with less work; what it does is the same."""


class Services:
    """The services under `folder`; started ones are stopped by `stop`."""

    def __init__(self, folder: Path, bin_: Path) -> None:
        self.folder, self._bin = folder, bin_
        names = ("kafka", "controller", "registry", "sonar", "splynx", "prometheus", "capture", "process", "sink")
        self.ports = {name: free_port() for name in names}
        self.mariadb = MariaDb(folder)
        self._mounts = {
            "/site": folder / "site",
            "/passwords": folder / "passwords",
            "/var/lib/crossfade": folder / "state",
            "/var/lib/kafka/data": folder / "kafka-data",
            "/prometheus": folder / "prometheus-data",
            "/etc/prometheus": folder / "prometheus-config",
        }
        for mount in self._mounts.values():
            mount.mkdir(parents=True)
        # Only the sandbox, as the image has it: the tree of the tests must not be found.
        (folder / "tree").mkdir()
        (folder / "tree" / "sandbox").symlink_to(ROOT / "sandbox")
        self._started: list[Managed] = []

    def text(self, service: str, text: str) -> str:
        """Words of the compose file, or of a file made for it, as they are here."""
        if service in ("sonar", "splynx"):
            text = text.replace("8080", str(self.ports[service]))
        for address, name in _ADDRESSES.items():
            text = text.replace(address, f"127.0.0.1:{self.ports[name]}")
        for path, place in self._mounts.items():
            # At the beginning of a word or after its sign of equality; elsewhere it is a part of another path.
            text = re.sub(rf"(^|=){path}(?=/|$)", rf"\g<1>{place}", text)
        text = re.sub(r"(^|=|host: )mariadb$", r"\g<1>127.0.0.1", text, flags=re.MULTILINE)
        return text.replace("port: 3306", f"port: {self.mariadb.port}").replace("0.0.0.0", "127.0.0.1")

    def command(self, service: str, *words: str) -> Command:
        """What its container runs; `words` instead of the command of the file."""
        one = SERVICES[service]
        given = [self.text(service, str(word)) for word in words or one.get("command", ())]
        environment = {key: self.text(service, str(value)) for key, value in one.get("environment", {}).items()}
        if service == "kafka":
            return self._kafka(environment)
        if service == "registry":
            jar = next((library() / "registry").glob("apicurio-registry-app-*-runner.jar"))
            here = {"QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_HTTP_PORT": str(self.ports["registry"])}
            return Command(
                [program("java"), "-Xmx256m", *_SPARING, "-jar", str(jar)],
                environment | here,
                self.folder,
            )
        if service == "prometheus":
            address = f"127.0.0.1:{self.ports['prometheus']}"
            return Command([program("prometheus"), *given, f"--web.listen-address={address}"], environment, self.folder)
        here = {"PATH": f"{self._bin}:/usr/bin:/bin", "PYTHONPATH": "", "PYTHONUNBUFFERED": "1"}
        if one["image"].startswith("crossfade-sandbox:"):
            if any(word.startswith("--db-host") for word in given):
                given.append(f"--db-port={self.mariadb.port}")
            # Fewer accounts are as good a proof, and sooner.
            given = ["--accounts=20" if word.startswith("--accounts=") else word for word in given]
            here["PYTHONPATH"] = str(self.folder / "tree")
            return Command([str(self._bin / "python"), "-m", *given], environment | here, self.folder)
        here |= {f"CROSSFADE_HTTP__{name.upper()}_PORT": str(self.ports[name]) for name in STAGES}
        return Command([str(self._bin / "crossfade"), *given], environment | here, self.folder)

    def _kafka(self, environment: Mapping[str, str]) -> Command:
        """As the image's entry point does it: variables become properties, and the storage is formatted."""
        properties = {
            key.removeprefix("KAFKA_").lower().replace("_", "."): value
            for key, value in environment.items()
            if key != "KAFKA_HEAP_OPTS"
        }
        at = self.folder / "server.properties"
        at.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        java = [program("java"), "-Xmx512m", *_SPARING, "-cp", f"{library() / 'kafka'}/*"]
        cluster = "MkU3OEVBNTcwNTJENDM2Qg"
        form = Command([*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(at)], {}, self.folder)
        run("kafka storage", form, self.folder / "log" / "storage.log")
        return Command([*java, "kafka.Kafka", str(at)], {}, self.folder)

    def start(self, service: str) -> None:
        """Start a service and wait until its own health check passes."""
        managed = Managed(service, self.folder)
        self._started.append(managed)
        if service == "mariadb":
            self.mariadb.prepare()
            managed.start(self.mariadb.command(), is_ready=self.mariadb.is_ready, timeout_seconds=PATIENCE_SECONDS)
            return
        managed.start(
            self.command(service), is_ready=lambda: self.is_healthy(service), timeout_seconds=PATIENCE_SECONDS
        )

    def is_healthy(self, service: str) -> bool:
        """Ask as the compose file asks; a tool that only the image has is replaced by what it does."""
        kind, *words = (self.text(service, word) for word in SERVICES[service]["healthcheck"]["test"])
        assert kind == "CMD"
        if words[0] == "python":
            done = subprocess.run(
                [str(self._bin / "python"), *words[1:]], capture_output=True, check=False, timeout=30, cwd=self.folder
            )
            healthy = done.returncode == 0
        elif words[0] in ("curl", "wget"):
            healthy = _answers(words[-1])
        else:
            assert words[0].endswith("kafka-broker-api-versions.sh")
            healthy = _is_a_broker(words[-1])
        if not healthy:
            time.sleep(0.3)
        return healthy

    def finish(self, service: str, *words: str) -> str:
        """Run a service that ends by itself; what it printed.

        Raises:
            AssertionError: with its words, when it does not end with 0.
        """
        command = self.command(service, *words)
        done = subprocess.run(
            command.argv, env=dict(command.environment), cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{service} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stop(self) -> None:
        """Stop what was started, the last one first."""
        for one in reversed(self._started):
            one.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _is_a_broker(bootstrap: str) -> bool:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 2000})
    try:
        return len(admin.list_topics(timeout=2).brokers) == 1
    except KafkaException:
        return False
