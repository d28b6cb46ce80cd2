"""`crossfade replay --as-of`: one customer's records as they were at a moment, and what differs now."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer

from console.history import HIDDEN, secret_members
from console.output import table
from console.replay_bundles import rules_of_now
from console.replay_scope import check_kept, chosen, moment_of
from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.clock import epoch_ms
from plumbing.errors import SyncError
from plumbing.kafka import end_offsets, make_reader, partition_of
from plumbing.reading import Spans, partitions_of, read_spans, value_of
from plumbing.settings import Settings
from schemas.aggregate import Aggregate
from schemas.avro import envelope_schema
from schemas.bundle import record_document
from schemas.envelope import Event, event_of
from schemas.mapping import map_event
from schemas.rules import Rules
from schemas.topics import Topics

Record = tuple[str, str]
"""Entity and key."""
Documents = dict[Record, dict[str, Any]]


@dataclass
class Versions:
    """One root's newest event up to the moment, and its newest one of all."""

    then: Event | None = None
    now: Event | None = None

    def take(self, event: Event, until_ms: int) -> None:
        """Hear of one more event."""
        if event.read_ts_ms <= until_ms and (self.then is None or event.sequence >= self.then.sequence):
            self.then = event
        if self.now is None or event.sequence >= self.now.sequence:
            self.now = event


def as_of(settings: Settings, account: int, moment: str, *, only: Sequence[str], values: bool) -> dict[str, Any]:
    """`{account, moment, unmapped, records: [{entity, key, state, differs, then, now}]}`, by the rules of now.

    A moment is one of our reading: what Sonar had shown us by then.

    Raises:
        ConfigurationError: there is no such aggregate, or that is no moment.
        BeforeRetention: the topics no longer hold it.
        SyncError: Kafka or the registry does not answer.
    """
    at, aggregates = moment_of(moment), chosen(only, account)
    context = rules_of_now(settings, None)
    try:
        then, now, refused = _records(_versions(settings, aggregates, account, at), account, context.rules)
    finally:
        context.close()
    records = []
    for entity, key in sorted({*then, *now}):
        before, after = then.get((entity, key)), now.get((entity, key))
        differs = [] if before is None or after is None else [name for name in before if before[name] != after[name]]
        records.append(
            {
                "entity": entity,
                "key": key,
                "state": _state(before, after, differs),
                "differs": differs,
                "then": before if values else None,
                "now": after if values else None,
            }
        )
    return {"account": account, "moment": at.isoformat(), "unmapped": refused, "records": records}


def _state(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, differs: Sequence[str]) -> str:
    if before is None:
        return "new"
    if after is None:
        return "gone"
    return "changed" if differs else "same"


def _versions(
    settings: Settings, aggregates: Sequence[Aggregate], account: int, moment: datetime
) -> dict[tuple[str, int], Versions]:
    """The roots that the account ever owned. What it owned lies in its partition; what moved on, in another one too."""
    topics = Topics(settings.instance)
    names = {topics.sonar(one.name): one for one in aggregates}
    found: dict[tuple[str, int], Versions] = {}
    with (
        closing(make_reader(settings.kafka, f"{topics.process_group}.replay")) as consumer,
        make_registry(settings.registry) as registry,
    ):
        codecs = {topic: Codec(registry, f"{topic}-value", envelope_schema(one)) for topic, one in names.items()}
        spans = {
            (topic, partition): span
            for topic in names
            for partition, span in end_offsets(consumer, topic, partitions_of(consumer, topic)).items()
        }
        check_kept(settings, consumer, spans, moment)
        home = partition_of(account, settings.kafka.partitions)
        owned = {place: span for place, span in spans.items() if place[1] == home}
        keys = {
            (topic, key) for topic, key, event in _events(consumer, codecs, owned, None) if event.owner_id == account
        }
        for _, _, event in _events(consumer, codecs, spans, keys):
            found.setdefault((event.aggregate, event.sonar_id), Versions()).take(event, epoch_ms(moment))
    return found


def _events(consumer: Consumer, codecs: Mapping[str, Codec], spans: Spans, keys: set[tuple[str, bytes]] | None) -> Any:
    """`(topic, key, event)` of every event within the spans, or of those with these keys."""
    for place, message in read_spans(consumer, spans):
        key = message.key()
        if not isinstance(key, bytes) or (keys is not None and (place.topic, key) not in keys):
            continue
        try:
            yield place.topic, key, event_of(codecs[place.topic].decode(value_of(message)))
        except (Undecodable, KeyError, TypeError, ValueError):
            continue  # no event of ours


def _records(
    versions: Mapping[tuple[str, int], Versions], account: int, rules: Rules
) -> tuple[Documents, Documents, dict[str, int]]:
    then: Documents = {}
    now: Documents = {}
    refused: dict[str, int] = {}
    for one in versions.values():
        for event, documents in ((one.then, then), (one.now, now)):
            if event is None or event.owner_id != account:
                continue
            try:
                bundle = map_event(event, rules)
            except SyncError as exc:
                refused[exc.code] = refused.get(exc.code, 0) + 1
                continue
            for entity, records in (bundle.records if bundle is not None else {}).items():
                documents |= {(entity, record.key): _shown(entity, record_document(record)) for record in records or ()}
    return then, now, refused


def _shown(entity: str, document: dict[str, Any]) -> dict[str, Any]:
    """Without what is sent on creation only: a password is printed for nobody."""
    secret = secret_members(entity)
    return {name: HIDDEN if name in secret else value for name, value in document.items()}


def text_of(document: dict[str, Any]) -> str:
    """The comparison for people."""
    rows = [["entity", "key", "since then", "differs"]]
    rows += [[one["entity"], one["key"], one["state"], ", ".join(one["differs"])] for one in document["records"]]
    lines = [f"Account {document['account']} as of {document['moment']}, and now:", table(rows)]
    for one in document["records"]:
        names = one["differs"] if one["then"] and one["now"] else (one["then"] or one["now"] or ())
        for name in names:
            was, is_now = (one[side][name] if one[side] else None for side in ("then", "now"))
            lines.append(f"{one['entity']} {one['key']} {name}: {was!r} then, {is_now!r} now")
    lines += [f"{count} versions cannot be mapped [{code}]" for code, count in document["unmapped"].items()]
    return "\n".join(lines)
