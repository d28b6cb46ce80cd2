"""Why a record differs, as far as topics and ledger tell, and the message that it comes from."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clients.mysql import Database
from reconciliation.crosswalk import CHUNK, Link, chunks, conflicts_of, links_of, marks
from reconciliation.events import Events, Newest
from reconciliation.findings import Cause, Finding
from schemas.ledger import DOUBTED, LIVE, ROLLED_BACK, UNSETTLED
from schemas.topics import Topics

_ROOTS = {
    "partner": "company",
    "internet_tariff": "service",
    "customer": "account",
    "customer_info": "account",
    "customer_billing": "account",
}
WITHDRAWN = "withdrawn"
"""What is expected of a record that its aggregate no longer owns."""

SUM_OF_RECORDS = Cause("sum: see its records")
MADE_THERE = Cause("made in Splynx")
_NOT_AS_ASKED = {
    ROLLED_BACK: "taken back: its bundle has not come again",
    DOUBTED: "doubted: the answer to a call was lost, and its bundle has not come again",
}
"""Outcomes of aggregates of which Splynx may hold something else than their newest bundle asks for."""
_KEPT = "conflict: somebody decided for Splynx's value"
_WITH = {"ledger_total": "amount", "ledger_customer_id": "customer_id", "amount_minor": "amount"}
"""Fields whose edits are told as those of another one."""
_LABELS = {"group": "account_group", "type": "account_type"}


@dataclass(frozen=True)
class Known:
    """What is known of one record and its aggregate; None for what is not."""

    event: Newest | None
    bundle: tuple[int, int, int] | None
    """Sequence, partition and offset of the newest bundle that the ledger has."""
    held: Mapping[str, Any] | None
    link: Link | None
    conflict: str | None = None
    """State of the conflict about the finding's field."""
    outcome: str = ""
    """Of its aggregate's newest bundle."""


class Causes:
    """Explains findings about single records. Sums have no one cause: their records are found too."""

    def __init__(self, events: Events, ledger: Database, topics: Topics) -> None:
        self._events, self._ledger, self._topics = events, ledger, topics

    async def explained(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings, each with its cause, in the same order."""
        mapped_wrong = {(one.entity, one.key) for one in findings if one.check == "fields"}
        roots = {one: root for one in findings if (root := root_of(one)) is not None}
        known: dict[Finding, Known] = {}
        for aggregate in sorted({name for name, _ in roots.values()}):
            ours = {finding: id for finding, (name, id) in roots.items() if name == aggregate}
            for part in chunks(sorted(set(ours.values())), CHUNK):
                known |= await self._known(aggregate, {f: id for f, id in ours.items() if id in set(part)}, part)
        return [
            replace(one, cause=cause_of(one, known[one], (one.entity, one.key) in mapped_wrong, self._topics))
            if one in known
            else replace(one, cause=MADE_THERE if one.key.startswith("splynx:") else SUM_OF_RECORDS)
            for one in findings
        ]

    async def _known(self, aggregate: str, findings: Mapping[Finding, int], ids: Sequence[int]) -> dict[Finding, Known]:
        values = [aggregate, *ids]
        applied = {
            int(row["sonar_id"]): row
            for row in await self._ledger.fetch(
                "SELECT sonar_id, sequence, partition_no, topic_offset, outcome FROM aggregates"
                f" WHERE aggregate = %s AND sonar_id IN ({marks(ids)})",
                values,
            )
        }
        bundles = {
            id: (int(row["sequence"]), int(row["partition_no"]), int(row["topic_offset"]))
            for id, row in applied.items()
        }
        outcomes = {id: str(row["outcome"]) for id, row in applied.items()}
        held = {
            (row["entity"], row["record_key"]): row
            for row in await self._ledger.fetch(
                "SELECT entity, record_key, state, code, topic, partition_no, topic_offset FROM held"
                f" WHERE aggregate = %s AND sonar_id IN ({marks(ids)})",
                values,
            )
        }
        links = await links_of(self._ledger, aggregate, ids)
        conflicts = await conflicts_of(self._ledger, aggregate, ids)
        events = {id: self._events.find(aggregate, id) for id in ids}
        found = {}
        for finding, id in findings.items():
            record = (finding.entity, finding.key)
            link = next((one for one in links.get(id, ()) if (one.entity, one.key) == record), None)
            conflict = conflicts.get((*record, _WITH.get(finding.field, finding.field)))
            found[finding] = Known(events[id], bundles.get(id), held.get(record), link, conflict, outcomes.get(id, ""))
        return found


def root_of(finding: Finding) -> tuple[str, int] | None:
    """`(aggregate, Sonar id)` that a record comes from; None for sums, and for rows that Sonar has no part in."""
    if finding.check not in {"record", "fields", "M1", "twin"}:
        return None
    if finding.entity in _ROOTS:
        name, id = _ROOTS[finding.entity], finding.key
    elif finding.entity == "internet_service":
        # A service has an id of its own; whose it is its finding says. One without was made in Splynx.
        name, id = "account", next(iter(finding.accounts), "") if finding.key.isdigit() else ""
    elif finding.entity == "payment":
        name, id = "payment", finding.key.partition("-")[0]
    else:
        kind, _, id = finding.key.partition(":")
        name = _LABELS.get(kind, "")
    return (name, int(id)) if name and id.isdigit() else None


def cause_of(finding: Finding, known: Known, fields_differ: bool, topics: Topics) -> Cause:
    """The first explanation that holds, from what was never captured to what somebody changed in Splynx."""
    event, bundle, held, link = known.event, known.bundle, known.held, known.link
    if finding.check in {"M1", "twin"}:
        return _at_bundle("changed in Splynx", known, topics)
    if held is not None:
        why = f"{held['state']}: {held['code']}"
        return Cause(why, held["topic"], int(held["partition_no"]), int(held["topic_offset"]))
    if known.conflict is not None:
        return _at_bundle("conflict: it waits for a decision" if known.conflict == UNSETTLED else _KEPT, known, topics)
    if event is None:
        return Cause("not captured: Sonar's record is on no topic")
    at_event = event.topic, event.partition, event.offset
    if event.code is not None:
        return Cause(f"dead letter: {event.code}", *at_event)
    if bundle is None or bundle[0] < event.sequence:
        return Cause("late: the newest event has not reached the ledger", *at_event)
    if known.outcome in _NOT_AS_ASKED:
        return _at_bundle(_NOT_AS_ASKED[known.outcome], known, topics)
    if finding.check == "record" and not fields_differ:
        # Splynx has what the mapper made of the event, and that is not what the rules say.
        return _at_bundle("mapper: its bundle asks for what Splynx has", known, topics)
    if finding.expected in {None, WITHDRAWN}:
        return _at_bundle("sink: not withdrawn", known, topics)
    if link is None or link.state != LIVE:
        return _at_bundle("sink: not written as its bundle asks", known, topics)
    return _at_bundle("removed in Splynx" if finding.actual is None else "changed in Splynx", known, topics)


def _at_bundle(why: str, known: Known, topics: Topics) -> Cause:
    if known.bundle is None or known.event is None:
        return Cause(why)
    _, partition, offset = known.bundle
    return Cause(why, topics.splynx(known.event.aggregate), partition, offset)
