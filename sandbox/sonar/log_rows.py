"""The audit log in memory, as columns of numbers: of an ISP's rows most are its log's, and of those few are read."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from sandbox.sonar.ordering import IdSet, Pair
from sandbox.sonar.rows import BY_CHANGE, Row, Shape, Table
from sandbox.sonar.stamps import unique_id, version


class Entry(NamedTuple):
    """What a row of the log tells, beside its stamps.

    `current` and `previous`, the states after and before, are rows, and become text when somebody reads them.
    """

    type: str
    logged: tuple[str, int]
    loggable: tuple[str, int]
    user_id: int | None
    current: Row | str
    previous: Row | None
    relation_data: str | None = None


class LogRows(MutableMapping[int, Row]):
    """`{id: row}`, ascending. What `note` took is packed, and made a row whenever it is asked for.

    What comes in another way (shown again after it was held, or changed by a test) is kept as the row that it is.
    """

    def __init__(self, make: type[Row]) -> None:
        self._make = make
        self._ids, self._seconds, self._changes = array("q"), array("q"), array("q")
        self._logged, self._loggable, self._users = array("q"), array("q"), array("q")
        self._kinds = array("H")
        """Three to a row, as places in `_names`: what happened, and the types of what is logged and where."""
        self._names: list[str] = []
        self._codes: dict[str, int] = {}
        self._states: list[Row | str | None] = []
        """Two to a row: the state after, and the one before."""
        self._relations: dict[int, str] = {}
        self._gone: set[int] = set()
        """Ids of packed rows that were taken out."""
        self._odd: dict[int, Row] = {}

    def note(self, id: int, change: int, moment: datetime, entry: Entry) -> None:
        """Take an entry whose id is above all others."""
        self._ids.append(id)
        self._seconds.append(int(moment.timestamp()))
        self._changes.append(change)
        self._kinds.extend(map(self._code, (entry.type, entry.logged[0], entry.loggable[0])))
        self._logged.append(entry.logged[1])
        self._loggable.append(entry.loggable[1])
        self._users.append(entry.user_id or 0)
        self._states += (entry.current, entry.previous)
        if entry.relation_data is not None:
            self._relations[id] = entry.relation_data

    def instants(self, column: str) -> Iterator[Pair]:
        """When each was written or last changed, as the column says, and its id."""
        for seconds, id in zip(self._seconds, self._ids, strict=True):
            if id not in self._gone:
                yield datetime.fromtimestamp(seconds, UTC), id
        for id, row in self._odd.items():
            yield row[column], id

    def loggables(self) -> Iterator[tuple[object, int]]:
        """On whose page each is shown, as (type, id), and its id; ascending."""
        if self._odd or self._gone:
            return (((row["loggable_type"], row["loggable_id"]), id) for id, row in self.items())
        types = map(self._names.__getitem__, self._kinds[2::3])
        return zip(zip(types, self._loggable, strict=True), self._ids, strict=True)

    def __getitem__(self, id: int) -> Row:
        if id in self._odd:
            return self._odd[id]
        place = self._place(id)
        if place is None:
            raise KeyError(id)
        return self._row(place)

    def __setitem__(self, id: int, row: Row) -> None:
        if self._place(id) is not None:
            self._gone.add(id)
        self._odd[id] = row

    def __delitem__(self, id: int) -> None:
        if self._odd.pop(id, None) is None:
            if self._place(id) is None:
                raise KeyError(id)
            self._gone.add(id)

    def __contains__(self, id: object) -> bool:
        return id in self._odd or (isinstance(id, int) and self._place(id) is not None)

    def __iter__(self) -> Iterator[int]:
        there = (id for id in self._ids if id not in self._gone) if self._gone else iter(self._ids)
        return iter(sorted(chain(self._odd, there))) if self._odd else there

    def __reversed__(self) -> Iterator[int]:
        return reversed(list(self))

    def __len__(self) -> int:
        return len(self._ids) - len(self._gone) + len(self._odd)

    def _code(self, name: str) -> int:
        code = self._codes.get(name)
        if code is None:
            code = self._codes[name] = len(self._names)
            self._names.append(name)
        return code

    def _place(self, id: int) -> int | None:
        place = bisect_left(self._ids, id)
        return place if place < len(self._ids) and self._ids[place] == id and id not in self._gone else None

    def _row(self, place: int) -> Row:
        id, change = self._ids[place], self._changes[place]
        happened, logged, shown = (self._names[code] for code in self._kinds[3 * place : 3 * place + 3])
        current, previous = self._states[2 * place : 2 * place + 2]
        moment = datetime.fromtimestamp(self._seconds[place], UTC)
        values: dict[str, object] = {
            "id": id,
            "sonar_unique_id": unique_id(change),
            "created_at": moment,
            "updated_at": moment,
            "_version": version(change),
            "type": happened,
            "level": "INFO",
            "legacy": False,
            "logged_entity_type": logged,
            "logged_entity_id": self._logged[place],
            "loggable_type": shown,
            "loggable_id": self._loggable[place],
            "user_id": self._users[place] or None,
            "current": current,
            "previous": previous,
            "relation_data": self._relations.get(id),
        }
        row = self._make()
        for name in self._make.COLUMNS:
            setattr(row, name, values.get(name))
        return row


class LogTable(Table):
    """The table of the log."""

    def __init__(self, shape: Shape, enums: Mapping[str, Mapping[str, str | None]]) -> None:
        super().__init__(shape, enums)
        self.rows = self._packed = LogRows(self.make)
        self.view = MappingProxyType(self.rows)
        # By the page on which they are shown rows are found from when somebody first asks: hardly anybody does.
        self.pointing = {}

    def write(self, change: int, moment: datetime, entry: Entry) -> None:
        """Add a row, visible from now on."""
        id = self.next_id
        self.next_id += 1
        self._packed.note(id, change, moment, entry)
        for column, order in self.orders.items():
            order.add(id if column == "id" else moment, id)
        for index in self.pointing.values():
            index.setdefault(entry.loggable, IdSet()).add(id)

    def point(self, via: str) -> dict[object, IdSet]:
        """What rows point to, from now on maintained."""
        assert via == "loggable", "nothing else leads to a row of the log"
        index = self.pointing[via] = {}
        for key, id in self._packed.loggables():
            index.setdefault(key, IdSet()).ids.append(id)
        return index

    def _pairs(self, column: str) -> Iterable[Pair]:
        if column == "id":
            return ((id, id) for id in self._packed)
        pairs = self._packed.instants(column)
        return pairs if column != BY_CHANGE else (pair for pair in pairs if pair[1] not in self.lagging)
