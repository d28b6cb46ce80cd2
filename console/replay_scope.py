"""What a replay is about, and where on the topics it begins: the oldest event kept, a moment, or a run of capture."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from confluent_kafka import Consumer, KafkaException, TopicPartition

from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.clock import epoch_ms, from_epoch_ms, utc_now
from plumbing.errors import Action, ConfigurationError, DependencyUnreachable, ExitCode, SyncError
from plumbing.kafka import end_offsets, make_reader
from plumbing.reading import Spans, partitions_of, read_spans, value_of
from plumbing.settings import Settings
from processors.context import MAPPED
from schemas.aggregate import Aggregate
from schemas.avro import envelope_schema
from schemas.topics import Topics

EARLIEST = "earliest"
Offsets = Mapping[tuple[str, int], int]
"""`{(topic, partition): offset}`."""
_PATIENCE_SECONDS = 30.0


class BeforeRetention(SyncError):
    """The topics no longer hold the events of the moment that was asked for: retention removed them."""

    code = "replay.before_retention"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Name a later moment, or `--from earliest` for what is left. What is no longer kept is read from Sonar again"
        " by `crossfade snapshot --only AGGREGATE --apply`; raise kafka.sonar_retention_days to keep more."
    )


@dataclass(frozen=True)
class Scope:
    """Which newest events are replayed: of these aggregates, of one account or all, at or after the starts."""

    aggregates: tuple[Aggregate, ...]
    account: int | None
    starts: Offsets
    ends: Offsets
    """Where the topics ended when it was asked."""
    cut: tuple[str, ...] = ()
    """Topics whose oldest events retention has removed, where the replay begins with what is left."""

    @property
    def accounts(self) -> list[str] | None:
        """For `reconciliation.events`."""
        return None if self.account is None else [str(self.account)]


def chosen(only: Sequence[str], account: int | None) -> tuple[Aggregate, ...]:
    """The aggregates of a replay in load order: those named, or all; of one account, those that accounts own.

    Raises:
        ConfigurationError: a name is none of them, or one that no account owns.
    """
    whole = [one for one in MAPPED if account is None or one.owned_by]
    names = [one.name for one in whole]
    for name in only:
        if name not in names:
            raise ConfigurationError(
                f"{name} is nothing that {'becomes rows in Splynx' if account is None else 'an account owns'}",
                remedy=f"Name one of {', '.join(names)}.",
            )
    return tuple(one for one in whole if not only or one.name in only)


def moment_of(text: str) -> datetime:
    """An instant from text.

    Raises:
        ConfigurationError: it is none, has no offset from UTC, or lies in the future.
    """
    remedy = "Write it like 2026-03-04T05:06:07Z, or with an offset: 2026-03-04T00:06:07-05:00."
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ConfigurationError(f"{text} is no moment", remedy=remedy) from exc
    if moment.tzinfo is None:
        raise ConfigurationError(f"{text} does not say in which time zone", remedy=remedy)
    if moment > utc_now():
        raise ConfigurationError(f"{text} lies in the future", remedy="Name a moment that is past.")
    return moment


def find_scope(settings: Settings, aggregates: Sequence[Aggregate], account: int | None, since: str) -> Scope:
    """Where a replay of these aggregates begins. `since`: `earliest`, an instant, or a run of capture by its id.

    Raises:
        ConfigurationError: `since` is none of them.
        BeforeRetention: the topics no longer hold that moment.
        TopicMissing: the topics do not exist.
        DependencyUnreachable: Kafka or the registry does not answer.
    """
    names = [Topics(settings.instance).sonar(one.name) for one in aggregates]
    with _consumer(settings) as consumer:
        spans = {
            (topic, partition): span
            for topic in names
            for partition, span in end_offsets(consumer, topic, partitions_of(consumer, topic)).items()
        }
        ends = {place: high for place, (_, high) in spans.items()}
        if since == EARLIEST:
            cut = tuple(sorted({topic for (topic, _), (low, _) in spans.items() if low}))
            return Scope(tuple(aggregates), account, {place: low for place, (low, _) in spans.items()}, ends, cut)
        if _is_run(since):
            moment = _start_of_run(settings, consumer, aggregates, spans, since)
        else:
            moment = moment_of(since)
            check_kept(settings, consumer, spans, moment)
        return Scope(tuple(aggregates), account, _starts_at(consumer, spans, moment), ends)


def check_kept(settings: Settings, consumer: Consumer, spans: Spans, moment: datetime) -> None:
    """See that nothing that came at or after a moment was removed by retention.

    Raises:
        BeforeRetention: something was, or may have been.
        DependencyUnreachable: the broker does not answer.
    """
    for place, (low, high) in sorted(spans.items()):
        if not low:
            continue  # nothing was ever removed
        oldest = utc_now() - timedelta(days=settings.kafka.sonar_retention_days)
        if low < high:
            consumer.assign([TopicPartition(*place, low)])
            message = consumer.poll(_PATIENCE_SECONDS)
            if message is None or message.error() is not None:
                raise DependencyUnreachable(f"Kafka gives no messages of {place[0]}")
            oldest = from_epoch_ms(message.timestamp()[1])
        if moment < oldest:
            raise BeforeRetention(f"{place[0]}[{place[1]}] holds nothing before {oldest.isoformat()}")


def _starts_at(consumer: Consumer, spans: Spans, moment: datetime) -> dict[tuple[str, int], int]:
    """The first offset of each partition whose message came at or after a moment; its end where there is none."""
    wanted = [TopicPartition(*place, epoch_ms(moment)) for place in spans]
    try:
        found = consumer.offsets_for_times(wanted, timeout=_PATIENCE_SECONDS)
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
    starts = {(one.topic, one.partition): one.offset for one in found}
    return {place: starts[place] if starts[place] >= 0 else high for place, (_, high) in spans.items()}


def _is_run(since: str) -> bool:
    return len(since) == 16 and all(sign in "0123456789abcdef" for sign in since)


def _start_of_run(
    settings: Settings, consumer: Consumer, aggregates: Sequence[Aggregate], spans: Spans, run_id: str
) -> datetime:
    """When the first event of a run of capture came onto the topics."""
    names = {Topics(settings.instance).sonar(one.name): one for one in aggregates}
    first: int | None = None
    with make_registry(settings.registry) as registry:
        codecs = {topic: Codec(registry, f"{topic}-value", envelope_schema(one)) for topic, one in names.items()}
        for place, message in read_spans(consumer, spans):
            try:
                source = codecs[place.topic].decode(value_of(message))["source"]
            except Undecodable:
                continue
            if source["run_id"] == run_id:
                came = message.timestamp()[1]
                first = came if first is None else min(first, came)
    if first is None:
        raise ConfigurationError(
            f"no event of run {run_id} is on the topics",
            remedy="`crossfade trace` shows the run of each event, and `snapshot --json` prints its own.",
        )
    return from_epoch_ms(first)


@contextmanager
def _consumer(settings: Settings) -> Iterator[Consumer]:
    consumer = make_reader(settings.kafka, f"{Topics(settings.instance).process_group}.replay")
    try:
        yield consumer
    finally:
        consumer.close()
