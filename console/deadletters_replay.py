"""`crossfade deadletters replay`: what was set aside is mapped again by the rules of now, unless something newer came.

A letter names a record; what is replayed is that record's newest event, so that nothing old is put over something new.
What capture set aside never came onto a topic, and is read from Sonar again.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from console.deadletters import about
from console.letter_sources import group_of, message_at
from console.letter_states import DISMISSED, OPEN, Letter
from console.output import table
from console.replay_bundles import Foresight, Mapped, Publisher, bundle_of, map_again, rules_of_now
from console.replay_scope import Scope
from plumbing.errors import ExitCode
from plumbing.kafka import AckedProducer, make_producer, make_reader
from plumbing.settings import Settings
from processors.context import MAPPED, Context
from processors.transform import DeadLetter
from producers.capture import run_capture
from producers.orders import Order
from reconciliation.events import Events, Newest, Stored
from schemas.entities.scoped import LEFT_OUT

REPLAY = "replay"
READ_AGAIN = "read again"
REFUSED = "refused"
SUPERSEDED = "superseded"
NOT_KEPT = "not kept"
UNTOLD = "untold"
NOBODYS = "nobody's"
"""What is done with a letter: its record's newest event is published; Sonar is asked again; the rules of now refuse it
as well; something newer came; its event is no longer on the topic; its newest event tells nothing of the record; its
message does not tell whose it is."""
_STUCK = {REFUSED, NOT_KEPT, UNTOLD, NOBODYS}


@dataclass(frozen=True)
class Decision:
    """What is done with one letter, and why."""

    letter: Letter
    action: str
    why: str = ""
    mapped: Mapped | None = None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {**self.letter.document(), "action": self.action, "why": self.why}


@dataclass(frozen=True)
class LettersReplayed:
    """What a replay of letters did, or would do."""

    applied: bool
    decisions: list[Decision]
    steps: dict[str, dict[str, int]]
    published: int
    read_again: list[str]

    @property
    def exit_code(self) -> ExitCode:
        """5 when it was done and some stay where they are."""
        stuck = any(one.action in _STUCK for one in self.decisions)
        return ExitCode.PARTLY if self.applied and stuck else ExitCode.DONE

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "applied": self.applied,
            "letters": [one.document() for one in self.decisions],
            "steps": self.steps,
            "published": self.published,
            "read_again": self.read_again,
        }


async def replay_letters(settings: Settings, letters: Sequence[Letter], *, apply: bool) -> LettersReplayed:
    """Show what a replay of these letters would do, or do it.

    Raises:
        RulesNotInUse: processors run with other rules.
        SyncError: Kafka, the registry, the ledger or Sonar does not answer.
    """
    producer = AckedProducer(make_producer(settings.kafka)) if apply else None
    context = rules_of_now(settings, producer)
    names = {one.root[0] for one in letters if one.root is not None}
    aggregates = tuple(one for one in MAPPED if one.name in names)
    try:
        with Events(settings, aggregates) as events:
            events.read_on()
            decisions = [decide(one, events.message, _reader(settings), context) for one in letters]
            chosen = {one.mapped.key: one.mapped for one in decisions if one.mapped is not None}
            steps: dict[str, dict[str, int]] = {}
            if producer is None:
                async with Foresight.open(settings, context) as foresight:
                    await foresight.look(list(chosen.values()))
                    steps = foresight.steps
            else:
                publisher = Publisher(settings, context, producer)
                publisher.publish(list(chosen.values()))
                publisher.publish_newer(Scope(aggregates, None, {}, {}), chosen.__contains__, events.ends)
    finally:
        context.close()
    again = sorted({one.letter.entity for one in decisions if one.action == READ_AGAIN})
    if apply and again:
        await run_capture(settings, order=Order(tuple(again)), follow=False, stop=asyncio.Event())
    return LettersReplayed(apply, decisions, steps, len(chosen) if apply else 0, again)


def decide(
    letter: Letter,
    newest: Callable[[str, int], Stored | None],
    read: Callable[[Letter], Stored | None],
    context: Context,
) -> Decision:
    """What is to be done with a letter. `newest`: a root's newest event; `read`: the message that it is about."""
    if letter.state == DISMISSED:
        return Decision(letter, DISMISSED, "`crossfade deadletters dismiss --take-back` opens it again")
    if letter.state != OPEN:
        return Decision(letter, SUPERSEDED, letter.state)
    if letter.stage == "capture":
        return Decision(letter, READ_AGAIN, "it never came onto a topic")
    if letter.root is None:
        return Decision(letter, NOBODYS, "neither its key nor its content can be read")
    stored = newest(*letter.root)
    if letter.stage == "process" and letter.sequence is None and not _is_behind(stored, letter):
        stored = read(letter)  # unreadable when it was set aside: perhaps it can be read by now
    if stored is None:
        return Decision(letter, NOT_KEPT, "its event is on the topic no more")
    if letter.stage == "process" and letter.place != _place(stored):
        return Decision(letter, SUPERSEDED, f"by the event at {_told(stored.at)}")
    if letter.sequence is not None and stored.at.sequence > letter.sequence:
        return Decision(letter, SUPERSEDED, f"by the event at {_told(stored.at)}")
    mapped = map_again(stored, context)
    if isinstance(mapped.result, DeadLetter):
        return Decision(letter, REFUSED, f"{mapped.result.reason} [{mapped.result.code}]")
    for one in mapped.result.refused:
        if (one.entity, one.key) == (letter.entity, letter.record):
            return Decision(letter, REFUSED, f"{one.reason} [{one.code}]")
    if letter.record is not None and not (bundle := bundle_of(stored, context)).tells_of(letter.entity):
        # Published again it would leave the record, and its letter, as they are.
        if bundle.reason in LEFT_OUT:
            return Decision(letter, UNTOLD, str(bundle.reason))
        name, id = letter.root
        why = bundle.reason or f"{letter.entity} could not be read"
        return Decision(letter, UNTOLD, f"{why}; crossfade snapshot --only {name} --ids {id} reads it again")
    return Decision(letter, REPLAY, "", mapped)


def _is_behind(stored: Stored | None, letter: Letter) -> bool:
    """Whether a root's newest readable event came after an unreadable one."""
    if stored is None or letter.place is None:
        return False
    return stored.at.partition != letter.place[1] or stored.at.offset > letter.place[2]


def _place(stored: Stored) -> tuple[str, int, int]:
    return (stored.at.topic, stored.at.partition, stored.at.offset)


def _told(at: Newest) -> str:
    return f"{at.topic}[{at.partition}] {at.offset}"


def _reader(settings: Settings) -> Callable[[Letter], Stored | None]:
    def read(letter: Letter) -> Stored | None:
        if letter.place is None or letter.root is None:
            return None
        topic, partition, offset = letter.place
        with closing(make_reader(settings.kafka, group_of(settings))) as consumer:
            message = message_at(consumer, letter.place)
        if message is None:
            return None
        key, value = message.key(), message.value()
        at = Newest(*letter.root, None, 0, topic, partition, offset)
        return Stored(at, key if isinstance(key, bytes) else None, value if isinstance(value, bytes) else b"")

    return read


def text_of(document: dict[str, Any]) -> str:
    """The replay for people."""
    if not document["letters"]:
        return "There are no dead letters to replay."
    rows = [["letter", "about", "code", "what is done", "why"]]
    rows += [[one["id"], about(one), one["code"], one["action"], one["why"]] for one in document["letters"]]
    lines = [table(rows)]
    if document["steps"]:
        steps = [["entity", "step", "records"]]
        steps += [[entity, verb, str(n)] for entity, verbs in document["steps"].items() for verb, n in verbs.items()]
        lines += ["", "The sink would:", table(steps)]
    if document["read_again"]:
        verb = "was read" if document["applied"] else "would be read"
        lines.append(f"From Sonar {verb} again: {', '.join(document['read_again'])}, all of it.")
    if document["applied"]:
        lines.append(f"{document['published']} bundles were published; the sink writes them: crossfade status")
    else:
        lines.append("Nothing was published. Do it with: crossfade deadletters replay … --apply")
    return "\n".join(lines)
