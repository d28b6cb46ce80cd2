"""What is asked for of payments, and what became of it: between who writes batches and who writes rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from clients.mysql_errors import ValueRefused
from sinks.errors import KeyTaken, RowMissing
from sinks.plan import Step
from sinks.threeway import Standing, Told


@dataclass(frozen=True)
class Work:
    """One step on a payment, its customer resolved, and what stands about its fields.

    `was_customer_id`: the customer that it was written for last; None where nobody knows.
    """

    step: Step
    customer_id: int
    sequence: int
    was_customer_id: int | None = None
    standing: Mapping[str, Standing] = field(default_factory=dict)


@dataclass
class Written:
    """What a batch did: per `(entity, key)` the row's id, its before-image, and the document's revision."""

    target_ids: dict[str, int] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    refused: dict[str, KeyTaken | RowMissing | ValueRefused] = field(default_factory=dict)
    told: dict[str, list[Told]] = field(default_factory=dict)
    """Fields that no longer are as they were written last: somebody else changed them; or that agree again."""

    same: set[str] = field(default_factory=set)
    """Whose rows had all of it already: nothing was written."""

    def add(self, other: Self) -> None:
        """What was done after it."""
        self.target_ids |= other.target_ids
        self.before |= other.before
        self.revisions |= other.revisions
        self.refused |= other.refused
        self.told |= other.told
        self.same |= other.same
