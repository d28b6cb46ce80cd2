"""Values that Splynx takes once only, a log-in above all, when they change hands within a batch: a swap of two of them.

Splynx refuses the first of two such changes, for the other still has the value. So who stands in the way of another
steps aside first: it gets a value that nobody wants, and its own one when its turn comes. Where it cannot be written
then, it gets that value alone.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clients.splynx import SplynxClient
from clients.splynx_query import Search
from schemas.aggregate import WritePath
from schemas.ledger import LIVE
from schemas.names import collated
from sinks.handles import listing_of
from sinks.jobs import Job
from sinks.plan import Document, Step, Verb


def granted(wanted: Mapping[int, str], holders: Mapping[str, Collection[int]]) -> set[int]:
    """The rows that may take the value that they want, when all that may do it at once: a swap is two of them.

    Args:
        wanted: `{id of a row: value}` of those that change theirs; of two that want one, the first gets it.
        holders: `{value: ids of the live rows that have it}`.

    >>> granted({1: "B", 2: "A"}, {"A": [1], "B": [2]}) == {1, 2}
    True
    >>> granted({1: "B", 2: "C"}, {"A": [1], "B": [2], "C": [3]})  # 3 keeps its own, so 2 does, so 1 does
    set()
    """
    first: dict[str, int] = {}
    for id, value in wanted.items():
        first.setdefault(value, id)
    moving = set(first.values())
    while stuck := {id for id in moving if any(one != id and one not in moving for one in holders.get(wanted[id], ()))}:
        moving -= stuck
    return moving


async def able_to_move(client: SplynxClient, steps: Sequence[Step]) -> set[tuple[str, str]]:
    """Entity and key of those that would get their own values after they stepped aside.

    Another would keep the value that nobody wants: its customer could not log in. So Splynx is asked who has what each
    of them is to get.
    """
    found = {(step.target.entity, step.key) for step in steps}
    fields = {(step.target.entity, name): step.target for step in steps for name in step.target.once}
    for (entity, name), target in fields.items():
        wanted = {
            step.known.target_id: str(step.document[name])
            for step in steps
            if step.target.entity == entity and step.known is not None and step.document is not None
        }
        holders: dict[str, list[int]] = {}
        for value in wanted.values():
            rows = await client.list(listing_of(target), Search(main={name: value}))
            same = [int(row["id"]) for row in rows if collated(str(row.get(name))) == collated(value)]
            holders[collated(value)] = same
        moving = granted({id: collated(value) for id, value in wanted.items()}, holders)
        found -= {
            (entity, step.key)
            for step in steps
            if step.target.entity == entity and step.known is not None and step.known.target_id not in moving
        }
    return found


def in_the_way(jobs: Sequence[Job]) -> list[Job]:
    """The changes that free a value which another record of the batch wants, in their order."""
    wanted: dict[tuple[str, str, str], set[str]] = {}
    for job in jobs:
        for name, value in _once(job.step, job.step.document).items():
            wanted.setdefault((job.step.target.entity, name, value), set()).add(job.step.key)
    found = []
    for job in jobs:
        step = job.step
        if step.target.path is not WritePath.REST or step.known is None or step.known.state != LIVE:
            continue
        if step.document is None:
            continue  # what is withdrawn, or cannot be mapped, keeps its values
        now = _once(step, step.document)
        frees = {name: value for name, value in _once(step, step.known.document).items() if now.get(name) != value}
        if any(wanted.get((step.target.entity, name, value), set()) - {step.key} for name, value in frees.items()):
            found.append(job)
    return found


def aside(step: Step, sequence: int) -> Document:
    """What a record has while it stands aside: `{field: a value that nobody wants}`."""
    return dict.fromkeys(step.target.once, f"moving-{step.key}-{sequence}")


def moved(step: Step, values: Document) -> Step:
    """The step of a record that stands aside: what was written last is what it has now."""
    assert step.known is not None
    return replace(step, verb=Verb.CHANGE, known=replace(step.known, hash="", document=step.known.document | values))


def is_aside(step: Step, value: Any) -> bool:
    """Whether a value is one that `aside` gave to this record, for whichever bundle."""
    return re.fullmatch(rf"moving-{re.escape(step.key)}-\d+", str(value)) is not None


def stands_aside(step: Step) -> bool:
    """Whether a record, as it was written last, still stands aside: perhaps since a process died."""
    written = step.known.document if step.known is not None and step.known.state == LIVE else {}
    return any(is_aside(step, written.get(name)) for name in step.target.once)


def ways_back(step: Step, images: Iterable[Mapping[str, Any]]) -> list[Document]:
    """What a record that stands aside is to have: its own values, else those that it had before.

    `images`: what it was before each change, the newest last. Its own come first: what it had is wanted by another.
    """
    own = {name: step.document[name] for name in step.target.once if step.document and name in step.document}
    had: Document = {}
    for image in images:
        had |= {name: image[name] for name in step.target.once if name in image and not is_aside(step, image[name])}
    return [values for values in (own, had) if values]


def _once(step: Step, document: Any) -> dict[str, str]:
    """The values of a record that Splynx takes once only, as its database compares them."""
    return {name: collated(str(document[name])) for name in step.target.once if document and name in document}
