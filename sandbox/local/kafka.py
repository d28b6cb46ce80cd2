"""One Apache Kafka node in KRaft mode: broker and controller in one process, all listeners on 127.0.0.1."""

import base64
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from sandbox.local.library import library, program
from sandbox.local.ports import answers, free_ports
from sandbox.local.processes import Command, Managed, run

HEAP = "-Xmx512m"
COMPILER = "-XX:TieredStopAtLevel=1"
"""C1 only: a broker that starts often and moves little spent a third of its time in the other compiler."""


class Kafka:
    """The broker. Its ports are chosen once and kept in its folder, so a restart is found at the same address."""

    name = "kafka"
    timeout_seconds = 60.0

    def __init__(self, state: Path) -> None:
        self.folder = state / "kafka"
        self.process = Managed(self.name, state)
        self._properties = self.folder / "server.properties"

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return _property(self._properties, "advertised.listeners").removeprefix("PLAINTEXT://")

    def prepare(self) -> None:
        """Choose ports and format the storage, once."""
        if (self.folder / "data" / "meta.properties").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        client, controller = free_ports(2)
        self._properties.write_text(self.properties(client, controller))
        (self.folder / "log4j2.properties").write_text(LOGGING)
        run(
            "kafka storage",
            self._java("kafka.tools.StorageTool", "format", "-t", self.cluster_id(), "-c", str(self._properties)),
            self.process.log,
        )

    def properties(self, client: int, controller: int) -> str:
        """The text of `server.properties`, with these ports."""
        return _properties(self.folder / "data", client, controller)

    def cluster_id(self) -> str:
        """What the storage is formatted for: 22 characters of base64url."""
        return _cluster_id()

    def command(self) -> Command:
        """The broker's command line."""
        return self._java("kafka.Kafka", str(self._properties))

    def is_ready(self) -> bool:
        """True when the broker answers a metadata request, and belongs to its cluster."""
        host, _, port = self.bootstrap.rpartition(":")
        if not answers(int(port), host):
            return False
        # The client's complaints while the broker starts would be noise on the terminal.
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, "socket.timeout.ms": 2000})
        try:
            return any(one.port == int(port) for one in admin.list_topics(timeout=2).brokers.values())
        except KafkaException:
            return False

    def _java(self, *arguments: str) -> Command:
        logging = self.folder / "log4j2.properties"
        return Command(
            [
                program("java"),
                HEAP,
                COMPILER,
                "-XX:+UseSerialGC",
                f"-Dlog4j2.configurationFile={logging}",
                "-cp",
                f"{library() / 'kafka'}/*",
                *arguments,
            ],
            {},
            self.folder,
        )


def _cluster_id() -> str:
    """22 characters of base64url, as Kafka's own generator makes them (it never begins one with a dash)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _properties(data: Path, client: int, controller: int) -> str:
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{client}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
delete.topic.enable=true
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=9437184
replica.fetch.max.bytes=9437184
log.cleaner.dedupe.buffer.size=16777216
log.segment.delete.delay.ms=1000
"""


LOGGING = """\
status=warn
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.stdout.ref=stdout
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


def _property(path: Path, key: str) -> str:
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        if name == key:
            return value
    raise LookupError(f"{path} has no {key}")
