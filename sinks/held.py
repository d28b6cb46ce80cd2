"""The gauges of the ledger: what it holds back, what others changed behind it, how its journal grows."""

from collections.abc import Mapping
from datetime import timedelta

from plumbing import metrics
from schemas.catalogue import TARGETS
from schemas.ledger import HELD_STATES, OVERWRITTEN, UNSETTLED


def show_links(counts: Mapping[str, int]) -> None:
    """`{entity: records of Splynx that the ledger links with Sonar's}`."""
    for entity in TARGETS:
        metrics.CROSSWALK_RECORDS.labels(entity).set(counts.get(entity, 0))


def show(
    counts: Mapping[tuple[str, str], int],
    waited: Mapping[str, timedelta],
    conflicts: Mapping[tuple[str, str], int],
    journal_bytes: int,
    calls: int,
) -> None:
    """Set every gauge; what no longer waits is in neither mapping, and would else stay where it was.

    Args:
        counts: `{(entity, state): records}`.
        waited: `{entity: how long its record that waits longest has}`.
        conflicts: `{(entity, state): fields that somebody changed in Splynx}`.
        journal_bytes: on disk, as the server estimates it.
        calls: whose answer never came.
    """
    metrics.JOURNAL_BYTES.set(journal_bytes)
    metrics.OPEN_INTENTS.set(calls)
    for entity in TARGETS:
        for state in HELD_STATES:
            metrics.HELD_RECORDS.labels(entity, state).set(counts.get((entity, state), 0))
        metrics.PARKED_SECONDS.labels(entity).set(waited.get(entity, timedelta()).total_seconds())
        metrics.CONFLICTS.labels(entity).set(conflicts.get((entity, UNSETTLED), 0))
        metrics.EDITS_OVERWRITTEN.labels(entity).set(conflicts.get((entity, OVERWRITTEN), 0))
