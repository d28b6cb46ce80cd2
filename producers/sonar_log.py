"""Sonar's audit log: each look begins where all is done that it told of, of deletes and of pivots."""

from datetime import datetime, timedelta

import structlog

from clients.sonar_errors import UNSERVED
from plumbing import metrics
from producers.changes import Changes
from producers.noticing import Noticing

log = structlog.get_logger()


class SonarLog:
    """Each of its rows is taken in once, a page at a time. A log that cannot be read holds back deletes alone."""

    def __init__(self, changes: Changes, noticing: Noticing) -> None:
        self._changes, self._noticing = changes, noticing
        self._taken: dict[int, datetime] = {}
        """`{id of a row: when it was written}`, of those that a look may show again."""
        self.in_vain = 0
        """Looks in a row that could not read it."""

    @property
    def is_readable(self) -> bool:
        """Whether the last look could read it."""
        return not self.in_vain

    def __len__(self) -> int:
        return len(self._taken)

    async def consider(self, low: datetime, since: datetime) -> None:
        """Ask for what it shows from `low` on, as seen at `since` by Sonar's clock.

        Raises:
            SyncError: the next look asks for the same; but for a log that cannot be read alone, which is told once.
        """
        try:
            async for page in self._changes.logged_since(low):
                for row in page:
                    if int(row["id"]) not in self._taken:
                        self._noticing.logged(row, since)
                        self._taken[int(row["id"])] = datetime.fromisoformat(row["created_at"])
        except UNSERVED as exc:
            metrics.ERRORS.labels("capture", exc.code).inc()
            if self.is_readable:
                log.error("capture.log_unreadable", error=exc.code, next_step=exc.next_step)
            self.in_vain += 1
            return
        self.in_vain = 0
        self._taken = {id: at for id, at in self._taken.items() if at >= low - timedelta(hours=1)}
