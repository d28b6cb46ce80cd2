"""Messages into deliveries: bytes decoded, or the reason why they cannot be."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Message
from pydantic import ValidationError

from plumbing.avro import Codec, Undecodable
from plumbing.errors import Action, SyncError
from schemas.aggregate import Aggregate
from schemas.avro import bundle_from_avro
from sinks.jobs import Delivery


class Intake:
    """Decodes the bundles of each topic. A message is a delivery, whatever is in it: nothing vanishes."""

    def __init__(self, aggregates: Mapping[str, Aggregate], codecs: Mapping[str, Codec]) -> None:
        self._aggregates = aggregates
        self._codecs = codecs

    def take(self, messages: Sequence[Message]) -> list[Delivery]:
        """One delivery per message; `bundle` is None, with the error, for poison.

        Raises:
            DependencyUnreachable: the registry had to be asked and does not answer.
        """
        return [self._one(message) for message in messages]

    def _one(self, message: Message) -> Delivery:
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        key, value = message.key(), message.value()
        raw = value if isinstance(value, bytes) else None
        return self.delivery(str(message.topic()), partition, offset, key if isinstance(key, bytes) else b"", raw)

    def delivery(self, topic: str, partition: int, offset: int, key: bytes, raw: bytes | None) -> Delivery:
        """The same of bytes that lie there, or would."""
        aggregate = self._aggregates[topic]
        try:
            bundle = bundle_from_avro(self._codecs[topic].decode(raw))
        except SyncError as exc:
            if exc.action is not Action.DEAD_LETTER:
                raise
            return Delivery(topic, partition, offset, key, raw or b"", aggregate, None, exc)
        except (ValidationError, ValueError, KeyError, TypeError):
            # The text of these errors quotes values.
            poison = Undecodable("the message is not a bundle of this version")
            return Delivery(topic, partition, offset, key, raw or b"", aggregate, None, poison)
        return Delivery(topic, partition, offset, key, raw or b"", aggregate, bundle)
