"""The gauges of what the ledger holds back, and of what others changed behind it."""

from collections.abc import Mapping
from datetime import timedelta

from plumbing import metrics
from schemas.catalogue import TARGETS
from schemas.ledger import HELD_STATES


def show(counts: Mapping[tuple[str, str], int], waited: Mapping[str, timedelta], conflicts: Mapping[str, int]) -> None:
    """Set every gauge; what no longer waits is in neither mapping, and would else stay where it was.

    Args:
        counts: `{(entity, state): records}`.
        waited: `{entity: how long its record that waits longest has}`.
        conflicts: `{entity: values that somebody else changed}`.
    """
    for entity in TARGETS:
        for state in HELD_STATES:
            metrics.HELD_RECORDS.labels(entity, state).set(counts.get((entity, state), 0))
        metrics.PARKED_SECONDS.labels(entity).set(waited.get(entity, timedelta()).total_seconds())
        metrics.CONFLICTS.labels(entity).set(conflicts.get(entity, 0))
