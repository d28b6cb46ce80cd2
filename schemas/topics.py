"""Names, partitions and configuration of every topic of one instance, derived from the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.aggregate import Aggregate

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
SHARES = 12
"""Of the requests to Sonar: two, three, four or six processes have equal parts, and more than twelve never ask."""
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it should exist. `config` holds Kafka's own names."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Topics:
    """The topics of one instance.

    >>> Topics("main").sonar("account")
    'sonar.main.account'
    """

    instance: str

    def sonar(self, aggregate: str) -> str:
        """Every version of an aggregate as capture read it; kept for the whole parallel run."""
        return f"sonar.{self.instance}.{aggregate}"

    def splynx(self, aggregate: str) -> str:
        """The bundles that processors made of them."""
        return f"splynx.{self.instance}.{aggregate}"

    @property
    def cursors(self) -> str:
        """Compacted: where capture resumes, reservations of sequences, by key."""
        return f"crossfade.{self.instance}.cursors"

    @property
    def children(self) -> str:
        """Compacted: the child index, `<collection>:<id>` → what was last published of a root, and its children."""
        return f"crossfade.{self.instance}.children"

    @property
    def watermarks(self) -> str:
        """Watermarks as published (`schemas/watermark.py`); one partition, in order."""
        return f"crossfade.{self.instance}.watermarks"

    @property
    def rules(self) -> str:
        """Compacted: rules generation → version; one partition."""
        return f"crossfade.{self.instance}.rules"

    @property
    def lease(self) -> str:
        """One partition; who owns it in the group `capture_group` is the capture process."""
        return f"crossfade.{self.instance}.lease"

    @property
    def asking(self) -> str:
        """Without messages; its partitions are shares of the budget of requests to Sonar. Also the group's name."""
        return f"crossfade.{self.instance}.asking"

    @property
    def signals(self) -> str:
        """Debezium's signals to capture: `{id, type, data}`."""
        return f"crossfade.{self.instance}.signals"

    @property
    def notifications(self) -> str:
        """Debezium's notifications from the stages."""
        return f"crossfade.{self.instance}.notifications"

    @property
    def actions(self) -> str:
        """What operators did: each command that changes something, when it begins and when it ends; kept for good."""
        return f"crossfade.{self.instance}.actions"

    def dead_letters(self, stage: str) -> str:
        """Dead letters of one stage: `capture`, `process` or `sink`."""
        return f"crossfade.{self.instance}.dead.{stage}"

    @property
    def capture_group(self) -> str:
        """Consumer group of the lease."""
        return f"crossfade.{self.instance}.capture"

    @property
    def process_group(self) -> str:
        """Consumer group (and Faust application id) of the processors."""
        return f"crossfade.{self.instance}.process"

    @property
    def sink_group(self) -> str:
        """Consumer group of the sinks."""
        return f"crossfade.{self.instance}.sink"

    def specs(self, aggregates: Iterable[Aggregate], *, partitions: int, retention_days: int) -> list[TopicSpec]:
        """Every topic that must exist. All per-aggregate topics have one partition count: they are co-partitioned."""
        big = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
        compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.ms": str(_DAY_MS // 24)}
        result = []
        for aggregate in aggregates:
            result.append(
                TopicSpec(
                    self.sonar(aggregate.name),
                    partitions,
                    {**big, "cleanup.policy": "delete", "retention.ms": str(retention_days * _DAY_MS)},
                )
            )
            if aggregate.targets:
                result.append(
                    TopicSpec(
                        self.splynx(aggregate.name),
                        partitions,
                        {**big, "cleanup.policy": "compact", "min.compaction.lag.ms": str(7 * _DAY_MS)},
                    )
                )
        forever = {"cleanup.policy": "delete", "retention.ms": "-1"}
        result += [
            TopicSpec(self.cursors, 1, {**compacted, **big}),
            TopicSpec(self.children, partitions, {**compacted, **big}),
            TopicSpec(self.rules, 1, compacted),
            TopicSpec(self.watermarks, 1, {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}),
            TopicSpec(self.lease, 1, {"cleanup.policy": "delete"}),
            TopicSpec(self.asking, SHARES, {"cleanup.policy": "delete"}),
            TopicSpec(self.signals, 1, {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)}),
            TopicSpec(self.notifications, 1, {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}),
            TopicSpec(self.actions, 1, forever),
        ]
        result += [
            TopicSpec(self.dead_letters(stage), 1, {**forever, **big}) for stage in ("capture", "process", "sink")
        ]
        return result
