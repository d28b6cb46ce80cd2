"""Three brokers of one cluster, each of which a test may kill and start again."""

import time
from pathlib import Path

from confluent_kafka.admin import AdminClient

from sandbox.local.kafka import Kafka
from tests.faults.conftest import start

NUMBER = 3
_SECONDS = 40
_QUICK = {
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 3000,
    "replica.lag.time.max.ms": 3000,
    "offsets.topic.replication.factor": NUMBER,
}
"""Who is gone is found out within seconds."""


class _Broker(Kafka):
    """One of several: the first of them is their controller too, and a test lets it live."""

    def __init__(self, state: Path, number: int, first: "_Broker | None") -> None:
        super().__init__(state / str(number))
        self._number, self._first, self._cluster = number, first, "" if first is None else first.cluster_id()
        self._controller = 0

    def cluster_id(self) -> str:
        self._cluster = self._cluster or super().cluster_id()
        return self._cluster

    def properties(self, client: int, controller: int) -> str:
        self._controller = controller if self._first is None else self._first._controller
        mine: dict[str, object] = {"node.id": self._number, **_QUICK}
        if self._first is not None:
            mine |= {
                "process.roles": "broker",
                "listeners": f"PLAINTEXT://127.0.0.1:{client}",
                "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            }
        # Of what is said twice Kafka takes what is said last.
        return super().properties(client, controller) + "".join(f"{name}={value}\n" for name, value in mine.items())


class Brokers:
    """Brokers 1 to 3. `bootstrap` is the first one's: clients learn of the others from it."""

    def __init__(self, state: Path) -> None:
        first = _Broker(state, 1, None)
        self._each = {1: first} | {number: _Broker(state, number, first) for number in range(2, NUMBER + 1)}
        for one in self._each.values():
            one.prepare()
        self.start(*self._each)

    @property
    def bootstrap(self) -> str:
        """`host:port` of the first."""
        return self._each[1].bootstrap

    def start(self, *numbers: int) -> None:
        """Start these and wait for them."""
        for number in numbers:
            start(self._each[number])

    def kill(self, *numbers: int) -> None:
        """SIGKILL, all at once."""
        for number in numbers:
            self._each[number].process.kill()

    def close(self) -> None:
        """Stop all that live, the controller last."""
        for number in sorted(self._each, reverse=True):
            self._each[number].process.stop(grace_seconds=2)

    def leaders(self, topic: str) -> list[int]:
        """Of each partition the broker that leads it; -1: none does."""
        found = AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(topic, timeout=10).topics[topic]
        return [found.partitions[number].leader for number in sorted(found.partitions)]

    def until_in_sync(self, topic: str, copies: int) -> None:
        """Wait until so many brokers have all of each partition of the topic."""
        end = time.monotonic() + _SECONDS
        while True:
            found = AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(topic, timeout=10).topics[topic]
            if {len(one.isrs) for one in found.partitions.values()} == {copies}:
                return
            assert time.monotonic() < end, f"{topic} does not come to be on {copies} brokers"
            time.sleep(0.2)
