"""`crossfade deadletters`: listed, shown, grouped by cause. Nothing of a record is told unless it is asked for."""

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from clients.mysql import Database
from console.history import HIDDEN, secret_members
from console.letter_sources import group_of, message_at
from console.letter_states import OPEN, Letter
from console.letters import read_letters
from console.output import table
from console.waits import chains_of
from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.errors import ConfigurationError
from plumbing.kafka import make_reader
from plumbing.settings import Settings
from schemas.avro import envelope_schema
from schemas.catalogue import aggregate
from schemas.topics import Topics

STAGES = ("capture", "process", "sink")


async def chosen_letters(
    settings: Settings,
    *,
    ids: Sequence[str] = (),
    stages: Sequence[str] = (),
    codes: Sequence[str] = (),
    only: Sequence[str] = (),
    closed: bool = False,
) -> list[Letter]:
    """The letters with these ids, else those that fit all of what is given. `only`: aggregates or kinds of record.

    Raises:
        ConfigurationError: there is no such letter or stage.
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    for stage in stages:
        if stage not in STAGES:
            raise ConfigurationError(f"{stage} is no stage", remedy=f"Name one of {', '.join(STAGES)}.")
    letters = await read_letters(settings)
    if ids:
        by_id = {one.id: one for one in letters}
        if unknown := [id for id in ids if id not in by_id]:
            raise ConfigurationError(
                f"there is no dead letter {', '.join(unknown)}",
                remedy="`crossfade deadletters list --all` shows them with their ids; of several about one record the"
                " newest is listed.",
            )
        return [by_id[id] for id in ids]
    return [
        one
        for one in letters
        if (closed or one.state == OPEN)
        and (not stages or one.stage in stages)
        and (not codes or one.code in codes)
        and (not only or one.entity in only or (one.root is not None and one.root[0] in only))
    ]


def list_document(letters: Sequence[Letter]) -> dict[str, Any]:
    """`{letters: […]}`."""
    return {"letters": [one.document() for one in letters]}


def list_text(document: dict[str, Any]) -> str:
    """The list for people."""
    if not document["letters"]:
        return "There are none."
    rows = [["letter", "state", "at", "about", "code", "reason"]]
    rows += [
        [one["id"], one["state"], one["at"][:19], about(one), one["code"], one["reason"]] for one in document["letters"]
    ]
    return table(rows)


def about(one: dict[str, Any]) -> str:
    """The record or the message that a letter is about."""
    if one["record"] is not None:
        return f"{one['entity']} {one['record']}"
    if one["aggregate"] is not None:
        return f"{one['aggregate']} {one['sonar_id']}"
    return f"{one['topic']} {one['partition']} {one['offset']}"


def causes_document(letters: Sequence[Letter]) -> dict[str, Any]:
    """`{causes: [{stage, entity, code, letters, reasons, oldest, newest, example, page}]}`, the most frequent first."""
    groups: dict[tuple[str, str, str], list[Letter]] = {}
    for one in letters:
        groups.setdefault((one.stage, one.entity, one.code), []).append(one)
    causes = [
        {
            "stage": stage,
            "entity": entity,
            "code": code,
            "letters": len(group),
            "reasons": len({one.reason for one in group}),
            "oldest": min(one.at for one in group),
            "newest": max(one.at for one in group),
            "example": group[-1].id,
            "page": f"docs/errors/{code}.md",
        }
        for (stage, entity, code), group in groups.items()
    ]
    return {"causes": sorted(causes, key=lambda one: -int(str(one["letters"])))}


def causes_text(document: dict[str, Any]) -> str:
    """The causes for people."""
    if not document["causes"]:
        return "There are no dead letters that matter."
    names = ("letters", "stage", "entity", "code", "oldest", "newest", "example")
    rows = [list(names), *([str(one[name]) for name in names] for one in document["causes"])]
    pages = sorted({one["page"] for one in document["causes"]})
    return table(rows) + f"\nWhat to do stands in {', '.join(pages)}; then: crossfade deadletters replay"


async def show_letter(settings: Settings, id: str, *, values: bool) -> dict[str, Any]:
    """`{letter, chain, values, page, trace}`. Values come only when they are asked for: they are personal data.

    Raises:
        ConfigurationError: there is no such letter.
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    (letter,) = await chosen_letters(settings, ids=[id])
    chain = []
    if letter.record is not None:
        chain = (await chains_of(settings, [(letter.entity, letter.record)]))[letter.entity, letter.record]
    return {
        "letter": letter.document(),
        "chain": chain,
        "values": await _values(settings, letter) if values else None,
        "page": f"docs/errors/{letter.code}.md",
        "trace": None if letter.root is None else f"crossfade trace {letter.root[0]} {letter.root[1]}",
    }


async def _values(settings: Settings, letter: Letter) -> Any:
    """What was set aside: the event's content, or the record as it was to be written; None where it cannot be read."""
    if letter.record is not None:
        async with Database(settings.ledger_db) as db:
            rows = await db.fetch(
                "SELECT document FROM held WHERE entity = %s AND record_key = %s", (letter.entity, letter.record)
            )
        document = json.loads(rows[0]["document"]) if rows else None
        secret = secret_members(letter.entity)
        return document and {name: HIDDEN if name in secret else value for name, value in document.items()}
    if letter.stage != "process" or letter.place is None:
        return None
    topic = letter.place[0]
    name = topic.removeprefix(Topics(settings.instance).sonar(""))
    with (
        make_registry(settings.registry) as registry,
        closing(make_reader(settings.kafka, group_of(settings))) as consumer,
    ):
        codec = Codec(registry, f"{topic}-value", envelope_schema(aggregate(name)))
        message = message_at(consumer, letter.place)
        try:
            return codec.decode(message.value())["after"] if message is not None else None
        except Undecodable:
            return None


def show_text(document: dict[str, Any]) -> str:
    """One letter for people."""
    letter = document["letter"]
    lines = [f"{name:<10} {value}" for name, value in letter.items() if value is not None]
    lines += [f"waits for  {one['entity']} {one['key']}: {one['state']}" for one in document["chain"]]
    if document["values"] is not None:
        lines.append(json.dumps(document["values"], indent=2, ensure_ascii=False, default=str))
    lines.append(f"{document['page']} says what to do.")
    if document["trace"] is not None:
        lines.append(f"The whole way: {document['trace']}")
    return "\n".join(lines)
