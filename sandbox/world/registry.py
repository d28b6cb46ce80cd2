"""The world's own indexes over the store, so that a life event costs the same in an ISP of any size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from random import Random
from typing import Any

from sandbox.sonar.store import Store

Row = Mapping[str, Any]

INDEXED = (
    "Account",
    "AccountBillingParameter",
    "Contact",
    "PhoneNumber",
    "Address",
    "CustomFieldData",
    "Payment",
    "ReversedPayment",
    "CreditCard",
    "BankAccount",
    "ServiceableAddressAccountAssignmentHistory",
)

TRIES = 40
"""How many random rows are looked at for one with a wanted property before the event is given up."""


class Pool:
    """Ids to draw from at random; adding and dropping cost the same at any size."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._place: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: int) -> None:
        if id not in self._place:
            self._place[id] = len(self._ids)
            self._ids.append(id)

    def discard(self, id: int) -> None:
        place = self._place.pop(id, None)
        if place is None:
            return
        last = self._ids.pop()
        if last != id:
            self._ids[place] = last
            self._place[last] = place

    def draw(self, rng: Random) -> int | None:
        return self._ids[rng.randrange(len(self._ids))] if self._ids else None


class Registry:
    """Writes through to the store and keeps pools of ids by type, and the children of accounts by owner.

    Somebody else may write to the store too (a test, an operator of the sandbox): every draw is checked against it, so
    that a row that vanished is only noticed, never missed.
    """

    def __init__(self, store: Store, more: Iterable[str] = ()) -> None:
        """`more`: types beside `INDEXED` whose rows are drawn."""
        self.store = store
        self.pools: dict[str, Pool] = {name: Pool() for name in (*INDEXED, *more)}
        self.pending, self.archived, self.free_addresses = Pool(), Pool(), Pool()
        self.homes: dict[int, set[int]] = defaultdict(set)
        self.contacts: dict[int, set[int]] = defaultdict(set)
        self.cards: dict[int, int] = {}
        self.banks: dict[int, int] = {}
        self.holdings: dict[tuple[int, int], int] = {}
        for type_name in self.pools:
            for id, row in store.table(type_name).items():
                self._note(type_name, id, row)

    def row(self, type_name: str, id: int) -> Row | None:
        return self.store.table(type_name).get(id)

    def groups(self, account: int) -> set[int]:
        """Ids of the account groups an account is attached to."""
        return set(self.store.linked("Account", "account_groups", account))

    def draw(
        self, type_name: str, rng: Random, holds: Callable[[Row], bool] = lambda row: True
    ) -> tuple[int, Row] | None:
        """A random row of a type for which `holds` is true; None when a fair number of tries found none."""
        return self.draw_from(self.pools[type_name], type_name, rng, holds)

    def draw_from(
        self, pool: Pool, type_name: str, rng: Random, holds: Callable[[Row], bool] = lambda row: True
    ) -> tuple[int, Row] | None:
        for _ in range(TRIES):
            id = pool.draw(rng)
            if id is None:
                return None
            row = self.row(type_name, id)
            if row is None:
                pool.discard(id)
            elif holds(row):
                return id, row
        return None

    def insert(self, type_name: str, /, *, at: datetime | None = None, by: int | None = None, **columns: Any) -> int:
        id = self.store.insert(type_name, at=at, by=by, **columns)
        self._note(type_name, id, self.store.table(type_name)[id])
        return id

    def update(
        self,
        type_name: str,
        id: int,
        /,
        *,
        at: datetime | None = None,
        by: int | None = None,
        **columns: Any,
    ) -> None:
        self.store.update(type_name, id, at=at, by=by, **columns)
        self._note(type_name, id, self.store.table(type_name)[id])

    def delete(self, type_name: str, id: int, /) -> None:
        self.store.delete(type_name, id)
        self.pools[type_name].discard(id)

    def attach(self, type_name: str, id: int, relation: str, other_id: int, /, *, at: datetime | None = None) -> None:
        self.store.attach(type_name, id, relation, other_id, at=at)

    def detach(self, type_name: str, id: int, relation: str, other_id: int, /) -> None:
        self.store.detach(type_name, id, relation, other_id)

    def _note(self, type_name: str, id: int, row: Row) -> None:
        if type_name not in self.pools:
            return
        if type_name == "Account":
            is_archived = row["archived_at"] is not None
            _place(self.archived, id, is_archived)
            _place(self.pools["Account"], id, not is_archived)
            return
        if type_name == "Address":
            self._note_address(id, row)
            return
        if type_name == "Contact":
            if row["contactable_type"] != "Account":
                return
            self.contacts[row["contactable_id"]].add(id)
        elif type_name == "CustomFieldData" and row["customfielddataable_type"] != "Account":
            return
        elif type_name == "Payment":
            _place(self.pending, id, row["status"] == "PENDING")
        elif type_name == "CreditCard":
            self.cards[row["account_id"]] = id
        elif type_name == "BankAccount":
            self.banks[row["account_id"]] = id
        elif type_name == "ServiceableAddressAccountAssignmentHistory":
            if row["end_date"] is None:
                self.holdings[row["account_id"], row["address_id"]] = id
            else:
                self.holdings.pop((row["account_id"], row["address_id"]), None)
        self.pools[type_name].add(id)

    def _note_address(self, id: int, row: Row) -> None:
        of_account = row["addressable_type"] == "Account"
        _place(self.pools["Address"], id, of_account)
        _place(self.free_addresses, id, row["addressable_type"] is None and row["serviceable"])
        if of_account and row["type"] == "PHYSICAL":
            self.homes[row["addressable_id"]].add(id)


def _place(pool: Pool, id: int, belongs: bool) -> None:
    if belongs:
        pool.add(id)
    else:
        pool.discard(id)
