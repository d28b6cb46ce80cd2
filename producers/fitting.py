"""Capture made to fit Sonar's schema as it is now: what is asked for, and what stands still."""

from collections.abc import Sequence

from producers.drift import Change, Drift
from producers.followed import followed
from producers.following import Following
from producers.publisher import Publisher
from producers.reader import Reader
from schemas.aggregate import Aggregate


class Fitting:
    """Looks at the schema when that is due, and hands what it found to those who read."""

    def __init__(
        self, drift: Drift, reader: Reader, publisher: Publisher, following: Following, aggregates: Sequence[Aggregate]
    ) -> None:
        self.drift, self._aggregates = drift, aggregates
        self._reader, self._publisher, self._following = reader, publisher, following

    @property
    def fit(self) -> list[Aggregate]:
        """What can be read."""
        return [one for one in self._aggregates if one.name in self.drift.source.selections]

    async def begin(self) -> Change:
        """Fit what was read at start; what differs from what an earlier process remembered has to be read again."""
        return self._apply(await self.drift.begin() or Change(self.drift.source, ()))

    async def look(self) -> Change | None:
        """Where a look was due and found something: what has to be read again, beside what never was.

        Raises:
            SchemaUnfit: there is nothing left that can be read.
            SyncError: Sonar failed; it stays due.
        """
        change = await self.drift.look() if self.drift.is_due else None
        return None if change is None else self._apply(change)

    def _apply(self, change: Change) -> Change:
        source = change.source
        self._reader.fit(source.schema, source.selections, source.unfit)
        self._publisher.fit(source.fingerprint)
        self._following.fit(followed(self.fit, source.schema), source.schema, source.unfit)
        return change
