"""What consumers tell of a topic's ends and of a group's place in it."""

from typing import Protocol

from confluent_kafka import Consumer

from plumbing.kafka import committed_offsets, end_offsets


class Read(Protocol):
    """A topic with 5, 2 and 0 messages in three partitions; the group has done 3 of the first and 2 of the second."""

    name: str
    consumer: Consumer


class OffsetsContract:
    """Every consumer that is asked for offsets; a fixture `read` gives one."""

    def test_the_ends_are_the_oldest_message_and_the_place_after_the_newest(self, read: Read) -> None:
        assert end_offsets(read.consumer, read.name, 3) == {0: (0, 5), 1: (0, 2), 2: (0, 0)}

    def test_a_partition_that_was_never_committed_is_left_out(self, read: Read) -> None:
        assert committed_offsets(read.consumer, read.name, 3) == {0: 3, 1: 2}
