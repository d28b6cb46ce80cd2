"""What has changed in Sonar since an instant: thin pages of every followed collection, and the audit log."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from clients.sonar import SonarAnswer, SonarClient, entities_of
from clients.sonar_errors import IncompletePage, SonarFailed, SonarForbidden, SonarGraphqlError, SonarTimeout
from clients.sonar_purpose import Purpose, asked_for, asking
from clients.sonar_schema import SonarSchema
from producers import documents
from producers.descent import Descent
from producers.documents import Thin
from producers.followed import Followed
from producers.ids import Ids
from producers.sizes import PageSize
from schemas.aggregate import Collection

log = structlog.get_logger()

PAGE = 500
"""Thin rows asked for at a time."""
_TRIES = 5
_TOGETHER = 150
"""Collections in one request at most: Sonar counts requests, and clients are known to send up to 200 fields in one."""


class Changes:
    """Reads thin pages, all collections in one request as far as they go."""

    def __init__(self, client: SonarClient, collections: list[Followed], schema: SonarSchema) -> None:
        self._client = client
        self._looked_at, self._descended = PageSize(_TOGETHER), PageSize(_TOGETHER)
        self.follow(collections, schema)
        self.denied: set[str] = set()
        """Collections that the token may not read: nothing is known of what changes in them."""

    def follow(self, collections: list[Followed], schema: SonarSchema) -> None:
        """Look at these from now on."""
        self.collections, self.schema = collections, schema
        self._archive = {one.thin.collection for one in collections if one.thin.archived}

    async def since(
        self, low: Callable[[Followed], datetime], *, denied_too: bool
    ) -> AsyncIterator[tuple[Followed, list[dict[str, Any]]]]:
        """Rows of every followed collection changed at or after `low`, oldest first, each with its version.

        A page at a time, at least one of each that may be read; a page goes to all that follow its collection.
        `low`: by collection and aggregate; a collection that several follow is asked for since the earliest of theirs.
        Collections in `denied` are left out; with `denied_too` they are asked for again, each by itself, so that one
        that is still denied costs one request and not one for each of the others.
        """
        denied = sorted(self.denied) if denied_too else []
        readable = [one for one in self.collections if one.thin.collection not in self.denied]
        async for found in self._changed(readable, low, asked_for().purpose):
            yield found
        for name in denied:
            self.denied.discard(name)
            chosen = [one for one in self.collections if one.thin.collection == name]
            async for found in self._changed(chosen, low, "probe"):
                yield found
            if chosen and name not in self.denied:
                log.info("capture.collection_readable_again", collection=name)

    async def pages(self, one: Followed) -> AsyncIterator[list[dict[str, Any]]]:
        """Every row of one collection, thin, by id, a page at a time; none where the token may not read it."""
        last = 0
        while rows := await self.page(one, documents.after_id(last)):
            yield rows
            last = int(rows[-1]["id"])

    async def page(self, one: Followed, search: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """The first thin page of what `search` finds in one collection, by id; None: the token may not read it.

        Raises:
            IncompletePage: it stayed incomplete.
        """
        thins = [replace(one.thin, by_id=True)]
        tries = 0
        while True:
            answers = await self._together(thins, [search], [0])
            if not answers:
                return None
            try:
                return entities_of(answers[0], asked=PAGE, counted=thins[0].counted)
            except IncompletePage:
                tries += 1
                if tries == _TRIES:
                    raise

    async def these(self, wanted: Mapping[str, Sequence[int]]) -> dict[str, list[dict[str, Any]]]:
        """Thin rows of some ids, by followed collection, in one request. What the token may not read is left out.

        Raises:
            IncompletePage: an answer was.
        """
        thin_of, names = {one.thin.collection: one.thin for one in self.collections}, list(wanted)
        thins = [replace(thin_of[name], by_id=True) for name in names]
        searches = [documents.any_of(wanted[name]) for name in names]
        answers = await self._together(thins, searches, list(range(len(names))))
        return {
            names[place]: entities_of(answer, asked=PAGE, counted=thins[place].counted)
            for place, answer in answers.items()
        }

    async def _changed(
        self, chosen: list[Followed], low: Callable[[Followed], datetime], purpose: Purpose
    ) -> AsyncIterator[tuple[Followed, list[dict[str, Any]]]]:
        earliest: dict[Thin, datetime] = {}
        for one in chosen:
            earliest[one.thin] = min(low(one), earliest.get(one.thin, low(one)))
        thins, lows = list(earliest), list(earliest.values())
        places = {thin: place for place, thin in enumerate(thins)}
        followed: list[list[Followed]] = [[] for _ in thins]
        for one in chosen:
            followed[places[one.thin]].append(one)
        async for place, rows in self._read(thins, lows, purpose):
            for one in followed[place]:
                one.thin = thins[place]
                yield one, rows

    async def has_rows(self, root: Collection) -> bool:
        """Whether a collection shows any row at all."""
        document = documents.extent_document(root.name, archived=root.include_archived, counted=False)
        with asking("probe", root.name):
            connection = (await self._client.query(document, {})).data[root.name]
        return bool(entities_of(connection, asked=1, counted=False))

    def carriers(self, one: Followed, ids: Sequence[int]) -> Descent:
        """The way down to the roots that carry a look-up's rows; `ids` are those of the rows with which it begins."""
        look_up, root = one.look_up, one.aggregate.root
        assert look_up is not None
        descent = self.descent()
        for way in look_up.ways:
            descent.along(way, ids)
        if (look_up.column is not None or look_up.relations) and ids:
            thin = Thin(root.name, archived=root.include_archived, by_id=True)
            descent.over(thin, partial(documents.carrying, look_up.column, look_up.relations, ids))
        return descent

    def descent(self) -> Descent:
        """A way down that leads nowhere yet."""
        return Descent(self._archive)

    async def down(self, descents: Sequence[Descent], rows: int) -> list[list[int] | None]:
        """Ask the next question of each, all in one request, for at most so many rows; ids of the roots that it finds.

        None: the token may not read what is asked for.

        Raises:
            IncompletePage: an answer was; nothing of that descent has moved.
        """
        rows, asked = min(rows, PAGE), [one.question for one in descents]
        thins, searches = [one[0] for one in asked if one], [one[1] for one in asked if one]
        answers = await self._together(thins, searches, list(range(len(thins))), rows)
        found: list[list[int] | None] = []
        for place, one in enumerate(descents):
            if place not in answers:
                found.append(None)
                continue
            counted = thins[place].counted
            ids = [int(row["id"]) for row in entities_of(answers[place], asked=rows, counted=counted)]
            ended = not ids or (counted and answers[place]["page_info"]["total_count"] <= len(ids))
            found.append(one.take(thins[place], ids, ended=ended))
        return found

    async def bottom(self, descent: Descent) -> list[int]:
        """Ids of all roots that a way leads to, ascending.

        Raises:
            SonarForbidden: the token may not read a collection on the way.
        """
        found: set[int] = set()
        while (question := descent.question) is not None:
            (ids,) = await self.down([descent], PAGE)
            if ids is None:
                raise SonarForbidden(f"the token may not read {question[0].collection}")
            found.update(ids)
        return sorted(found)

    async def present(self, root: Collection, ids: Ids) -> list[int]:
        """Those of `ids` that Sonar has, ascending.

        Raises:
            SonarForbidden: the token may not read the collection.
        """
        descent = self.descent()
        for at in range(0, len(ids.ranges), _TOGETHER):
            thin = Thin(root.name, archived=root.include_archived, by_id=True)
            descent.over(thin, partial(_above, Ids(ids.ranges[at : at + _TOGETHER])))
        return await self.bottom(descent)

    async def logged_since(self, low: datetime) -> AsyncIterator[list[dict[str, Any]]]:
        """Pages of rows of the audit log that tell of deletes and of pivots, from `low` on.

        Raises:
            SonarGraphqlError: the token's role may not read the log.
            IncompletePage: a page stayed incomplete.
        """
        after, tries = None, 0
        while True:
            variables = {"search": documents.logged_since(low, after), "n": PAGE}
            connection = (await self._client.query(documents.log_document(), variables)).data["logs"]
            try:
                rows = entities_of(connection, asked=PAGE, counted=True)
            except IncompletePage:
                tries += 1
                if tries == _TRIES:
                    raise
                continue
            yield rows
            if connection["page_info"]["total_count"] <= len(rows):
                return
            after = rows[-1]["created_at"], int(rows[-1]["id"])

    async def _read(
        self, thins: list[Thin], lows: Sequence[datetime], purpose: Purpose
    ) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
        """All that changed since each one's `low`: `(place, page)`; `thins` tells where a collection cannot count."""
        searches = [documents.changed_since(low, None) for low in lows]
        open_ones = list(range(len(thins)))
        tries = 0
        while open_ones:
            try:
                with asking(purpose, thins[0].collection if purpose == "probe" else None):
                    answers = await self._together(thins, searches, open_ones)
                pages = {
                    place: entities_of(connection, asked=PAGE, counted=thins[place].counted)
                    for place, connection in answers.items()
                }
            except IncompletePage:
                tries += 1
                if tries == _TRIES:
                    raise
                continue
            # Whoever may not be read has no page: nothing is known of it, and nothing is asked again.
            open_ones = [place for place in open_ones if place in pages]
            purpose = "overlap" if purpose == "follow" else purpose
            for place, page in pages.items():
                counted = thins[place].counted
                if not page or (counted and answers[place]["page_info"]["total_count"] <= len(page)):
                    open_ones.remove(place)
                else:
                    after = page[-1]["updated_at"], int(page[-1]["id"])
                    beyond = documents.changed_since(lows[place], after)
                    if beyond == searches[place]:
                        # Such as from times that are finer than they are shown: it would go on for ever.
                        raise IncompletePage(f"{thins[place].collection} gives the same rows again and again")
                    searches[place] = beyond
                yield place, page

    async def _together(
        self, thins: list[Thin], searches: list[list[dict[str, Any]]], places: list[int], rows: int | None = None
    ) -> dict[int, Any]:
        """`{place: connection}`, without denied ones. By halves where one spoils it, or it takes too long."""
        size = self._looked_at if rows is None else self._descended
        if len(places) > size.rows:
            return await self._by_halves(thins, searches, places, rows)
        try:
            answer = await self._ask([thins[place] for place in places], [searches[place] for place in places], rows)
            size.bore(len(places))
            return {place: answer.data[f"c{at}"] for at, place in enumerate(places)}
        except (SonarTimeout, SonarFailed) as exc:
            if len(places) == 1:
                raise
            fewer = size.halve(len(places))
            log.warning("capture.fewer_together", collections=fewer, error=exc.code)
            return await self._by_halves(thins, searches, places, rows)
        except SonarGraphqlError as exc:
            if len(places) > 1:
                return await self._by_halves(thins, searches, places, rows)
            place = places[0]
            if isinstance(exc, SonarForbidden):
                collection = thins[place].collection
                if collection not in self.denied:
                    log.error("capture.collection_denied", collection=collection, next_step=exc.next_step)
                self.denied.add(collection)
                return {}
            if not (exc.about_counting and thins[place].counted):
                raise
            log.warning("capture.collection_cannot_count", collection=thins[place].collection)
            thins[place] = replace(thins[place], counted=False)
            return await self._together(thins, searches, places, rows)

    async def _by_halves(
        self, thins: list[Thin], searches: list[list[dict[str, Any]]], places: list[int], rows: int | None
    ) -> dict[int, Any]:
        middle = len(places) // 2
        first = await self._together(thins, searches, places[:middle], rows)
        return first | await self._together(thins, searches, places[middle:], rows)

    async def _ask(self, thins: list[Thin], searches: list[list[dict[str, Any]]], rows: int | None) -> SonarAnswer:
        variables: dict[str, Any] = {f"s{place}": search for place, search in enumerate(searches)}
        document = documents.thin_document(thins)
        # Of several fewer are asked for, and carriers are looked for again: the same at once would take as long.
        again = len(thins) == 1 and rows is None
        return await self._client.query(document, {**variables, "n": rows or PAGE}, again_after_timeout=again)


def _above(ids: Ids, last: int) -> list[dict[str, Any]]:
    return documents.within(ids.above(last).ranges)
