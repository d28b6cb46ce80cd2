"""What has changed in Sonar since an instant: thin pages of every followed collection, and the audit log."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import structlog

from clients.sonar import SonarAnswer, SonarClient, entities_of
from clients.sonar_errors import (
    UNSERVED,
    IncompletePage,
    SonarFailed,
    SonarForbidden,
    SonarGraphqlError,
    SonarLimited,
    SonarQueryInvalid,
    SonarTimeout,
    SonarUnreachable,
)
from clients.sonar_purpose import Purpose, asked_for, asking
from clients.sonar_schema import SonarSchema
from plumbing import metrics
from plumbing.errors import SyncError
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
_TRIES, _PAUSE_SECONDS = 5, 0.2
_FEW_ATTEMPTS = 2
"""At what has failed together with others, or once."""
_WITNESSES = 3
"""Other collections of which a row is asked for, where one fails: none of them, and it is Sonar that fails."""
_TOGETHER = 150
"""Collections in one request at most: Sonar counts requests, and clients are known to send up to 200 fields in one."""


class _Answer(NamedTuple):
    """A collection's connection, of which so many rows were asked for."""

    connection: Any
    asked: int

    def rows(self, *, counted: bool) -> list[dict[str, Any]]:
        """Raises IncompletePage."""
        return entities_of(self.connection, asked=self.asked, counted=counted)

    def is_last(self, rows: Sequence[Any], *, counted: bool) -> bool:
        """Whether nothing follows; where nobody counts an empty page tells."""
        return not rows or (counted and self.connection["page_info"]["total_count"] <= len(rows))


_Answers = dict[int, _Answer | SyncError]
"""By place the answer, or why there is none."""


class Changes:
    """Reads thin pages, all collections in one request as far as they go."""

    def __init__(self, client: SonarClient, collections: list[Followed], schema: SonarSchema) -> None:
        self._client = client
        self._looked_at, self._descended = PageSize(_TOGETHER), PageSize(_TOGETHER)
        self._sizes: dict[str, PageSize] = {}
        """Of collections of which a whole page was too much."""
        self.follow(collections, schema)
        self.standing: dict[str, str] = {}
        """`{collection: code}` of those that the token may not read, or Sonar cannot serve though it serves others:
        nothing is known of what changes in them."""

    def follow(self, collections: list[Followed], schema: SonarSchema) -> None:
        """Look at these from now on."""
        self.collections, self.schema = collections, schema
        self._archive = {one.thin.collection for one in collections if one.thin.archived}

    async def since(
        self, low: Callable[[Followed], datetime], *, standing_too: bool
    ) -> AsyncIterator[tuple[Followed, list[dict[str, Any]]]]:
        """Rows of every followed collection changed at or after `low`, oldest first, each with its version.

        A page at a time, at least one of each that may be read; a page goes to all that follow its collection.
        `low`: by collection and aggregate; a collection that several follow is asked for since the earliest of theirs.
        Collections that stand still are left out; with `standing_too` they are asked for again, each by itself, so that
        one that still does costs one request and not one for each of the others.
        """
        standing = sorted(self.standing) if standing_too else []
        readable = [one for one in self.collections if one.thin.collection not in self.standing]
        async for found in self._changed(readable, low, asked_for().purpose):
            yield found
        for name in standing:
            chosen = [one for one in self.collections if one.thin.collection == name]
            if not chosen:
                del self.standing[name]
            async for found in self._changed(chosen, low, "probe"):
                if self.standing.pop(name, None) is not None:
                    log.info("capture.collection_readable_again", collection=name)
                yield found

    def size(self, one: Followed) -> int:
        """Thin rows of a collection for which a request asks now."""
        return self._size(one.thin.collection).rows

    async def pages(self, one: Followed) -> AsyncIterator[list[dict[str, Any]]]:
        """Every row of one collection, thin, by id, a page at a time; none where the token may not read it.

        Raises:
            SonarGraphqlError, SonarTimeout, SonarFailed, IncompletePage: Sonar does not serve it.
        """
        last, tries = 0, 0
        while True:
            rows: list[dict[str, Any]] | SyncError
            try:
                rows = await self._page(one, documents.after_id(last), None)
            except SonarQueryInvalid:
                raise
            except UNSERVED as exc:
                rows = exc
            if isinstance(rows, SonarForbidden):
                self._stand(one.thin, rows)
                return
            if isinstance(rows, SyncError):
                tries += 1
                if tries == _TRIES:
                    raise rows
                # All of it would have to be listed again.
                await asyncio.sleep(_PAUSE_SECONDS * 2**tries)
                continue
            tries = 0
            if not rows:
                return
            yield rows
            last = int(rows[-1]["id"])

    async def page(
        self, one: Followed, search: list[dict[str, Any]], rows: int | None = None
    ) -> list[dict[str, Any]] | None:
        """The first thin page of what `search` finds in a collection, by id; None: it cannot be read.

        `rows`: to ask for, where fewer would be taken for all; else as many as Sonar bears. A collection that cannot be
        read stands still, unless fewer `rows` may be had.
        """
        found = await self._page(one, search, rows)
        if not isinstance(found, SyncError):
            return found
        if rows in (None, 1) or not isinstance(found, SonarTimeout | SonarFailed):
            self._stand(one.thin, found)
        return None

    async def _page(
        self, one: Followed, search: list[dict[str, Any]], rows: int | None
    ) -> list[dict[str, Any]] | SyncError:
        thins = [replace(one.thin, by_id=True)]
        for _ in range(_TRIES):
            answer = (await self._together(thins, [search], [0], rows))[0]
            found = self._rows(thins[0], answer)
            if not isinstance(found, IncompletePage):
                break
        return found

    async def these(self, wanted: Mapping[str, Sequence[int]]) -> dict[str, list[dict[str, Any]]]:
        """Thin rows of some ids, by followed collection, in one request. What cannot be read is left out."""
        thin_of, names = {one.thin.collection: one.thin for one in self.collections}, list(wanted)
        thins = [replace(thin_of[name], by_id=True) for name in names]
        searches = [documents.any_of(wanted[name]) for name in names]
        most = max(map(len, wanted.values()), default=1)
        found = {}
        for place, answer in (await self._together(thins, searches, list(range(len(names))), most)).items():
            rows = self._rows(thins[place], answer)
            if isinstance(rows, SyncError):
                log.warning("capture.rows_not_looked_up", collection=names[place], error=rows.code)
            else:
                found[names[place]] = rows
        return found

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
            connection = (await self._query(document, {}, _FEW_ATTEMPTS)).data[root.name]
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

    async def down(self, descents: Sequence[Descent], rows: int) -> list[list[int] | SyncError]:
        """Ask the next question of each, all in one request, for at most so many rows.

        Of each the ids of the roots that it finds, or why they cannot be had: nothing of it has moved then.
        """
        rows, asked = min(rows, PAGE), [one.question for one in descents]
        thins, searches = [one[0] for one in asked if one], [one[1] for one in asked if one]
        answers = await self._together(thins, searches, list(range(len(thins))), rows)
        found: list[list[int] | SyncError] = []
        for place, one in enumerate(descents):
            answer, counted = answers[place], thins[place].counted
            shown = self._rows(thins[place], answer)
            if isinstance(answer, _Answer) and not isinstance(shown, SyncError):
                ids = [int(row["id"]) for row in shown]
                found.append(one.take(thins[place], ids, ended=answer.is_last(ids, counted=counted)))
                continue
            assert isinstance(shown, SyncError)
            if isinstance(shown, SonarForbidden):
                self._stand(thins[place], shown)
            found.append(shown)
        return found

    async def bottom(self, descent: Descent) -> list[int]:
        """Ids of all roots that a way leads to, ascending.

        Raises:
            SyncError: a collection on the way cannot be read: the token may not, or Sonar cannot serve it.
        """
        found: set[int] = set()
        while descent.question is not None:
            (ids,) = await self.down([descent], PAGE)
            if isinstance(ids, SyncError):
                raise ids
            found.update(ids)
        return sorted(found)

    async def present(self, root: Collection, ids: Ids) -> list[int]:
        """Those of `ids` that Sonar has, ascending.

        Raises:
            SyncError: the token may not read the collection, or Sonar cannot serve it.
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
            SonarTimeout, SonarFailed: not even one of its rows can be had.
            IncompletePage: a page stayed incomplete.
        """
        after, tries = None, 0
        while True:
            size = self._size("logs")
            asked = size.rows
            variables = {"search": documents.logged_since(low, after), "n": asked}
            try:
                answer = await self._client.query(documents.log_document(), variables, again_after_timeout=asked == 1)
                connection = answer.data["logs"]
                rows = entities_of(connection, asked=asked, counted=True)
            except (SonarTimeout, SonarFailed) as exc:
                if asked == 1:
                    raise
                self._halve("logs", size, asked, exc)
                continue
            except IncompletePage:
                tries += 1
                if tries == _TRIES:
                    raise
                continue
            self._bore("logs", size, asked)
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
        tries = Counter[int]()
        while open_ones:
            with asking(purpose, thins[0].collection if purpose == "probe" else None):
                answers = await self._together(thins, searches, open_ones)
            purpose = "overlap" if purpose == "follow" else purpose
            pages, lost = dict[int, list[dict[str, Any]]](), dict[int, SyncError]()
            for place, answer in answers.items():
                rows = self._rows(thins[place], answer)
                tries[place] += isinstance(rows, IncompletePage)
                if not isinstance(rows, SyncError):
                    pages[place] = rows
                elif not isinstance(rows, IncompletePage) or tries[place] == _TRIES:
                    lost[place] = rows
            for place, error in lost.items():
                self._stand(thins[place], error)
                open_ones.remove(place)
            for place, page in pages.items():
                answer = answers[place]
                assert isinstance(answer, _Answer)
                if answer.is_last(page, counted=thins[place].counted):
                    open_ones.remove(place)
                else:
                    after = page[-1]["updated_at"], int(page[-1]["id"])
                    beyond = documents.changed_since(lows[place], after)
                    if beyond == searches[place]:
                        # Such as from times that are finer than they are shown: it would go on for ever.
                        self._stand(thins[place], IncompletePage("the same rows are given again and again"))
                        open_ones.remove(place)
                        continue  # it is the page before
                    searches[place] = beyond
                yield place, page

    def _rows(self, thin: Thin, answer: _Answer | SyncError) -> list[dict[str, Any]] | SyncError:
        """The rows of an answer, or why there are none."""
        try:
            return answer if isinstance(answer, SyncError) else answer.rows(counted=thin.counted)
        except IncompletePage as exc:
            return exc

    def _stand(self, thin: Thin, error: SyncError) -> None:
        if self.standing.get(thin.collection) != error.code:
            metrics.ERRORS.labels("capture", error.code).inc()
            log.error(
                "capture.collection_stands_still",
                collection=thin.collection, error=error.code, reason=str(error), next_step=error.next_step,
            )  # fmt: skip
        self.standing[thin.collection] = error.code

    def _size(self, collection: str) -> PageSize:
        return self._sizes.get(collection) or PageSize(PAGE)

    def _halve(self, collection: str, size: PageSize, asked: int, exc: SyncError) -> None:
        self._sizes[collection] = size
        log.warning("capture.fewer_rows", collection=collection, rows=size.halve(asked), error=exc.code)

    def _bore(self, collection: str, size: PageSize, asked: int) -> None:
        size.bore(asked)
        if size.rows == size.largest:
            self._sizes.pop(collection, None)

    async def _together(
        self,
        thins: list[Thin],
        searches: list[list[dict[str, Any]]],
        places: list[int],
        rows: int | None = None,
        attempts: int | None = None,
    ) -> _Answers:
        """By halves where one spoils it, or it takes too long. `rows`: of each; else as many as Sonar bears.

        `attempts`: at those of which some have failed together already.
        """
        size = self._looked_at if rows is None else self._descended
        if len(places) == 1:
            alone = await self._alone(thins, searches[places[0]], places[0], rows)
            if isinstance(alone, _Answer):
                size.bore(1)
            return {places[0]: alone}
        slow = [place for place in places if rows is None and thins[place].collection in self._sizes]
        if slow:
            quick = [place for place in places if place not in slow]
            found = await self._together(thins, searches, quick, None, attempts) if quick else {}
            return found | {place: await self._alone(thins, searches[place], place, None) for place in slow}
        if len(places) > size.rows:
            return await self._by_halves(thins, searches, places, rows, attempts)
        asked = rows or PAGE
        try:
            answer = await self._ask(
                [thins[place] for place in places], [searches[place] for place in places], asked, attempts
            )
        except SonarQueryInvalid:
            raise
        except (SonarTimeout, SonarFailed) as exc:
            fewer = size.halve(len(places))
            log.warning("capture.fewer_together", collections=fewer, error=exc.code)
            return await self._by_halves(thins, searches, places, rows, _FEW_ATTEMPTS)
        except SonarGraphqlError:
            return await self._by_halves(thins, searches, places, rows, _FEW_ATTEMPTS)
        size.bore(len(places))
        return {place: _Answer(answer.data[f"c{at}"], asked) for at, place in enumerate(places)}

    async def _by_halves(
        self,
        thins: list[Thin],
        searches: list[list[dict[str, Any]]],
        places: list[int],
        rows: int | None,
        attempts: int | None,
    ) -> _Answers:
        middle = len(places) // 2
        first = await self._together(thins, searches, places[:middle], rows, attempts)
        return first | await self._together(thins, searches, places[middle:], rows, attempts)

    async def _alone(
        self, thins: list[Thin], search: list[dict[str, Any]], place: int, rows: int | None
    ) -> _Answer | SyncError:
        """One by itself, or why it cannot be had though Sonar serves others. Raises that where it serves none."""
        collection, size = thins[place].collection, self._size(thins[place].collection)
        asked = rows or size.rows
        answer = await self._once(thins, search, place, asked, 1)
        if isinstance(answer, _Answer):
            if rows is None:
                self._bore(collection, size, asked)
            return answer
        if isinstance(answer, SonarForbidden):
            return answer
        stands = collection in self.standing
        if not (stands or await self.is_there(collection)):
            raise answer
        if rows is None and asked > 1 and isinstance(answer, SonarTimeout | SonarFailed):
            one = await self._once(thins, search, place, 1, 1)
            if isinstance(one, _Answer):  # it was too much
                self._halve(collection, size, asked, answer)
                return await self._alone(thins, search, place, None)
        elif not stands:
            again = await self._once(thins, search, place, asked, _FEW_ATTEMPTS)
            if isinstance(again, _Answer):
                return again
        return answer

    async def is_there(self, but: str) -> bool:
        """Whether Sonar gives a row of anything but one collection just now."""
        names = {one.thin.collection: one.thin.archived for one in self.collections}
        others = [name for name in names if name != but and name not in self.standing]
        if not others:
            return True  # nobody is left to ask
        for name in others[:: max(1, len(others) // _WITNESSES)][:_WITNESSES]:
            document = documents.thin_document([Thin(name, archived=names[name], by_id=True, counted=False)])
            try:
                with asking("probe", name):
                    await self._query(document, {"s0": documents.after_id(0), "n": 1}, 1)
            except SonarQueryInvalid:
                raise
            except UNSERVED:
                continue
            return True
        return False

    async def _once(
        self, thins: list[Thin], search: list[dict[str, Any]], place: int, rows: int, attempts: int
    ) -> _Answer | SyncError:
        thin = thins[place]
        try:
            answer = await self._ask([thin], [search], rows, attempts)
        except SonarQueryInvalid:
            raise
        except (SonarTimeout, SonarFailed) as exc:
            return exc
        except SonarGraphqlError as exc:
            if not (exc.about_counting and thin.counted):
                return exc
            log.warning("capture.collection_cannot_count", collection=thin.collection)
            thins[place] = replace(thin, counted=False)
            return await self._once(thins, search, place, rows, attempts)
        return _Answer(answer.data["c0"], rows)

    async def _ask(
        self, thins: list[Thin], searches: list[list[dict[str, Any]]], rows: int, attempts: int | None
    ) -> SonarAnswer:
        variables: dict[str, Any] = {f"s{place}": search for place, search in enumerate(searches)}
        document = documents.thin_document(thins)
        return await self._query(document, {**variables, "n": rows}, attempts)

    async def _query(self, document: str, variables: dict[str, Any], attempts: int | None) -> SonarAnswer:
        """`attempts`: at what may concern this alone. A line that breaks, or a limit, is waited for as ever."""
        # Less can be asked for, or others: the same at once would take as long, and says nothing of Sonar as a whole.
        try:
            return await self._client.query(document, variables, attempts=attempts, again_after_timeout=False)
        except (SonarLimited, SonarUnreachable) as exc:
            if attempts is None or isinstance(exc, UNSERVED):
                raise
        return await self._client.query(document, variables, again_after_timeout=False)


def _above(ids: Ids, last: int) -> list[dict[str, Any]]:
    return documents.within(ids.above(last).ranges)
