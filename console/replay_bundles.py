"""Newest events mapped again with the rules of now, by the engines' own function: foreseen, or published."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from clients.mysql import Database
from console.replay_scope import Offsets, Scope
from plumbing.errors import Action, ExitCode, SyncError
from plumbing.kafka import AckedProducer, has_members
from plumbing.settings import Settings
from processors.context import Context, load_context, newest_rules, with_generation
from processors.letters import known_letters
from processors.output import Output
from processors.transform import Coordinates, DeadLetter, Produced, transform
from reconciliation.events import Events, Stored
from schemas.bundle import Bundle
from schemas.envelope import event_of
from schemas.mapping import map_event
from schemas.rules import load_rules
from schemas.topics import Topics
from sinks.preview import Preview
from sinks.store import Ledger
from sinks.stream import Stream

AT_ONCE = 500
Tell = Callable[[str, int, int | None], None]
"""Hears of progress: what, how many are done, and of how many."""
Key = tuple[str, int]
"""Aggregate and Sonar id."""


class RulesNotInUse(SyncError):
    """The rules were changed and the processors that run do not know it: what they map next would count as outdated."""

    code = "replay.rules_not_in_use"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Start the processors again, so that they use these rules too; then repeat the command."


@dataclass(frozen=True)
class Mapped:
    """A newest event, and what the rules of now make of it."""

    stored: Stored
    result: Produced | DeadLetter

    @property
    def key(self) -> Key:
        """Whose event it is."""
        return (self.stored.at.aggregate, self.stored.at.id)


def rules_of_now(settings: Settings, producer: AckedProducer | None) -> Context:
    """What the engines would map with. With `producer` a new version of the rules gets its generation.

    Raises:
        RulesNotInUse: it is new, is to be used, and processors run with an older one.
        SyncError: as `load_context`.
    """
    known, context = newest_rules(settings), load_context(settings, None)
    if producer is None or (known is not None and known.version == context.rules.version):
        return context
    if has_members(settings.kafka, Topics(settings.instance).process_group):
        context.close()
        raise RulesNotInUse("the rules file is newer than what the processors map with")
    return replace(context, rules=with_generation(settings, load_rules(settings.rules), context.facts, producer))


def map_again(stored: Stored, context: Context) -> Mapped:
    """One event, mapped as both engines do."""
    at = stored.at
    place = Coordinates(at.aggregate, at.topic, at.partition, at.offset)
    return Mapped(stored, transform(place, stored.value, context.codecs, context.rules))


def bundle_of(stored: Stored, context: Context) -> Bundle:
    """What an event says that can be mapped."""
    event = event_of(context.codecs[stored.at.aggregate].events.decode(stored.value))
    bundle = map_event(event, context.rules)
    assert bundle is not None
    return bundle


def mapped_again(
    events: Events, scope: Scope, context: Context, done: Mapping[str, int] | None = None
) -> Iterator[list[Mapped]]:
    """The newest events of a scope, page by page, parents first. `done`: `{aggregate: last id not to come again}`.

    No page is empty.
    """
    for one in scope.aggregates:
        after = (done or {}).get(one.name, -1)
        for page in events.stored(one.name, AT_ONCE, scope.accounts, after=after):
            yield [map_again(stored, context) for stored in page]


class Foresight:
    """What the sink would do with bundles that are not on their topic yet."""

    def __init__(self, settings: Settings, context: Context, preview: Preview) -> None:
        self._topics, self._preview = Topics(settings.instance), preview
        self._intake = Stream(settings, context.registry).intake
        self.refused: Counter[tuple[str, str]] = Counter()
        """`{(aggregate, code): events}` that would become dead letters."""

    @staticmethod
    @asynccontextmanager
    async def open(settings: Settings, context: Context) -> AsyncIterator["Foresight"]:
        """Against the ledger as it is now; nothing is written.

        Raises:
            DependencyUnreachable, DependencyRefused: the ledger's database.
        """
        async with Database(settings.ledger_db) as db:
            ledger = Ledger(db.name, run_id="")
            async with db.session() as tx:
                exists = await ledger.exists(tx)
            preview = Preview(db, ledger, ledger_exists=exists, money=settings.splynx.disposable)
            yield Foresight(settings, context, preview)

    async def look(self, page: Sequence[Mapped]) -> None:
        """Count one page."""
        deliveries = []
        for one in page:
            at = one.stored.at
            if isinstance(one.result, DeadLetter):
                self.refused[at.aggregate, one.result.code] += 1
            else:
                topic, key = self._topics.splynx(at.aggregate), one.stored.key or b""
                deliveries.append(self._intake.delivery(topic, at.partition, at.offset, key, one.result.value))
        await self._preview.look(deliveries)

    @property
    def bundles(self) -> dict[str, int]:
        """`{outcome: bundles}`."""
        return {name: count for name, count in self._preview.counts.bundles.items() if count}

    @property
    def steps(self) -> dict[str, dict[str, int]]:
        """`{entity: {create, change, unchanged, gone or refused: records}}`."""
        found: dict[str, dict[str, int]] = {}
        for (entity, verb), count in sorted(self._preview.steps.items()):
            found.setdefault(entity, {})[verb] = count
        return found


class Publisher:
    """Publishes what events became, to the partitions that the processors use."""

    def __init__(self, settings: Settings, context: Context, producer: AckedProducer) -> None:
        self._settings, self._context = settings, context
        self._output = Output.open(settings, producer, context.rules.version)
        self._told = set(known_letters(settings, context.rules.version))

    def publish(self, page: Sequence[Mapped]) -> None:
        """Hand one page over, and wait for the broker. A letter that these rules have led to before is not repeated.

        Raises:
            SyncError: from `Output.publish`.
        """
        for one in page:
            at = one.stored.at
            if isinstance(one.result, DeadLetter) and (at.topic, at.partition, at.offset) in self._told:
                continue
            place = Coordinates(at.aggregate, at.topic, at.partition, at.offset)
            self._output.publish(place, one.stored.key, one.result)
        self._output.flush()

    def publish_newer(self, scope: Scope, published: Callable[[Key], bool], starts: Offsets) -> int:
        """Publish again what has got a newer event since `starts`, until nothing has; how many that were.

        The processors may have published a newer bundle just before ours: the last one on the topic must be the newest,
        for compaction keeps no other.
        """
        count = 0
        while True:
            with Events(self._settings, scope.aggregates, starts) as events:
                events.read_on()
                again: set[Key] = set()
                for page in mapped_again(events, scope, self._context):
                    newer = [one for one in page if published(one.key)]
                    self.publish(newer)
                    again.update(one.key for one in newer)
                starts = events.ends
            if not again:
                return count
            count, published = count + len(again), again.__contains__

    @property
    def produced(self) -> Counter[str]:
        """`{aggregate: bundles published}`."""
        return self._output.summary.produced

    @property
    def dead_lettered(self) -> Counter[str]:
        """`{aggregate: dead letters written}`."""
        return self._output.summary.dead_lettered
