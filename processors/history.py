"""Whether the group can go on where it left off, or retention has taken messages that nobody processed."""

from collections.abc import Callable, Iterable

from confluent_kafka import Consumer

from plumbing.errors import Action, ExitCode, SyncError
from plumbing.kafka import committed_offsets, end_offsets
from processors.transform import Coordinates


class HistoryLost(SyncError):
    """The offset to go on from is no longer on the topic: messages went that were never processed."""

    code = "processors.history_lost"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Set the group to what is left (kafka-consumer-groups --group GROUP --topic TOPIC --reset-offsets"
        " --to-earliest --execute), order `crossfade snapshot --only AGGREGATE --apply`, which publishes every record"
        " anew, and start the processors; raise kafka.sonar_retention_days."
    )


def check_retained(consumer: Consumer, topics: Iterable[str], partitions: int) -> None:
    """See that every committed offset of the consumer's group still lies on its topic.

    Raises:
        HistoryLost: one does not.
        DependencyUnreachable: the broker does not answer.
    """
    for topic in topics:
        committed = committed_offsets(consumer, topic, partitions)
        for partition, (low, high) in end_offsets(consumer, topic, partitions).items():
            at = committed.get(partition)
            if at is not None and not low <= at <= high:
                raise HistoryLost(f"{topic}[{partition}] goes on from {at}, but holds {low} to {high}")


class Continuity:
    """Sees that a partition is read without a gap while it is assigned.

    A client whose next offset is gone jumps to the oldest one kept, and says nothing.
    """

    def __init__(self, oldest: Callable[[str, int], int]) -> None:
        """`oldest(topic, partition)`: the oldest offset kept. Asked only where there is a gap."""
        self._oldest = oldest
        self._next: dict[tuple[str, int], int] = {}

    def follow(self, at: Coordinates) -> None:
        """Take note of a message that is about to be processed.

        Raises:
            HistoryLost: messages between the one before and this one are no longer kept.
        """
        expected = self._next.get((at.topic, at.partition), at.offset)
        if at.offset > expected and self._oldest(at.topic, at.partition) > expected:
            raise HistoryLost(
                f"{at.topic}[{at.partition}] goes on from {expected}, but the next message is {at.offset}"
            )
        self._next[at.topic, at.partition] = at.offset + 1

    def forget(self) -> None:
        """Partitions were given out anew: where one goes on from is another's affair."""
        self._next.clear()
