"""Where a record stands: the last room that it reached, and why it is not further."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.history import History, Letter
from schemas.catalogue import aggregate as declared
from schemas.ledger import DEAD, DEFERRED, DISMISSED, DOUBTED, KEPT, LIVE, ROLLED_BACK, UNSETTLED
from sinks.undo import UNDO

_DOCUMENTS = "docs/errors/{}.md says what to do."


@dataclass(frozen=True)
class Conclusion:
    """Where a record stands: the last room that it reached, in words, and what to do if it should be further."""

    arrived: bool
    """Splynx is as Sonar's last known state of it wants."""
    stage: str
    says: str
    next_step: str = ""


def conclude(aggregate: str, sonar_id: int, history: History, ledger: dict[str, Any] | None) -> Conclusion:
    """Where it stands. `ledger`: as `console.holdings` reads it."""
    events = [one for one in history.events if one["sequence"] is not None]
    bundles = [one for one in history.bundles if one["sequence"] is not None]
    event = max(events, key=lambda one: (one["sequence"], one["offset"]), default=None)
    bundle = max(bundles, key=lambda one: (one["sequence"], one["rules_generation"], one["offset"]), default=None)
    if event is None and bundle is None:
        return _not_captured(aggregate, sonar_id, history)
    if event is not None and (bundle is None or bundle["sequence"] < event["sequence"]):
        return _not_processed(aggregate, history, event)
    if bundle is None:
        raise AssertionError("either is there")  # pragma: no cover
    newest = ledger["newest"] if ledger is not None else None
    if newest is None or (newest["sequence"], newest["generation"]) < (bundle["sequence"], bundle["rules_generation"]):
        return _not_written(history, bundle)
    return _written(ledger or {}, bundle)


def _not_captured(aggregate: str, sonar_id: int, history: History) -> Conclusion:
    letters = [one for one in history.dead_letters if one.stage == "capture"]
    if letters:
        return _dead("sonar", "Capture", letters[-1])
    return Conclusion(
        False,
        "sonar",
        f"No event of {aggregate} {sonar_id} is on the topics.",
        "See whether Sonar has it under this id, and with `crossfade status` whether the snapshot is complete; "
        f"`crossfade snapshot --only {aggregate} --apply` reads all of them again.",
    )


def _not_processed(aggregate: str, history: History, event: dict[str, Any]) -> Conclusion:
    place = (event["topic"], event["partition"], event["offset"])
    letters = [one for one in history.dead_letters if (one.topic, one.partition, one.offset) == place]
    if letters:
        return _dead("capture", "Processing", letters[-1])
    if not declared(aggregate).targets:
        return Conclusion(True, "capture", f"{aggregate} is read for the rules' sake and has no row in Splynx.")
    return Conclusion(
        False,
        "capture",
        f"Its newest event (sequence {event['sequence']}) is on the topics and not mapped yet.",
        "`crossfade status` shows how far the processors are; see that `crossfade process` runs.",
    )


def _not_written(history: History, bundle: dict[str, Any]) -> Conclusion:
    place = (bundle["topic"], bundle["partition"], bundle["offset"])
    letters = [one for one in history.dead_letters if (one.topic, one.partition, one.offset) == place]
    if letters:
        return _dead("process", "The sink", letters[-1])
    return Conclusion(
        False,
        "process",
        f"Its newest bundle (sequence {bundle['sequence']}) is on the topics and not in the ledger yet.",
        "`crossfade status` shows how far the sink is; see that `crossfade sink --apply` runs.",
    )


def _written(ledger: dict[str, Any], bundle: dict[str, Any]) -> Conclusion:
    held = ledger["held"]
    if held:
        # What is worst for the operator first: dead needs a hand, parked may heal itself, the others are meant.
        one = min(held, key=lambda row: {DEAD: 0, DEFERRED: 2, DISMISSED: 3}.get(row["state"], 1))
        wait = f", waits for {one['waits_entity']} {one['waits_key']}" if one["waits_key"] else ""
        says = f"{one['entity']} {one['record_key']} is {one['state']}: {one['reason']} [{one['code']}]{wait}."
        return Conclusion(False, "sink", says, _DOCUMENTS.format(one["code"]))
    if (run := _taken_back_by(ledger)) is not None:
        says = f"What was written of it was taken back by run {run}; Splynx has what was there before."
        return Conclusion(
            False,
            "splynx",
            says,
            f"It is written again with the next change in Sonar, by `crossfade replay`, or by"
            f" `crossfade rollback --run {run}`, which undoes that run.",
        )
    if ledger["newest"]["outcome"] == DOUBTED:
        return Conclusion(
            False,
            "splynx",
            "The answer to a call for it was lost: nobody knows what Splynx holds.",
            "It is compared in full with the next change in Sonar, or by `crossfade replay`.",
        )
    rows = [f"{row['entity']} {row['target_id']}" for row in ledger["crosswalk"] if row["state"] == LIVE]
    if rows:
        return _arrived(", ".join(rows), ledger["conflicts"])
    if bundle["deleted"]:
        return Conclusion(True, "splynx", "Sonar deleted it, and nothing of it is live in Splynx.")
    why = f": {bundle['reason']}" if bundle["reason"] else ""
    return Conclusion(True, "splynx", f"The rules make no row in Splynx of it{why}.")


def _taken_back_by(ledger: dict[str, Any]) -> str | None:
    """The run that took the last write of a record back, where its bundle has not come again since."""
    if ledger["newest"]["outcome"] != ROLLED_BACK:
        return None
    last = {(one["entity"], one["record_key"]): one for one in ledger["journal"]}
    runs = [str(one["run_id"]) for one in last.values() if one["action"].startswith(UNDO)]
    return runs[-1] if runs else None


def _arrived(rows: str, conflicts: Sequence[dict[str, Any]]) -> Conclusion:
    """In Splynx as Sonar has it, but for what somebody edited there. Of each field the last conflict counts."""
    last = {(one["entity"], one["record_key"], one["field"]): one["state"] for one in conflicts}
    fields = {
        state: ", ".join(sorted({f"{entity}.{field}" for (entity, _, field), has in last.items() if has == state}))
        for state in (UNSETTLED, KEPT)
    }
    if fields[UNSETTLED]:
        says = f"In Splynx as {rows}, but for what somebody edited there: {fields[UNSETTLED]}."
        return Conclusion(
            False, "splynx", says, "Splynx's value stays until somebody decides: crossfade conflicts list."
        )
    but = f", but for {fields[KEPT]}, where somebody decided for Splynx's value" if fields[KEPT] else ""
    return Conclusion(True, "splynx", f"In Splynx as {rows}, as Sonar last had it{but}.")


def _dead(stage: str, who: str, letter: Letter) -> Conclusion:
    return Conclusion(
        False, stage, f"{who} set it aside: {letter.reason} [{letter.code}].", _DOCUMENTS.format(letter.code)
    )
