"""What may happen in a Sonar: operations on a small town, and since when each root looks as it does."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.faults.capture_town import Town
from tests.unit.producers.folding import expected
from tests.unit.producers.scene import AGGREGATES

Key = tuple[str, int]
NEVER = datetime.max.replace(tzinfo=UTC)
NAMES = {
    "Account": "name",
    "Contact": "name",
    "PhoneNumber": "number",
    "Payment": "amount",
    "RadiusAccount": "username",
    "IpAssignment": "reference",
    "Note": "message",
}
"""A column of each type that anything may be written into."""


OWNED = {
    "Contact": "contactable_id",
    "Payment": "account_id",
    "RadiusAccount": "account_id",
    "Note": "noteable_id",
}
"""The column that names the account of a row."""
OVERLAP = 10
"""Seconds, the least that capture's looks overlap by."""


class Late(NamedTuple):
    """A change that is committed at `due` and carries the time `at`: a held new row, or (`write`) an update."""

    due: datetime
    at: datetime
    type_name: str
    id: int
    write: bool


class Source:
    """A town's Sonar under operations. Its clock is the one that Sonar's answers show."""

    def __init__(self, town: Town) -> None:
        self.town, self.store, self.random = town, town.shop.store, town.random
        self.latest = self.now
        """The latest that its clock has shown."""
        self._stood: int | None = None
        """Seconds for which its clock stands by now; None: it goes."""
        self._other_status = town.shop.a_status("Elsewhere")
        self._groups = [town.shop.a_group(name) for name in ("A", "B")]
        for account in town.accounts[:4]:
            radius = self.store.insert("RadiusAccount", account_id=account, username=f"u{account}")
            self._assign(radius)
            self._note("Account", account)
        self._late: list[Late] = []
        self._lagging: dict[tuple[str, int], datetime] = {}
        """`{(type, id): until when}`: rows that a look for changes does not show yet, though reads by id do."""
        self._fickle: list[int] = []
        """Accounts that will be in another status while roots are read."""
        self._back: dict[int, int] = {}
        """`{account: the status that it returns to}` before the next look."""
        self._left: dict[tuple[str, int], set[Key]] = {}
        """Roots that a row left, or came to, by the row."""
        self._told: dict[Key, datetime] = {}
        """When something told of roots again that nothing told of."""
        self.state: dict[Key, Any] = {}
        self.since: dict[Key, datetime] = {}
        """When each root, its children included, came to look as it does; NEVER: nothing that is polled tells of it."""
        self.note()

    @property
    def now(self) -> datetime:
        """Sonar's clock."""
        return self.town.shop.clock.now

    def note(self, *, told: bool = True) -> None:
        """Take the state as it is; what differs does so since now. `told`: nothing hides that from a poller."""
        told = told and not self.town.line.conditions.emptied
        fresh = self._seen()
        for key in fresh.keys() | self.state.keys():
            if fresh.get(key) != self.state.get(key):
                self._change(key, told=told)
            elif key not in self.since:
                self.since[key] = self.now
        self.state = fresh

    def _change(self, key: Key, *, told: bool) -> None:
        """A root looks otherwise. If what told of one that nothing tells of has gone before a look, nothing does."""
        low, last_told = self.town.following.low, self._told.get(key)
        if told and self.since.get(key) == NEVER:
            self._told[key] = self.now
        elif last_told is not None and (low is None or last_told > low):
            told = False
        self.since[key] = self.now if told else NEVER

    def doubt(self, since: datetime) -> None:
        """Nothing tells of what has changed since then."""
        for key, changed in self.since.items():
            if changed >= since:
                self.since[key] = NEVER

    def tick(self, seconds: int) -> None:
        """Time goes by, and what was late becomes visible."""
        if self._stood is not None:
            self._stood, seconds = self._stood + seconds, 0
        self._pass(seconds)

    def stand(self) -> None:
        """Sonar's clock stands from now on, whatever time goes by."""
        self._stood = 0

    def jump(self, seconds: int) -> None:
        """Sonar's clock goes again: further on by what it stood for and so many seconds, or (below 0) back by so many.

        It stays less than the overlap behind the latest that it has shown.
        """
        stood, self._stood = self._stood or 0, None
        least = self.latest - timedelta(seconds=OVERLAP - 1) - self.now
        self._pass(max(seconds if seconds < 0 else stood + seconds, int(least.total_seconds())))

    def _pass(self, seconds: int) -> None:
        looked = self.latest  # no look was made later than this
        self.town.shop.clock.tick(seconds)
        self.latest = max(self.latest, self.now)
        for account, status in self._back.items():
            if account in self.store.table("Account"):
                self.store.update("Account", account, account_status_id=status)
                if self.random.random() < 0.3:
                    self._lag("Account", account)
        if self._back:
            self._back.clear()
            self._note_in_passing()
        for one in [one for one in self._late if one.due <= self.now]:
            self._late.remove(one)
            if self._commit(one):
                self.note(told=(looked - one.at).total_seconds() < OVERLAP)
        for row in [row for row, until in self._lagging.items() if until <= self.now]:
            self._catch_up(row)

    def settle(self) -> None:
        """Nothing is late any more, or about to change."""
        self._fickle.clear()
        while self._late:
            self.tick(1)
        for row in list(self._lagging):
            self._catch_up(row)

    def asked(self, document: str) -> None:
        """Capture is about to ask this."""
        if self._fickle and "query Page" in document:
            for account in self._fickle:
                if account in self.store.table("Account") and account not in self._back:
                    self._back[account] = self.store.table("Account")[account]["account_status_id"]
                    self.store.update("Account", account, account_status_id=self._other_status)
            self._fickle.clear()
            self._note_in_passing()

    # operations

    def insert(self) -> None:
        """Something new."""
        self.random.choice(
            [self._new_account, self._new_payment, self._new_contact, self._new_note, self._new_address]
        )()

    def update(self) -> None:
        """A row has another text."""
        self._write(*self._any())

    def tie(self) -> None:
        """Many rows change at one moment."""
        for _ in range(6):
            self._write(*self._any())

    def silent_update(self) -> None:
        """A row changes, and its `updated_at` does not."""
        type_name, id = self._any()
        self._write(type_name, id, at=self.store.table(type_name)[id]["updated_at"])
        self.note(told=False)

    def late_commit(self) -> None:
        """A change becomes visible some seconds after the time that it carries, within the overlap."""
        self._hide(self.random.randint(1, OVERLAP - 2))

    def too_late_commit(self) -> None:
        """A change becomes visible later than the overlap reaches."""
        self._hide(self.random.randint(OVERLAP + 2, 3 * OVERLAP))

    def index_lag(self) -> None:
        """A change is shown by a read by id, and only later by a search for changes."""
        type_name, id = self._any()
        self._write(type_name, id)
        self._lag(type_name, id)

    def delete(self) -> None:
        """A row goes, with what belongs to it."""
        self._delete()

    def unlogged_delete(self) -> None:
        """A row goes, and no log tells of it."""
        before = set(self.store.table("Log"))
        gone = self._delete()
        if gone is not None:
            for id in set(self.store.table("Log")) - before:
                self.store.hold("Log", id)
            self.note(told=False)
            # The row itself would have told that it moved, to whom had not looked yet.
            low = self.town.following.low
            unseen = (key for key in self._left.pop(gone, ()) if low is None or self.since[key] > low)
            self.since.update(dict.fromkeys(unseen, NEVER))

    def recreate(self) -> None:
        """A payment is deleted and comes again under its number."""
        id = self._one("Payment")
        if id is not None:
            self.store.delete("Payment", id)
            self.town.shop.a_payment(self._account(), self.random.randrange(1000), id=id)

    def move(self) -> None:
        """A row comes to belong to another account."""
        columns = {"Contact": "contactable_id", "Payment": "account_id", "RadiusAccount": "account_id"}
        type_name = self.random.choice(list(columns))
        id = self._one(type_name)
        if id is not None:
            self._move(type_name, id, columns[type_name], self._account())

    def move_grandchild(self) -> None:
        """An address goes to another log-in, perhaps of another account."""
        id, radius = self._one("IpAssignment"), self._one("RadiusAccount")
        if id is not None and radius is not None:
            self._move("IpAssignment", id, "ipassignmentable_id", radius)

    def merge(self) -> None:
        """All that an account has becomes another's, and it is deleted."""
        one, other = self._account(), self._account()
        held = self.store.tables["Payment"].held.values()
        if one == other or len(self.store.table("Account")) < 4 or any(row["account_id"] == one for row in held):
            return
        for type_name, owner in OWNED.items():
            morph = owner.replace("_id", "_type") if owner != "account_id" else None
            for id, row in list(self.store.table(type_name).items()):
                if row[owner] == one and (morph is None or row[morph] == "Account"):
                    self._move(type_name, id, owner, other)
        self.store.delete("Account", one)

    def attach(self) -> None:
        """A pivot row comes; no `updated_at` moves."""
        self.store.attach("Account", self._account(), "account_groups", self.random.choice(self._groups))

    def detach(self) -> None:
        """A pivot row goes."""
        self.store.detach("Account", self._account(), "account_groups", self.random.choice(self._groups))

    def look_up(self) -> None:
        """What many accounts refer to has another name."""
        self.store.update("AccountStatus", self.town.shop.status, name=f"S{self.random.random()}")

    def to_and_fro(self) -> None:
        """What is read next shows a row of another as it is only for that moment: no look does."""
        account = self._account()
        for id in [id for id, row in self.store.table("Payment").items() if row["account_id"] == account][:2]:
            self._write("Payment", id)
        self._fickle.append(account)

    # helpers

    def _note_in_passing(self) -> None:
        """As `note`, when what shows a row need not be read again: what was not told of before is not now."""
        untold = [key for key, since in self.since.items() if since == NEVER]
        self.note()
        self.since.update(dict.fromkeys(untold, NEVER))

    def _lag(self, type_name: str, id: int) -> None:
        # What the row told of before, and no look has covered yet, it tells of only when it is shown again.
        low = self.town.following.low
        for key in self._left.get((type_name, id), set()) | self._showing(type_name, id):
            if key in self.since and self.since[key] != NEVER and (low is None or self.since[key] > low):
                self.since[key] = self.now
        self.store.lag(type_name, id)
        self._lagging[type_name, id] = self.now + timedelta(seconds=self.random.randint(1, OVERLAP - 2))

    def _showing(self, type_name: str, id: int) -> set[Key]:
        """Roots that show a row."""
        fresh = self._seen()
        self.store.hold(type_name, id)
        without = self._seen()
        self.store.release(type_name, id)
        return {key for key, value in fresh.items() if without.get(key) != value}

    def _seen(self) -> dict[Key, Any]:
        return {(one.name, id): value for one in AGGREGATES for id, value in expected(self.store, one).items()}

    def _catch_up(self, row: tuple[str, int]) -> None:
        del self._lagging[row]
        with suppress(KeyError):  # it was deleted meanwhile
            self.store.catch_up(*row)

    def _any(self) -> tuple[str, int]:
        while True:
            type_name = self.random.choice(list(NAMES))
            id = self._one(type_name)
            if id is not None:
                return type_name, id

    def _one(self, type_name: str) -> int | None:
        ids = sorted(self.store.table(type_name))
        return self.random.choice(ids) if ids else None

    def _account(self) -> int:
        found = self._one("Account")
        assert found is not None
        return found

    def _write(self, type_name: str, id: int, at: datetime | None = None) -> None:
        column = NAMES[type_name]
        value: Any = self.random.randrange(10**6, 10**7)
        if column != "amount":
            value = str(value)
        self.store.update(type_name, id, at=at, **{column: value})

    def _hide(self, seconds: int) -> None:
        due = self.now + timedelta(seconds=seconds)
        if self.random.random() < 0.5:
            id = self.town.shop.a_payment(self._account(), self.random.randrange(1, 1000))
            self.store.hold("Payment", id)
            self._late.append(Late(due, self.now, "Payment", id, write=False))
        else:
            self._late.append(Late(due, self.now, *self._any(), write=True))

    def _commit(self, late: Late) -> bool:
        """False when what it is about has gone, or has been written since."""
        if not late.write:
            self.store.release(late.type_name, late.id)
            return True
        row = self.store.table(late.type_name).get(late.id)
        if row is None or row["updated_at"] > late.at:
            return False
        self._write(late.type_name, late.id, at=late.at)
        return True

    def _move(self, type_name: str, id: int, owner: str, to: int) -> None:
        before = self.state
        moved: dict[str, Any] = {owner: to}
        self.store.update(type_name, id, **moved)
        self.note()
        changed = {key for key, value in self.state.items() if before.get(key) != value}
        self._left[type_name, id] = self._left.get((type_name, id), set()) | changed

    def _delete(self) -> tuple[str, int] | None:
        """The row that was deleted."""
        type_name = self.random.choice(["Payment", "Contact", "PhoneNumber", "Note", "IpAssignment"])
        id = self._one(type_name)
        if id is None or len(self.store.table(type_name)) < 3:
            return None
        self.store.delete(type_name, id)
        return type_name, id

    def _new_account(self) -> None:
        self.town.shop.an_account(f"A{self.random.random()}")

    def _new_payment(self) -> None:
        self.town.shop.a_payment(self._account(), self.random.randrange(1000))

    def _new_contact(self) -> None:
        self.town.shop.a_contact(self._account(), f"C{self.random.random()}")

    def _new_note(self) -> None:
        radius = self._one("RadiusAccount")
        if radius is not None and self.random.random() < 0.3:
            self._note("RadiusAccount", radius)
        else:
            self._note("Account", self._account())

    def _new_address(self) -> None:
        radius = self._one("RadiusAccount")
        if radius is not None:
            self._assign(radius)

    def _assign(self, radius: int) -> int:
        return self.store.insert(
            "IpAssignment", ipassignmentable_type="RadiusAccount", ipassignmentable_id=radius, soft=False,
            subnet="10.0.0.7/32", subnet_id=1,
        )  # fmt: skip

    def _note(self, type_name: str, id: int) -> int:
        return self.store.insert("Note", message="m", noteable_type=type_name, noteable_id=id, priority="NORMAL")


OPERATIONS: tuple[Callable[[Source], None], ...] = (
    Source.insert, Source.update, Source.tie, Source.silent_update, Source.late_commit, Source.too_late_commit,
    Source.index_lag, Source.delete, Source.unlogged_delete, Source.recreate, Source.move, Source.move_grandchild,
    Source.merge, Source.attach, Source.detach, Source.look_up, Source.to_and_fro,
)  # fmt: skip
UNTOLD = (Source.silent_update, Source.too_late_commit, Source.unlogged_delete)
"""What nothing tells a poller of: only a sweep finds it."""
