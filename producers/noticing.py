"""From a row that Sonar shows in passing, or no longer shows, to the roots that must be read again because of it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from producers import documents
from producers.changes import Changes
from producers.cursors import Cursors
from producers.demands import LOG, Demands
from producers.families import Child
from producers.fan_outs import Changed, FanOuts, place_of
from producers.followed import CREATED, Followed
from producers.index import Index
from producers.owners import owner_of
from producers.versions import number_of
from schemas.aggregate import Aggregate, LookUp, Touch

log = structlog.get_logger()


class Noticing:
    """Holds what is seen against the index of what was published, and asks for what differs."""

    def __init__(
        self,
        changes: Changes,
        index: Index,
        demands: Demands,
        cursors: Cursors,
        aggregates: Sequence[Aggregate],
        next_number: Callable[[], int],
    ) -> None:
        """`next_number`: the sequence of the next request."""
        self._changes, self._index, self._demands = changes, index, demands
        self._aggregates = aggregates
        self._by_type = {one.root.type_name: one for one in aggregates}
        self.fan_outs = FanOuts(
            changes,
            index,
            demands,
            cursors,
            next_number=next_number,
            is_peopled=lambda followed: self.is_peopled(followed.aggregate),
        )

    async def begin(self) -> AsyncIterator[None]:
        """Note the look-ups as they are now, so that only later changes of them fan out.

        Yields after each page, that what was noted may be handed over: of tickets alone there are tens of thousands.
        """
        carried: dict[str, list[tuple[Followed, LookUp]]] = {}
        for one in self._changes.collections:
            if one.look_up is not None:
                carried.setdefault(one.thin.collection, []).append((one, one.look_up))
        for alike in carried.values():
            async for rows in self._changes.pages(alike[0][0]):
                for row in rows:
                    for one, look_up in alike:
                        self._index.set_alone(*place_of(one), int(row["id"]), _look_up_state(look_up, row))
                yield

    def row(
        self,
        followed: Followed,
        row: dict[str, Any],
        since: datetime,
        *,
        unsure_from: int | None = None,
        late: bool = False,
    ) -> bool:
        """Take a thin row, seen at `since` by Sonar's clock; whether something is to be read because of it.

        `unsure_from`: it changed while others were read that may show it, from this sequence on; a look-up that is as
        it was noted may have been another meanwhile. `late`: others were read that should show it before Sonar did.
        """
        if followed.touch is not None:
            return self._child(followed, followed.touch, row, since)
        if followed.look_up is not None:
            return self._look_up(followed, followed.look_up, row, since, unsure_from, late=late)
        id, version = int(row["id"]), number_of(row["_version"])
        known = self._index.root(followed.thin.collection, id)
        if known is not None and not known.deleted and known.version == version:
            return False
        return self._demands.add(followed.aggregate, id, since)

    def listed(self, followed: Followed, row: dict[str, Any], since: datetime) -> bool:
        """Take a thin row that a sweep lists, likewise: nothing else may tell of it."""
        if followed.touch is not None:
            scope, collection, id = followed.aggregate.root.name, followed.touch.collection, int(row["id"])
            root = self._index.root_of(scope, collection, id)
            if root is not None and self._index.is_stray(scope, collection, id):
                self._demands.add(followed.aggregate, root, since)  # which did not show it in time: perhaps it does now
        return self.row(followed, row, since, late=True)

    def _child(self, followed: Followed, touch: Touch, row: dict[str, Any], since: datetime) -> bool:
        id, version, collection = int(row["id"]), number_of(row["_version"]), touch.collection
        aggregate, scope = followed.aggregate, followed.aggregate.root.name
        known = self._index.child(scope, collection, id)
        owner = owner_of(touch.owners, row, partial(self._index.root_of, scope))
        self._demands.seen(aggregate, (collection, id), owner, version)
        if known == Child(owner, version):
            return False
        asked = False
        if owner is not None:
            asked = self._demands.add(aggregate, owner, since, child=(collection, id), version=version)
        if known is not None and known.root is not None and known.root != owner:
            asked |= self._demands.add(aggregate, known.root, since, child=(collection, id), version=None)
        return asked

    def _look_up(
        self,
        followed: Followed,
        look_up: LookUp,
        row: dict[str, Any],
        since: datetime,
        unsure_from: int | None,
        *,
        late: bool,
    ) -> bool:
        id, state = int(row["id"]), _look_up_state(look_up, row)
        # What is under way counts: a row that is as it was once more, or new and changed, must fan out again.
        noted = self.fan_outs.noted(followed, id)
        if noted == state and unsure_from is None:
            return False
        # Carriers that were read before show it as it was noted.
        read_from = (unsure_from or 0) if noted == state else 0
        if look_up.of is not None:
            starts = {one.root for one in (noted, state) if one is not None and one.root is not None}
        else:
            # A row that is new has no carriers that show it otherwise: they came to refer to it as it is. Unless it
            # comes late: they may show none.
            is_new = noted is None and not late and CREATED in row and row[CREATED] == row["updated_at"]
            starts = set() if is_new else {id}
        return self.fan_outs.add(followed, id, Changed(state, frozenset(starts), since, read_from))

    async def is_peopled(self, aggregate: Aggregate, others: int | None = None) -> bool:
        """Whether the roots' collection shows any rows, where `others` (None: all that were published) should be there.

        One that may no longer be read without saying so looks empty: what it does not show is not believed to be gone.
        """
        root = aggregate.root
        known = self._index.size(root.name, root.name) if others is None else others
        if known <= 0 or await self._changes.has_rows(root):
            return True
        log.error("capture.collection_empty", collection=root.name, known=known)
        return False

    async def is_there(self, aggregate: Aggregate) -> bool:
        """Whether Sonar gives anything but these roots just now."""
        return await self._changes.is_there(aggregate.root.name)

    def gone(self, followed: Followed, id: int, since: datetime, channel: str) -> None:
        """A row that Sonar lists no longer, as `channel` tells."""
        if followed.touch is not None:
            self._child_gone(followed.aggregate, followed.touch, id, since)
        elif followed.look_up is not None:
            self._look_up_gone(followed, id, since)
        else:
            self._demands.add(followed.aggregate, id, since, channel=channel)

    def _look_up_gone(self, followed: Followed, id: int, since: datetime) -> None:
        noted = self.fan_outs.noted(followed, id)
        if noted is not None:
            starts = frozenset[int]() if noted.root is None else frozenset([noted.root])
            self.fan_outs.add(followed, id, Changed(None, starts, since))

    def _child_gone(self, aggregate: Aggregate, touch: Touch, id: int, since: datetime) -> None:
        self._demands.seen(aggregate, (touch.collection, id), None, None)
        known = self._index.child(aggregate.root.name, touch.collection, id)
        if known is not None and known.root is not None:
            self._demands.add(aggregate, known.root, since, child=(touch.collection, id), version=None)

    def robbed(self, since: Mapping[str, datetime]) -> None:
        """Roots that were published with a child that has gone to another root, which was read for another reason.

        `since`: by aggregate.
        """
        for one in self._aggregates:
            for root, collection, child in self._index.robbed(one.root.name):
                self._demands.add(one, root, since[one.name], child=(collection, child), version=None)

    def in_doubt(self, since: Mapping[str, datetime]) -> None:
        """Roots whose last event may be on the topics though the index does not tell of it.

        What that event showed and has since gone elsewhere would lead to the root that the index remembers, to that
        root never. `since`: by aggregate.
        """
        for one in self._aggregates:
            for id in self._index.in_doubt(one.root.name):
                self._demands.add(one, id, since[one.name])

    def attached(self, aggregate: Aggregate, id: int, since: datetime) -> None:
        """A pivot of a root was attached or detached, which no row tells."""
        self._demands.add(aggregate, id, since)

    def logged(self, row: dict[str, Any], since: datetime) -> None:
        """A row of the audit log: a delete, or a pivot that was attached or detached."""
        type_name, id = row["logged_entity_type"], int(row["logged_entity_id"])
        deleted = row["type"] == "DELETED"
        aggregate = self._by_type.get(type_name)
        if aggregate is not None and (deleted or aggregate.pivots):
            self._demands.add(aggregate, id, since, channel=LOG if deleted else "")
        for one in self._aggregates if deleted else ():
            for touch in one.touched_by:
                if touch.type_name == type_name:
                    self._child_gone(one, touch, id, since)
        for followed in self._changes.collections if deleted else ():
            look_up = followed.look_up
            if look_up is not None and look_up.of is not None and look_up.type_name == type_name:
                self._look_up_gone(followed, id, since)
        shown_on = self._by_type.get(row["loggable_type"])
        if shown_on is not None and (row["loggable_type"], row["loggable_id"]) != (type_name, row["logged_entity_id"]):
            self._demands.add(shown_on, int(row["loggable_id"]), since)


def _look_up_state(look_up: LookUp, row: dict[str, Any]) -> Child:
    """What it belongs to, and a version that differs when a column changed that the aggregate depends on.

    Where it names none, with every change.
    """
    columns = [str(documents.value_at(row, path)) for path in look_up.fields]
    if look_up.while_empty is not None and documents.value_at(row, look_up.while_empty[0]) is None:
        columns.append(str(documents.value_at(row, look_up.while_empty[1])))
    owner = None if look_up.of is None else owner_of([look_up.of], row, lambda collection, id: None)
    return Child(owner, number_of("|".join(columns) if columns else row["_version"]))
