"""Thin pages of several collections, asked for in one request as far as Sonar bears it, else in smaller parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import structlog

from clients.sonar import SonarAnswer, SonarClient, entities_of
from clients.sonar_errors import (
    UNSERVED,
    IncompletePage,
    SonarFailed,
    SonarForbidden,
    SonarGraphqlError,
    SonarQueryInvalid,
    SonarTimeout,
)
from clients.sonar_purpose import asking
from plumbing.errors import SyncError
from producers import documents, patience
from producers.documents import Thin
from producers.followed import Followed
from producers.patience import FEW_ATTEMPTS
from producers.sizes import PageSize
from schemas.aggregate import Collection

log = structlog.get_logger()

PAGE = 500
"""Thin rows asked for at a time."""
_WITNESSES = 3
"""Other collections of which a row is asked for, where one fails: none of them, and it is Sonar that fails."""
_TOGETHER = 150
"""Collections in one request at most: Sonar counts requests, and clients are known to send up to 200 fields in one."""

Rows = list[dict[str, Any]]
K = TypeVar("K")


class Question(NamedTuple):
    """What is to be had of one collection."""

    thin: Thin
    search: list[dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What there is to one question."""

    thin: Thin
    """As it was asked in the end, perhaps without a count."""
    rows: Rows | SyncError
    """Or why there are none; IncompletePage: they are not whole."""
    is_last: bool = False
    """Whether nothing follows; where nobody counts an empty page tells."""

    @property
    def unserved(self) -> SyncError | None:
        """Why Sonar gave nothing. What is not whole it gave."""
        return self.rows if isinstance(self.rows, SyncError) and not isinstance(self.rows, IncompletePage) else None


class ThinPages:
    """Asks for them. What spoils a request, or makes it too slow, is found by halves, and told of as its answer."""

    def __init__(self, client: SonarClient, standing: Mapping[str, str]) -> None:
        """`standing`: kept by the caller, the collections of which it is known that they cannot be had."""
        self._client, self._standing = client, standing
        self._witnesses: dict[str, Thin] = {}
        self._looked_at, self._descended = PageSize(_TOGETHER), PageSize(_TOGETHER)
        self._sizes: dict[str, PageSize] = {}
        """Of collections of which a whole page was too much."""

    def follow(self, collections: Sequence[Followed]) -> None:
        """These tell from now on whether Sonar serves anything."""
        thins = [one.thin for one in collections]
        self._witnesses = {
            one.collection: Thin(one.collection, archived=one.archived, by_id=True, counted=False) for one in thins
        }

    async def together(self, asked: Mapping[K, Question], rows: int | None = None) -> dict[K, Answer]:
        """Each one's answer. `rows`: to ask for of each; else as many as Sonar bears.

        Raises:
            SyncError: Sonar serves nothing at all just now.
        """
        return await self._together(dict(asked), rows, None)

    async def alone(self, question: Question, rows: int | None = None) -> Answer:
        """As `together`, of one."""
        answer = await self._alone(question, rows)
        if answer.unserved is None:
            self._most(rows).bore(1)
        return answer

    async def has_rows(self, root: Collection) -> bool:
        """Whether a collection shows any row at all."""
        document = documents.extent_document(root.name, archived=root.include_archived, counted=False)
        with asking("probe", root.name):
            connection = (await patience.ask(self._client, document, {}, FEW_ATTEMPTS)).data[root.name]
        return bool(entities_of(connection, asked=1, counted=False))

    async def is_there(self, but: str) -> bool:
        """Whether Sonar gives a row of anything but one collection just now."""
        others = [name for name in self._witnesses if name != but and name not in self._standing]
        if not others:
            return True  # nobody is left to ask
        for name in others[:: max(1, len(others) // _WITNESSES)][:_WITNESSES]:
            try:
                with asking("probe", name):
                    await self._ask([Question(self._witnesses[name], documents.after_id(0))], 1, 1)
            except SonarQueryInvalid:
                raise
            except UNSERVED:
                continue
            return True
        return False

    async def _together(self, asked: dict[K, Question], rows: int | None, attempts: int | None) -> dict[K, Answer]:
        """`attempts`: at those of which some have failed together already."""
        if len(asked) == 1:
            return {key: await self.alone(question, rows) for key, question in asked.items()}
        slow = {key: one for key, one in asked.items() if rows is None and one.thin.collection in self._sizes}
        if slow:
            quick = {key: one for key, one in asked.items() if key not in slow}
            found = await self._together(quick, None, attempts) if quick else {}
            return found | {key: await self._alone(one, None) for key, one in slow.items()}
        size = self._most(rows)
        if len(asked) > size.rows:
            return await self._by_halves(asked, rows, attempts)
        try:
            answer = await self._ask(list(asked.values()), rows or PAGE, attempts)
        except SonarQueryInvalid:
            raise
        except (SonarTimeout, SonarFailed) as exc:
            fewer = size.halve(len(asked))
            log.warning("capture.fewer_together", collections=fewer, error=exc.code)
            return await self._by_halves(asked, rows, FEW_ATTEMPTS)
        except SonarGraphqlError:
            return await self._by_halves(asked, rows, FEW_ATTEMPTS)
        size.bore(len(asked))
        return {
            key: _shown(one.thin, answer.data[f"c{at}"], rows or PAGE) for at, (key, one) in enumerate(asked.items())
        }

    async def _by_halves(self, asked: dict[K, Question], rows: int | None, attempts: int | None) -> dict[K, Answer]:
        middle = len(asked) // 2
        first = await self._together(dict(islice(asked.items(), middle)), rows, attempts)
        return first | await self._together(dict(islice(asked.items(), middle, None)), rows, attempts)

    async def _alone(self, question: Question, rows: int | None) -> Answer:
        """One by itself, or why it cannot be had though Sonar serves others. Raises that where it serves none."""
        collection = question.thin.collection
        size = self._sizes.get(collection) or PageSize(PAGE)
        asked = rows or size.rows
        answer = await self._once(question, asked, 1)
        error = answer.unserved
        if error is None:
            if rows is None:
                self._bore(collection, size, asked)
            return answer
        if isinstance(error, SonarForbidden):
            return answer
        stands = collection in self._standing
        if not (stands or await self.is_there(collection)):
            raise error
        question = question._replace(thin=answer.thin)
        if rows is None and asked > 1 and isinstance(error, SonarTimeout | SonarFailed):
            least = await self._once(question, 1, 1)
            if least.unserved is None:  # it was too much
                self._sizes[collection] = size
                log.warning("capture.fewer_rows", collection=collection, rows=size.halve(asked), error=error.code)
                return await self._alone(question._replace(thin=least.thin), None)
        elif not stands:
            again = await self._once(question, asked, FEW_ATTEMPTS)
            if again.unserved is None:
                return again
        return answer

    async def _once(self, question: Question, rows: int, attempts: int) -> Answer:
        thin = question.thin
        try:
            answer = await self._ask([question], rows, attempts)
        except SonarQueryInvalid:
            raise
        except (SonarTimeout, SonarFailed) as exc:
            return Answer(thin, exc)
        except SonarGraphqlError as exc:
            if not (exc.about_counting and thin.counted):
                return Answer(thin, exc)
            log.warning("capture.collection_cannot_count", collection=thin.collection)
            return await self._once(question._replace(thin=replace(thin, counted=False)), rows, attempts)
        return _shown(thin, answer.data["c0"], rows)

    async def _ask(self, asked: Sequence[Question], rows: int, attempts: int | None) -> SonarAnswer:
        variables: dict[str, Any] = {f"s{place}": one.search for place, one in enumerate(asked)}
        document = documents.thin_document([one.thin for one in asked])
        return await patience.ask(self._client, document, {**variables, "n": rows}, attempts)

    def _most(self, rows: int | None) -> PageSize:
        """How many collections one request takes."""
        return self._looked_at if rows is None else self._descended

    def _bore(self, collection: str, size: PageSize, asked: int) -> None:
        size.bore(asked)
        if size.rows == size.largest:
            self._sizes.pop(collection, None)


def _shown(thin: Thin, connection: Any, asked: int) -> Answer:
    try:
        rows = entities_of(connection, asked=asked, counted=thin.counted)
    except IncompletePage as exc:
        return Answer(thin, exc)
    return Answer(thin, rows, not rows or (thin.counted and connection["page_info"]["total_count"] <= len(rows)))
