"""Dead letters of the processors as they lie on their topic: Kafka Connect's headers, and nothing of the record."""

from collections.abc import Iterator, Mapping
from typing import cast

from confluent_kafka import Message

from plumbing.reading import read_whole
from plumbing.settings import Settings
from processors.transform import DeadLetter
from schemas.topics import Topics

STAGE = "process"

_TOPIC = "__connect.errors.topic"
_PARTITION = "__connect.errors.partition"
_OFFSET = "__connect.errors.offset"
_RULES = "crossfade.rules_version"


def headers_of(letter: DeadLetter, rules_version: str) -> dict[str, bytes]:
    """The headers of a letter, by names that known tools show."""
    fields = {
        _TOPIC: letter.at.topic,
        _PARTITION: str(letter.at.partition),
        _OFFSET: str(letter.at.offset),
        "__connect.errors.stage": "TRANSFORMATION",
        "__connect.errors.exception.class.name": letter.code,
        "__connect.errors.exception.message": letter.reason,
        "crossfade.entity": letter.at.aggregate,
        _RULES: rules_version,
    }
    return {name: text.encode() for name, text in fields.items()}


def known_letters(settings: Settings, rules_version: str) -> Iterator[tuple[str, int, int]]:
    """`(topic, partition, offset)` of every letter that was written under these rules: others may pass by now.

    Raises:
        TopicMissing: the topic does not exist.
        DependencyUnreachable: the broker does not answer.
    """
    topics = Topics(settings.instance)
    for message in read_whole(settings.kafka, topics.dead_letters(STAGE), f"{topics.process_group}.letters"):
        headers = _headers(message)
        if headers.get(_RULES) == rules_version.encode():
            yield headers[_TOPIC].decode(), int(headers[_PARTITION]), int(headers[_OFFSET])


def _headers(message: Message) -> Mapping[str, bytes]:
    headers = cast("list[tuple[str, bytes]]", message.headers() or [])
    return dict(headers)
