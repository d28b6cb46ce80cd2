"""Capture made to fit Sonar's schema as it is now: what is asked for, and what stands still."""

from collections.abc import Sequence

import structlog

from clients.sonar_ending import SonarEnded
from clients.sonar_errors import SonarQuiet
from plumbing import metrics
from plumbing.errors import SyncError
from producers.drift import Change, Drift
from producers.followed import followed
from producers.following import Following
from producers.needs import SchemaUnfit
from producers.publisher import Publisher
from producers.reader import Reader
from schemas.aggregate import Aggregate

log = structlog.get_logger()


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
            SonarQuiet: nothing may be asked now.
        """
        change = None
        if self.drift.is_due:
            try:
                change = await self.drift.look()
            except (SchemaUnfit, SonarQuiet, SonarEnded):
                raise
            except SyncError as exc:
                # Following may well go on: it is data that it asks for, by documents that were understood so far.
                metrics.ERRORS.labels("capture", exc.code).inc()
                log.warning("capture.schema_not_seen", error=exc.code, reason=str(exc), next_step=exc.next_step)
        return None if change is None else self._apply(change)

    def _apply(self, change: Change) -> Change:
        source = change.source
        self._reader.fit(source.schema, source.selections, source.unfit)
        self._publisher.fit(source.fingerprint)
        self._following.fit(followed(self.fit, source.schema), source.schema, source.unfit)
        return change
