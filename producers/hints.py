"""What webhooks tell of: rows to look at, each once however often it is named. Nothing else of a message is used."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from plumbing import metrics
from plumbing.errors import SyncError
from producers.changes import Changes
from producers.demands import WEBHOOK
from producers.followed import Followed
from producers.noticing import Noticing

TAKEN, KNOWN, UNKNOWN, MALFORMED, FULL = "taken", "known", "unknown", "malformed", "full"
"""A row to look at; one that waits already; of nothing that is followed; no message of Sonar's; too many wait."""
OUTCOMES = (TAKEN, KNOWN, UNKNOWN, MALFORMED, FULL)
_MOST = 10_000
"""Rows that wait at most. What comes beyond is left to following and to sweeps, as all is without webhooks."""
_AT_ONCE = 200
"""Rows of one collection that a poll looks at."""
_WORDS = re.compile(r"[^a-z0-9]+")
_DELETED, _PIVOT, _CHANGED, _AGAIN = "deleted", "pivot", "changed", "again"
_KINDS = {"deleted": _DELETED, "attached": _PIVOT, "detached": _PIVOT}
_LONGEST_NAME = 12

Row = dict[str, Any]

metrics.preset(metrics.WEBHOOKS, OUTCOMES)


class Hints:
    """Rows that somebody says have changed. A poll looks all of them up in one request, whoever sends how many."""

    def __init__(self, changes: Changes, noticing: Noticing) -> None:
        self._changes, self._noticing = changes, noticing
        self._followed: dict[str, list[Followed]] = {}
        """`{type, in lower case: where it is followed}`."""
        self._waiting: dict[tuple[str, int], set[str]] = {}
        """`{(type in lower case, id): what is said of it}`."""
        self.follow(changes.collections)

    def follow(self, collections: Sequence[Followed]) -> None:
        """Take hints of these collections from now on; what waits of others is forgotten."""
        self._followed = {}
        for one in collections:
            self._followed.setdefault(_type_of(one).lower(), []).append(one)
        self._waiting = {place: said for place, said in self._waiting.items() if place[0] in self._followed}

    def take(self, body: bytes) -> str:
        """Take in one message; one of `OUTCOMES`, which is counted."""
        outcome = self._take(body)
        metrics.WEBHOOKS.labels(outcome).inc()
        return outcome

    def _take(self, body: bytes) -> str:
        told = _told(body)
        if told is None:
            return MALFORMED
        name, id = told
        words = [word for word in _WORDS.split(name.lower()) if word][:_LONGEST_NAME]
        # How Sonar writes the names of events is not documented: account.status may be a status or an account's.
        spans = {"".join(words[low:high]) for low in range(len(words)) for high in range(low + 1, len(words) + 1)}
        types = spans & self._followed.keys()
        if not types:
            return UNKNOWN
        kind = next((_KINDS[word] for word in words if word in _KINDS), _CHANGED)
        outcome = KNOWN
        for type_name in types:
            said = self._waiting.get((type_name, id))
            if said is None and len(self._waiting) >= _MOST:
                return FULL
            if said is None or kind not in said:
                self._waiting.setdefault((type_name, id), set()).add(kind)
                outcome = TAKEN
        return outcome

    def __len__(self) -> int:
        return len(self._waiting)

    async def consider(self, now: datetime) -> None:
        """Look some of the rows up by id, and ask for what differs from what was published.

        Raises:
            SyncError: the next look asks for the same.
        """
        due: dict[str, dict[int, set[str]]] = {}
        for (name, id), said in self._waiting.items():
            ids = due.setdefault(name, {})
            if len(ids) < _AT_ONCE:
                ids[id] = said
        if not due:
            return
        for name, ids in due.items():  # what is told of while Sonar answers is looked at by the next poll
            for id in ids:
                del self._waiting[name, id]
        try:
            shown = await self._changes.these({self._collection(name): list(ids) for name, ids in due.items()})
        except SyncError:
            for name, ids in due.items():
                for id, said in ids.items():
                    self._waiting.setdefault((name, id), set()).update(said)
            raise
        for name, ids in due.items():
            rows = shown.get(self._collection(name))
            if rows is None:
                self._put_back(name, ids)
            for one in self._followed[name] if rows is not None else ():
                self._notice(one, ids, {int(row["id"]): row for row in rows or ()}, now)

    def _put_back(self, name: str, ids: Mapping[int, set[str]]) -> None:
        """What could not be looked up is looked up once more. After that following and sweeps have to find it."""
        for id, said in ids.items():
            if _AGAIN not in said and (name, id) not in self._waiting:
                self._waiting[name, id] = said | {_AGAIN}

    def _collection(self, name: str) -> str:
        return self._followed[name][0].thin.collection

    def _notice(self, one: Followed, ids: Mapping[int, set[str]], rows: Mapping[int, Row], now: datetime) -> None:
        is_root = one.touch is None and one.look_up is None
        for id, said in ids.items():
            row = rows.get(id)
            if row is not None:
                self._noticing.row(one, row, now)
                if is_root and _PIVOT in said and one.aggregate.pivots:
                    self._noticing.attached(one.aggregate, id, now)  # which leaves its version as it was
            elif _DELETED in said:
                self._noticing.gone(
                    one, id, now, WEBHOOK
                )  # believed as the log is: after a read by id, and with the brake


def _told(body: bytes) -> tuple[str, int] | None:
    try:
        document = orjson.loads(body)
        name, id = document["event"], int(document["object_id"])
    except (ValueError, KeyError, TypeError):
        return None
    return (name, id) if isinstance(name, str) and 0 < id < 2**63 else None


def _type_of(one: Followed) -> str:
    if one.touch is not None:
        return one.touch.type_name
    return one.aggregate.root.type_name if one.look_up is None else one.look_up.type_name
