"""From one message of a `sonar.*` topic to one bundle, or to one dead letter. The only place where both engines map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from plumbing.errors import Action, SyncError
from schemas.avro import bundle_to_avro
from schemas.bundle import Origin, Refused, StampedBundle, bundle_hash
from schemas.envelope import Event, event_of
from schemas.mapping import map_event
from schemas.rules import Rules


class NotAnEvent(SyncError):
    """A message decodes and yet is no event of this aggregate."""

    code = "event.invalid"
    action = Action.DEAD_LETTER
    remedy = "Find who wrote to the topic; a later good event of the same key supersedes this one."


class MapperFailed(SyncError):
    """A mapper met something nobody thought of. The record is set aside, the others go on; please report it."""

    code = "mapping.failed"
    action = Action.DEAD_LETTER
    remedy = "Report the dead letter's coordinates; mend the mapper, then replay."


class Decoder(Protocol):
    """Turns bytes into a value (`plumbing.avro.Codec`)."""

    def decode(self, data: bytes | None) -> dict[str, Any]:
        """The value.

        Raises:
            Undecodable: this can never be read.
        """
        ...


class Encoder(Protocol):
    """Turns a value into bytes (`plumbing.avro.Codec`)."""

    def encode(self, value: dict[str, Any]) -> bytes:
        """The bytes."""
        ...


@dataclass(frozen=True)
class Codecs:
    """How one aggregate is read and written."""

    events: Decoder
    bundles: Encoder


@dataclass(frozen=True)
class Coordinates:
    """Where a message lies."""

    aggregate: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Produced:
    """A bundle, ready for its topic. The key is the event's own; the partition too."""

    value: bytes
    notes: Sequence[str] = ()
    """Codes of what was changed on the way, such as `truncated:city`."""
    refused: Sequence[Refused] = ()
    """Records of the bundle that cannot be mapped; the sink makes a letter of each."""


@dataclass(frozen=True)
class DeadLetter:
    """A message that cannot pass. Holds coordinates, code and reason; the bytes stay in `sonar.*`."""

    at: Coordinates
    code: str
    reason: str


def transform(
    at: Coordinates, value: bytes | None, codecs: Mapping[str, Codecs], rules: Rules
) -> Produced | DeadLetter:
    """Decode, map, encode one message.

    Raises:
        SyncError: only such whose action is not DEAD_LETTER: the registry is away, the set-up is wrong.
    """
    try:
        stamped = _stamped(at, value, codecs, rules)
        encoded = codecs[at.aggregate].bundles.encode(bundle_to_avro(stamped))
        return Produced(encoded, stamped.bundle.notes, stamped.bundle.refused)
    except SyncError as exc:
        if exc.action is not Action.DEAD_LETTER:
            raise
        return DeadLetter(at, exc.code, str(exc))


def _stamped(at: Coordinates, value: bytes | None, codecs: Mapping[str, Codecs], rules: Rules) -> StampedBundle:
    decoded = codecs[at.aggregate].events.decode(value)
    try:
        event: Event = event_of(decoded)
    except (KeyError, TypeError, ValueError) as exc:
        raise NotAnEvent("the envelope is not one of ours") from exc
    if event.aggregate != at.aggregate:
        raise NotAnEvent(f"an event of {event.aggregate} lies on the topic of {at.aggregate}")
    try:
        bundle = map_event(event, rules)
    except SyncError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        # The text of such an error may hold a value, so only its kind is told.
        raise MapperFailed(f"the mapper of {at.aggregate} raised {type(exc).__name__}") from exc
    if bundle is None:
        raise NotAnEvent(f"{at.aggregate} owns nothing in Splynx")
    return StampedBundle(
        aggregate=event.aggregate,
        sonar_id=event.sonar_id,
        owner_id=event.owner_id,
        bundle=bundle,
        sequence=event.sequence,
        rules_version=rules.version,
        rules_generation=rules.generation,
        origin=Origin(at.topic, at.partition, at.offset),
        source_ts_ms=event.source_ts_ms,
        read_ts_ms=event.read_ts_ms,
        run_id=event.run_id,
        hash=bundle_hash(bundle),
    )
