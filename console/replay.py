"""`crossfade replay`: stored events again, by the same code: shown first, then mapped anew and left to the sink."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from confluent_kafka import KafkaException, TopicPartition

from console.output import table
from console.pilot import Pilot
from console.replay_bundles import Foresight, Mapped, Publisher, Tell, mapped_again, rules_of_now
from console.replay_place import Place
from console.replay_scope import Scope, chosen, find_scope
from plumbing.errors import ConfigurationError
from plumbing.folders import writable
from plumbing.kafka import AckedProducer, has_members, make_consumer, make_producer
from plumbing.logs import get_logger
from plumbing.settings import KafkaSettings, Settings
from processors.batch import GroupTaken, patience_with_members
from processors.context import Context
from processors.transform import DeadLetter
from reconciliation.events import Events
from schemas.topics import Topics

log = get_logger("replay")

Engine = Literal["batch", "live"]


@dataclass
class Replay:
    """What a replay did, or would do."""

    applied: bool
    engine: Engine
    scope: Scope
    events: Counter[str] = field(default_factory=Counter)
    """`{aggregate: newest events}`"""
    refused: dict[str, Counter[str]] = field(default_factory=dict)
    """`{aggregate: {code: newest events that these rules refuse}}`"""
    bundles: dict[str, int] = field(default_factory=dict)
    """`{outcome: bundles}` that the sink would come to."""
    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{entity: {create, change, unchanged or gone: records}}` that the sink would take."""
    published: dict[str, int] = field(default_factory=dict)
    """`{aggregate: bundles}`"""
    resumed: bool = False
    entering: dict[str, int] | None = None
    """`{aggregate: left out by earlier rules, and not by those of now}`, where only these are replayed."""
    leaving: dict[str, int] = field(default_factory=dict)
    """`{aggregate: in Splynx, and left out by the rules of now}`: it stays there as it is."""

    def count(self, page: Sequence[Mapped]) -> None:
        """Take note of events that were mapped."""
        for one in page:
            self.events[one.key[0]] += 1
            if isinstance(one.result, DeadLetter):
                self.refused.setdefault(one.key[0], Counter())[one.result.code] += 1

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "applied": self.applied,
            "engine": self.engine,
            "resumed": self.resumed,
            "messages": sum(end - self.scope.starts[place] for place, end in self.scope.ends.items()),
            "events": self.events,
            "refused": self.refused,
            "bundles": self.bundles,
            "steps": self.steps,
            "published": self.published,
            "cut": self.scope.cut,
            "entering": self.entering,
            "leaving": self.leaving,
        }


async def run_replay(
    settings: Settings,
    *,
    only: Sequence[str],
    account: int | None,
    since: str,
    engine: Engine,
    apply: bool,
    entering: bool = False,
    tell: Tell,
) -> Replay:
    """Show what a replay would do, or do it.

    The batch engine folds the topics by key and publishes each newest event once, beside processors that run. The live
    engine is handed every event again: its group begins anew at the starts.

    `entering`: only what earlier rules left out and those of now take in, as a wider scope does. Which that is, the
    ledger tells, so it can be interrupted and repeated at will.

    Raises:
        ConfigurationError: there is no such aggregate, run or moment; a part with the live engine.
        BeforeRetention: the moment is no longer on the topics.
        RulesNotInUse: processors run with other rules.
        GroupTaken: the live engine runs, and would go on from where it is.
        SyncError: Kafka, the registry or the ledger does not answer.
    """
    if engine == "live" and account is not None:
        raise ConfigurationError("the live engine reads whole topics", remedy="Replay one account with --engine batch.")
    if engine == "live" and entering:
        raise ConfigurationError("the live engine reads whole topics", remedy="Use --entering with --engine batch.")
    scope = find_scope(settings, chosen(only, account), account, since)
    if apply and engine == "live":
        _rewind(settings, scope)
        return Replay(True, engine, scope)
    producer = AckedProducer(make_producer(settings.kafka)) if apply else None
    context = rules_of_now(settings, producer)
    try:
        if producer is None:
            return await _foresee(settings, Replay(False, engine, scope), context, tell, entering=entering)
        result = Replay(True, engine, scope)
        if entering:
            return await _take_in(settings, result, context, producer, tell)
        return _publish(settings, result, context, producer, f"{since} {account}", tell)
    finally:
        context.close()


async def _foresee(settings: Settings, result: Replay, context: Context, tell: Tell, *, entering: bool) -> Replay:
    with Events(settings, result.scope.aggregates, result.scope.starts) as events:
        events.read_on()
        pilot = await _sorted_out(settings, result, context, events, tell) if entering else None
        async with Foresight.open(settings, context) as foresight:
            for page in mapped_again(events, result.scope, context):
                chosen = [one for one in page if pilot is None or pilot.has(one.key)]
                await foresight.look(chosen)
                result.count(chosen)
                if pilot is None:
                    tell("events", result.events.total(), events.count())
            result.bundles, result.steps = foresight.bundles, foresight.steps
    return result


async def _sorted_out(settings: Settings, result: Replay, context: Context, events: Events, tell: Tell) -> Pilot:
    """What the rules of now take in and leave out."""
    done = 0
    async with Pilot.open(settings, context) as pilot:
        for page in mapped_again(events, result.scope, context):
            await pilot.look(page)
            done += len(page)
            tell("events", done, events.count())
    result.entering = {name: len(ids) for name, ids in pilot.entering.items()}
    result.leaving = dict(pilot.leaving)
    return pilot


async def _take_in(settings: Settings, result: Replay, context: Context, producer: AckedProducer, tell: Tell) -> Replay:
    publisher = Publisher(settings, context, producer)
    with Events(settings, result.scope.aggregates, result.scope.starts) as events:
        events.read_on()
        pilot = await _sorted_out(settings, result, context, events, tell)
        for page in mapped_again(events, result.scope, context):
            chosen = [one for one in page if pilot.has(one.key)]
            publisher.publish(chosen)
            result.count(chosen)
        ends = events.ends
    publisher.publish_newer(result.scope, pilot.has, ends)
    result.published = dict(publisher.produced)
    return result


def _publish(
    settings: Settings, result: Replay, context: Context, producer: AckedProducer, asked: str, tell: Tell
) -> Replay:
    names = " ".join(one.name for one in result.scope.aggregates)
    place = Place(writable(settings.state_dir), f"{settings.instance} {names} {asked} {context.rules.version}")
    result.resumed = bool(place.done)
    publisher = Publisher(settings, context, producer)
    with Events(settings, result.scope.aggregates, result.scope.starts) as events:
        events.read_on()
        place.begin(events.ends)
        for page in mapped_again(events, result.scope, context, place.done):
            publisher.publish(page)
            place.reached(*page[-1].key)  # resumable: kept after the broker has it
            result.count(page)
            tell("events", result.events.total(), events.count())
    publisher.publish_newer(result.scope, lambda key: True, place.ends)
    place.forget()
    result.published = dict(publisher.produced)
    return result


def _rewind(settings: Settings, scope: Scope) -> None:
    """Let the processors' group begin again at the starts."""
    group = Topics(settings.instance).process_group
    wait_until_free(settings.kafka, group, patience_with_members(settings))
    consumer = make_consumer(settings.kafka, group)
    try:
        places = [TopicPartition(*place, offset) for place, offset in scope.starts.items()]
        consumer.commit(offsets=places, asynchronous=False)
    except KafkaException as exc:
        raise GroupTaken(f"the broker refuses other offsets for the processors: {exc.args[0].name()}") from exc
    finally:
        consumer.close()


def wait_until_free(kafka: KafkaSettings, group: str, patience_seconds: float) -> None:
    """Return when nobody is in the processors' group. Kafka counts a live engine that has just ended for a while.

    Raises:
        GroupTaken: it has members for longer than `patience_seconds`: the processors run.
        DependencyUnreachable: the broker does not answer.
    """
    latest, told = time.monotonic() + patience_seconds, False
    while has_members(kafka, group):
        if time.monotonic() >= latest:
            raise GroupTaken("the processors run, and would go on from where they are")
        if not told:
            log.warning("replay.waits_for_group", code=GroupTaken.code, seconds=patience_seconds)
            told = True
        time.sleep(1)


def text_of(document: dict[str, Any]) -> str:
    """The replay for people."""
    lines = []
    if document["events"]:
        rows = [["aggregate", "newest events", "refused", "published"]]
        for name, count in document["events"].items():
            refused = sum(document["refused"].get(name, {}).values())
            rows.append([name, str(count), str(refused), str(document["published"].get(name, 0))])
        lines.append(table(rows))
    elif document["engine"] == "batch":
        lines.append("No event that is kept is of what was chosen.")
    for name, codes in document["refused"].items():
        lines += [f"{name}: {count} would be dead letters [{code}]" for code, count in codes.items()]
    if document["steps"]:
        rows = [["entity", "step", "records"]]
        rows += [[entity, verb, str(n)] for entity, steps in document["steps"].items() for verb, n in steps.items()]
        lines += ["", "The sink would:", table(rows)]
    if document["entering"] is not None:
        lines += _pilot(document)
    if document["cut"]:
        lines.append(f"Retention has removed the oldest events of {', '.join(document['cut'])}: the rest is replayed.")
    if document["resumed"]:
        lines.append("It went on where a replay of the same was interrupted.")
    return "\n".join([*lines, _next(document)])


def _pilot(document: dict[str, Any]) -> list[str]:
    told = ", ".join(f"{count} of {name}" for name, count in document["entering"].items())
    lines = [f"Earlier rules left out, and those of now take in: {told or 'nothing'}."]
    if document["leaving"]:
        told = ", ".join(f"{count} of {name}" for name, count in document["leaving"].items())
        lines.append(
            f"The rules leave out what is in Splynx: {told}. It stays there as it is, and is followed no more."
        )
    return lines


def _next(document: dict[str, Any]) -> str:
    if not document["applied"]:
        return (
            f"{document['messages']} messages lie there. Nothing was published. Do it with: crossfade replay … --apply"
        )
    if document["engine"] == "live":
        return f"The processors begin again, {document['messages']} messages back. Start them: crossfade process"
    return "The sink writes what differs: crossfade status shows how far it is."
