"""What has changed in Sonar since an instant: thin pages of every followed collection, and the audit log."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from clients.sonar import SonarClient, entities_of
from clients.sonar_errors import UNSERVED, IncompletePage, SonarFailed, SonarForbidden, SonarQueryInvalid, SonarTimeout
from clients.sonar_purpose import Purpose, asked_for, asking
from clients.sonar_schema import SonarSchema
from plumbing import metrics
from plumbing.errors import SyncError
from producers import documents, thin_pages
from producers.descent import Descent, Search
from producers.documents import Thin
from producers.followed import Followed
from producers.ids import Ids
from producers.sizes import PageSize
from producers.thin_pages import Question, Rows, ThinPages
from schemas.aggregate import Collection

log = structlog.get_logger()

_TRIES, _PAUSE_SECONDS = 5, 0.2
_RANGES_TOGETHER = 150
"""In one search."""


class Changes:
    """Looks for them in thin pages, of all collections in one request as far as they go."""

    def __init__(self, client: SonarClient, collections: list[Followed], schema: SonarSchema) -> None:
        self._client = client
        self.standing: dict[str, str] = {}
        """`{collection: code}` of those that the token may not read, or Sonar cannot serve though it serves others:
        nothing is known of what changes in them."""
        self._pages = ThinPages(client, self.standing)
        self._log_size = PageSize(thin_pages.PAGE)
        self.follow(collections, schema)

    def follow(self, collections: list[Followed], schema: SonarSchema) -> None:
        """Look at these from now on."""
        self.collections, self.schema = collections, schema
        self._pages.follow(collections)
        self._archive = {one.thin.collection for one in collections if one.thin.archived}

    async def since(
        self, low: Callable[[Followed], datetime], *, standing_too: bool
    ) -> AsyncIterator[tuple[Followed, Rows]]:
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

    async def pages(self, one: Followed) -> AsyncIterator[Rows]:
        """Every row of one collection, thin, by id, a page at a time; none where the token may not read it.

        Raises:
            SonarGraphqlError, SonarTimeout, SonarFailed, IncompletePage: Sonar does not serve it.
        """
        last, tries = 0, 0
        while True:
            rows: Rows | SyncError
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

    async def page(self, one: Followed, search: Search, rows: int | None = None) -> Rows | None:
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

    async def _page(self, one: Followed, search: Search, rows: int | None) -> Rows | SyncError:
        question = Question(replace(one.thin, by_id=True), search)
        for _ in range(_TRIES):
            answer = await self._pages.alone(question, rows)
            if not isinstance(answer.rows, IncompletePage):
                break
            question = question._replace(thin=answer.thin)
        return answer.rows

    async def these(self, wanted: Mapping[str, Sequence[int]]) -> dict[str, Rows]:
        """Thin rows of some ids, by followed collection, in one request. What cannot be read is left out."""
        thin_of = {one.thin.collection: replace(one.thin, by_id=True) for one in self.collections}
        asked = {name: Question(thin_of[name], documents.any_of(ids)) for name, ids in wanted.items()}
        found = {}
        for name, answer in (await self._pages.together(asked, max(map(len, wanted.values()), default=1))).items():
            if isinstance(answer.rows, SyncError):
                log.warning("capture.rows_not_looked_up", collection=name, error=answer.rows.code)
            else:
                found[name] = answer.rows
        return found

    async def _changed(
        self, chosen: list[Followed], low: Callable[[Followed], datetime], purpose: Purpose
    ) -> AsyncIterator[tuple[Followed, Rows]]:
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
        return await self._pages.has_rows(root)

    async def is_there(self, but: str) -> bool:
        """Whether Sonar gives a row of anything but one collection just now."""
        return await self._pages.is_there(but)

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
        asked = {at: Question(*question) for at, one in enumerate(descents) if (question := one.question)}
        answers = await self._pages.together(asked, min(rows, thin_pages.PAGE))
        found: list[list[int] | SyncError] = []
        for place, one in enumerate(descents):
            answer = answers[place]
            if isinstance(answer.rows, SyncError):
                if isinstance(answer.rows, SonarForbidden):
                    self._stand(answer.thin, answer.rows)
                found.append(answer.rows)
            else:
                found.append(one.take(answer.thin, [int(row["id"]) for row in answer.rows], ended=answer.is_last))
        return found

    async def bottom(self, descent: Descent) -> list[int]:
        """Ids of all roots that a way leads to, ascending.

        Raises:
            SyncError: a collection on the way cannot be read: the token may not, or Sonar cannot serve it.
        """
        found: set[int] = set()
        while descent.question is not None:
            (ids,) = await self.down([descent], thin_pages.PAGE)
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
        for at in range(0, len(ids.ranges), _RANGES_TOGETHER):
            thin = Thin(root.name, archived=root.include_archived, by_id=True)
            descent.over(thin, partial(_above, Ids(ids.ranges[at : at + _RANGES_TOGETHER])))
        return await self.bottom(descent)

    async def logged_since(self, low: datetime) -> AsyncIterator[Rows]:
        """Pages of rows of the audit log that tell of deletes and of pivots, from `low` on.

        Raises:
            SonarGraphqlError: the token's role may not read the log.
            SonarTimeout, SonarFailed: not even one of its rows can be had.
            IncompletePage: a page stayed incomplete.
        """
        after, tries = None, 0
        while True:
            asked = self._log_size.rows
            variables = {"search": documents.logged_since(low, after), "n": asked}
            try:
                answer = await self._client.query(documents.log_document(), variables, again_after_timeout=asked == 1)
                connection = answer.data["logs"]
                rows = entities_of(connection, asked=asked, counted=True)
            except (SonarTimeout, SonarFailed) as exc:
                if asked == 1:
                    raise
                log.warning("capture.fewer_rows", collection="logs", rows=self._log_size.halve(asked), error=exc.code)
                continue
            except IncompletePage:
                tries += 1
                if tries == _TRIES:
                    raise
                continue
            self._log_size.bore(asked)
            yield rows
            if connection["page_info"]["total_count"] <= len(rows):
                return
            after = rows[-1]["created_at"], int(rows[-1]["id"])

    async def _read(
        self, thins: list[Thin], lows: Sequence[datetime], purpose: Purpose
    ) -> AsyncIterator[tuple[int, Rows]]:
        """All that changed since each one's `low`: `(place, page)`; `thins` tells where a collection cannot count."""
        questions = {
            place: Question(thin, documents.changed_since(low, None))
            for place, (thin, low) in enumerate(zip(thins, lows, strict=True))
        }
        tries = Counter[int]()
        while questions:
            with asking(purpose, thins[0].collection if purpose == "probe" else None):
                answers = await self._pages.together(questions)
            purpose = "overlap" if purpose == "follow" else purpose
            pages, lost = dict[int, Rows](), dict[int, SyncError]()
            for place, answer in answers.items():
                thins[place], rows = answer.thin, answer.rows
                questions[place] = questions[place]._replace(thin=answer.thin)
                tries[place] += isinstance(rows, IncompletePage)
                if not isinstance(rows, SyncError):
                    pages[place] = rows
                elif not isinstance(rows, IncompletePage) or tries[place] == _TRIES:
                    lost[place] = rows
            for place, error in lost.items():
                self._stand(thins[place], error)
                del questions[place]
            for place, page in pages.items():
                if answers[place].is_last:
                    del questions[place]
                else:
                    after = page[-1]["updated_at"], int(page[-1]["id"])
                    beyond = documents.changed_since(lows[place], after)
                    if beyond == questions[place].search:
                        # Such as from times that are finer than they are shown: it would go on for ever.
                        self._stand(thins[place], IncompletePage("the same rows are given again and again"))
                        del questions[place]
                        continue  # it is the page before
                    questions[place] = questions[place]._replace(search=beyond)
                yield place, page

    def _stand(self, thin: Thin, error: SyncError) -> None:
        if self.standing.get(thin.collection) != error.code:
            metrics.ERRORS.labels("capture", error.code).inc()
            log.error(
                "capture.collection_stands_still",
                collection=thin.collection, error=error.code, reason=str(error), next_step=error.next_step,
            )  # fmt: skip
        self.standing[thin.collection] = error.code


def _above(ids: Ids, last: int) -> Search:
    return documents.within(ids.above(last).ranges)
