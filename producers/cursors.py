"""Where capture resumes: small JSON documents by name on a compacted topic, saved after what they cover."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from plumbing.errors import Action, ExitCode, SyncError
from plumbing.kafka import AckedProducer
from plumbing.reading import read_whole
from plumbing.settings import KafkaSettings
from schemas.topics import Topics


class CursorUnusable(SyncError):
    """A cursor on the topic is damaged or belongs to another instance. Capture does not start again from nothing."""

    code = "capture.cursor_unusable"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "See that kafka.bootstrap and instance in the settings belong together, and restore the cursors topic from a"
        " copy. Without one begin a new instance (another `instance` in the settings,"
        " `crossfade topics --apply`): it reads everything anew."
    )


class Cursors:
    """The cursors of one instance. Loaded once, under the lease; afterwards only this process writes them."""

    def __init__(
        self,
        instance: str,
        topic: str,
        producer: AckedProducer,
        documents: dict[str, dict[str, Any]],
        check: Callable[[], None],
    ) -> None:
        """`check` raises where the lease is lost: another process may have saved its own by then."""
        self._instance, self._topic, self._producer, self._check = instance, topic, producer, check
        self._documents = documents
        self._handed, self._saved = 0, dict[str, int]()
        """Saves so far, and by name the number of the newest one that the broker has."""

    @classmethod
    def load(
        cls, kafka: KafkaSettings, topics: Topics, producer: AckedProducer, check: Callable[[], None]
    ) -> "Cursors":
        """The cursors as they stand on the topic.

        Raises:
            CursorUnusable: one of them cannot be read, or is another instance's.
            TopicMissing, DependencyUnreachable: from Kafka.
        """
        return cls(topics.instance, topics.cursors, producer, read_cursors(kafka, topics), check)

    def get(self, name: str) -> dict[str, Any] | None:
        """The document of a cursor; None when it was never saved."""
        return self._documents.get(name)

    async def save(self, name: str, document: dict[str, Any]) -> None:
        """Save one cursor; returns when the broker has it, the lease being held still: who takes over later finds it.

        The caller has flushed the events that it covers: at least once, cursor after event. Of saves that overlap the
        one handed over last counts, whichever returns first.

        Raises:
            LeaseLost: nothing is saved, or somebody may have taken over who has not seen it.
            DeliveryFailed: the broker has not taken it.
        """
        self._check()
        self._handed += 1
        turn = self._handed
        value = orjson.dumps({"instance": self._instance, "cursor": document}, option=orjson.OPT_SORT_KEYS)
        self._producer.produce(self._topic, partition=0, key=name.encode(), value=value)
        await asyncio.to_thread(self._producer.flush)
        self._check()
        if turn > self._saved.get(name, 0):
            self._documents[name], self._saved[name] = document, turn


def read_cursors(kafka: KafkaSettings, topics: Topics) -> dict[str, dict[str, Any]]:
    """All cursors by name, as they stand on the topic; without the lease, to look at them only.

    Raises:
        CursorUnusable: one of them cannot be read, or is another instance's.
        TopicMissing, DependencyUnreachable: from Kafka.
    """
    documents: dict[str, dict[str, Any]] = {}
    for message in read_whole(kafka, topics.cursors, topics.capture_group):
        name, value = (message.key() or b"").decode("utf-8", "replace"), message.value()
        if value is None:
            documents.pop(name, None)
        else:
            documents[name] = _checked(topics, name, value)
    return documents


def _checked(topics: Topics, name: str, value: bytes) -> dict[str, Any]:
    try:
        whole = orjson.loads(value)
        document = whole["cursor"]
        if not isinstance(document, dict):
            raise TypeError
    except (orjson.JSONDecodeError, KeyError, TypeError) as exc:
        raise CursorUnusable(f"cursor {name!r} on {topics.cursors} is not a cursor of ours") from exc
    if (owner := whole.get("instance")) != topics.instance:
        raise CursorUnusable(f"cursor {name!r} on {topics.cursors} belongs to instance {str(owner)[:40]!r}")
    return document
