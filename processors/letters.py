"""Dead letters of the processors as they lie on their topic: Kafka Connect's headers, and nothing of the record."""

from collections.abc import Iterator, Mapping
from typing import cast

from confluent_kafka import Message

from plumbing.dead_letters import OFFSET, PARTITION, TOPIC, connect_headers
from plumbing.reading import read_whole
from plumbing.settings import Settings
from processors.transform import DeadLetter
from schemas.topics import Topics

STAGE = "process"

_RULES = "crossfade.rules_version"


def headers_of(letter: DeadLetter, rules_version: str) -> dict[str, bytes]:
    """The headers of a letter, by names that known tools show."""
    return connect_headers(
        letter.at,
        stage="TRANSFORMATION",
        code=letter.code,
        reason=letter.reason,
        more={"crossfade.entity": letter.at.aggregate, _RULES: rules_version},
    )


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
            yield headers[TOPIC].decode(), int(headers[PARTITION]), int(headers[OFFSET])


def _headers(message: Message) -> Mapping[str, bytes]:
    headers = cast("list[tuple[str, bytes]]", message.headers() or [])
    return dict(headers)
