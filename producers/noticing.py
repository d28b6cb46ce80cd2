"""From a row that Sonar shows in passing, or no longer shows, to the roots that must be read again because of it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from clients.sonar_errors import SonarForbidden
from plumbing import metrics
from producers import documents
from producers.changes import Changes, Followed
from producers.demands import Demands
from producers.families import Child
from producers.index import Index
from producers.owners import owner_of
from producers.versions import number_of
from schemas.aggregate import Aggregate, Touch

log = structlog.get_logger()


class Noticing:
    """Holds what is seen against the index of what was published, and asks for what differs."""

    def __init__(self, changes: Changes, index: Index, demands: Demands, aggregates: Sequence[Aggregate]) -> None:
        self._changes, self._index, self._demands = changes, index, demands
        self._aggregates = aggregates
        self._by_type = {one.root.type_name: one for one in aggregates}
        self._look_ups: dict[tuple[str, str, int], Child | None] = {}
        """Look-ups whose fan-out is under way, as they are now; None: gone."""

    async def begin(self) -> None:
        """Note the look-ups as they are now, so that only later changes of them fan out."""
        carried: dict[str, list[Followed]] = {}
        for one in self._changes.collections:
            if one.look_up is not None:
                carried.setdefault(one.thin.collection, []).append(one)
        for alike in carried.values():
            for row in await self._changes.all_rows(alike[0]):
                for one in alike:
                    self._index.set_alone(*look_up_place(one), int(row["id"]), _look_up_state(one, row))

    async def row(self, followed: Followed, row: dict[str, Any], since: datetime) -> bool:
        """Take a thin row, seen at `since` by Sonar's clock; whether something is to be read because of it."""
        if followed.touch is not None:
            return self._child(followed, followed.touch, row, since)
        if followed.look_up is not None:
            try:
                return await self._look_up(followed, row, since)
            except SonarForbidden as exc:
                return self._denied(followed, exc)
        id, version = int(row["id"]), number_of(row["_version"])
        known = self._index.root(followed.thin.collection, id)
        if known is not None and not known.deleted and known.version == version:
            return False
        return self._demands.add(followed.aggregate, id, since)

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

    def _denied(self, followed: Followed, exc: SonarForbidden) -> bool:
        """What the token may not read on the way to the carriers holds up nothing else.

        The look-up stays unnoted. What is denied is followed itself: the watermark waits, and then the row shows again.
        """
        metrics.ERRORS.labels("capture", exc.code).inc()
        log.error("capture.carriers_denied", aggregate=followed.aggregate.name, collection=followed.thin.collection)
        return False

    async def _look_up(self, followed: Followed, row: dict[str, Any], since: datetime) -> bool:
        id, state = int(row["id"]), _look_up_state(followed, row)
        place = (*look_up_place(followed), id)
        # What is under way counts: a row that is as it was once more, or new and changed, must fan out again.
        noted = self._look_ups[place] if place in self._look_ups else self._index.child(*place)
        if noted == state:
            return False
        if followed.look_up is not None and followed.look_up.of is not None:
            ends = await self._fan_out(followed, (noted, state), since)
        else:
            # A row that is new has no carriers yet: roots that come to refer to it change themselves.
            ends = noted is not None
            carriers = await self._changes.carriers(followed, id) if ends else []
            if ends and not carriers and not await self.is_peopled(followed.aggregate):
                return False  # noticed again by the next look, at last by a sweep
            for root in carriers:
                self._demands.add(followed.aggregate, root, since)
        self._look_ups[place] = state
        return ends

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

    async def _fan_out(self, followed: Followed, states: Sequence[Child | None], since: datetime) -> bool:
        """Ask for the carriers below what a look-up belonged to, and belongs to now; whether there is any such."""
        owners = {one.root for one in states if one is not None and one.root is not None}
        for owner in owners:
            for root in await self._changes.carriers(followed, owner):
                self._demands.add(followed.aggregate, root, since)
        return bool(owners)

    async def gone(self, followed: Followed, id: int, since: datetime) -> None:
        """A row that Sonar lists no longer."""
        if followed.touch is not None:
            self._child_gone(followed.aggregate, followed.touch, id, since)
        elif followed.look_up is not None:
            await self._look_up_gone(followed, id, since)
        else:
            self._demands.add(followed.aggregate, id, since, maybe_deleted=True)

    async def _look_up_gone(self, followed: Followed, id: int, since: datetime) -> None:
        place = (*look_up_place(followed), id)
        noted = self._look_ups[place] if place in self._look_ups else self._index.child(*place)
        if noted is None:
            return
        try:
            await self._fan_out(followed, (noted,), since)
        except SonarForbidden as exc:
            self._denied(followed, exc)
        else:
            self._look_ups[place] = None

    def _child_gone(self, aggregate: Aggregate, touch: Touch, id: int, since: datetime) -> None:
        self._demands.seen(aggregate, (touch.collection, id), None, None)
        known = self._index.child(aggregate.root.name, touch.collection, id)
        if known is not None and known.root is not None:
            self._demands.add(aggregate, known.root, since, child=(touch.collection, id), version=None)

    def robbed(self, since: datetime) -> None:
        """Roots that were published with a child that has gone to another root, which was read for another reason."""
        for one in self._aggregates:
            for root, collection, child in self._index.robbed(one.root.name):
                self._demands.add(one, root, since, child=(collection, child), version=None)

    async def logged(self, row: dict[str, Any], since: datetime) -> None:
        """A row of the audit log: a delete, or a pivot that was attached or detached."""
        type_name, id = row["logged_entity_type"], int(row["logged_entity_id"])
        deleted = row["type"] == "DELETED"
        aggregate = self._by_type.get(type_name)
        if aggregate is not None and (deleted or aggregate.pivots):
            self._demands.add(aggregate, id, since, maybe_deleted=deleted)
        for one in self._aggregates if deleted else ():
            for touch in one.touched_by:
                if touch.type_name == type_name:
                    self._child_gone(one, touch, id, since)
        for followed in self._changes.collections if deleted else ():
            look_up = followed.look_up
            if look_up is not None and look_up.of is not None and look_up.type_name == type_name:
                await self._look_up_gone(followed, id, since)
        shown_on = self._by_type.get(row["loggable_type"])
        if shown_on is not None and (row["loggable_type"], row["loggable_id"]) != (type_name, row["logged_entity_id"]):
            self._demands.add(shown_on, int(row["loggable_id"]), since)

    @property
    def fans_out(self) -> bool:
        """Whether changes of look-ups are still on their way to the roots that carry them."""
        return bool(self._look_ups)

    def fanned_out(self) -> None:
        """Every carrier has been read again and its event acknowledged: the look-ups count as published.

        Only now: a crash in the middle of a fan-out must find the look-up changed again.
        """
        for place, state in self._look_ups.items():
            self._index.set_alone(*place, state)
        self._look_ups.clear()


def _look_up_state(followed: Followed, row: dict[str, Any]) -> Child:
    """What it belongs to, and a version that differs when a column changed that the aggregate depends on.

    Where it names none, with every change.
    """
    look_up = followed.look_up
    assert look_up is not None
    columns = [str(documents.value_at(row, path)) for path in look_up.fields]
    if look_up.while_empty is not None and documents.value_at(row, look_up.while_empty[0]) is None:
        columns.append(str(documents.value_at(row, look_up.while_empty[1])))
    owner = None if look_up.of is None else owner_of([look_up.of], row, lambda collection, id: None)
    return Child(owner, number_of("|".join(columns) if columns else row["_version"]))


def look_up_place(followed: Followed) -> tuple[str, str]:
    """Where the index keeps a look-up's versions: the collection may be that of children, too."""
    return followed.aggregate.root.name, f"@{followed.thin.collection}"
