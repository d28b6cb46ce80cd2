"""A reconciliation as `crossfade reconcile` does it: what it finds is looked at twice, and told by its gauges."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime

from console.reconcile import measure
from console.reconciled import Reconciled
from reconciliation.comparison import Look
from reconciliation.confirmation import confirm
from reconciliation.findings import Collection, Finding

Find = Callable[[], Awaitable[Iterable[Finding]]]
"""Compares all that there is."""


class Looks:
    """Both ends, whose source stands still (`reconciliation.confirmation.Looks`)."""

    def __init__(self, find: Find) -> None:
        self._find = find

    async def look(self, accounts: Sequence[str] | None = None) -> Look:
        """Everything, whoever is asked for."""
        found = Collection()
        found.add(await self._find())
        return Look(datetime.now(UTC), found)

    def sums(self, unsettled: Sequence[Finding]) -> Iterable[Finding]:
        """Records tell."""
        return ()


async def reconciled(find: Find) -> Sequence[Finding]:
    """What lasts of what is found."""
    verdict = await confirm(Looks(find), _passed)
    measure(Reconciled(verdict, {}, [0, 0], 2, [], {}, {}, {}))
    return verdict.findings


async def _passed(_: datetime) -> bool:
    return True
