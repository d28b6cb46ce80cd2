"""The gauges of what is held in the ledger."""

from collections.abc import Mapping
from datetime import timedelta

from plumbing import metrics
from schemas.catalogue import TARGETS
from schemas.ledger import HELD_STATES


def show(counts: Mapping[tuple[str, str], int], waited: Mapping[str, timedelta]) -> None:
    """Set every gauge; what no longer waits is in neither mapping, and would else stay where it was.

    Args:
        counts: `{(entity, state): records}`.
        waited: `{entity: how long its record that waits longest has}`.
    """
    for entity in TARGETS:
        for state in HELD_STATES:
            metrics.HELD_RECORDS.labels(entity, state).set(counts.get((entity, state), 0))
        metrics.PARKED_SECONDS.labels(entity).set(waited.get(entity, timedelta()).total_seconds())
