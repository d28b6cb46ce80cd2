"""Values that Splynx takes once only, a log-in above all, when they change hands within a batch: a swap of two of them.

Splynx refuses the first of two such changes, for the other still has the value. So who stands in the way of another
steps aside first: it gets a value that nobody wants, and its own one when its turn comes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemas.aggregate import WritePath
from schemas.ledger import LIVE
from schemas.names import collated
from sinks.jobs import Job
from sinks.plan import Document, Step, Verb


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


def _once(step: Step, document: Any) -> dict[str, str]:
    """The values of a record that Splynx takes once only, as its database compares them."""
    return {name: collated(str(document[name])) for name in step.target.once if document and name in document}
