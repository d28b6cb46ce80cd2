"""What is ordered to be read again, and how far that is: kept in the cursors, so that a restart goes on with it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plumbing.errors import ConfigurationError
from producers.cursors import Cursors, CursorUnusable
from producers.ids import Ids

_CURSOR = "orders"
_IDS, _CUSTOMER = "ids ", "customer "


@dataclass(frozen=True)
class Order:
    """Whole aggregates, some of their roots by id, or what one account owns of them. Two that ask for the same are one.

    `id` names it in signals, notifications and logs.
    """

    names: tuple[str, ...]
    ids: Ids | None = None
    customer: int | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)

    @property
    def filter(self) -> str:
        """Which roots are meant, as a signal says it; empty: all."""
        if self.customer is not None:
            return f"{_CUSTOMER}{self.customer}"
        return "" if self.ids is None else f"{_IDS}{self.ids}"

    @classmethod
    def of(cls, names: Sequence[str], filter: str, id: str) -> "Order":
        """From the parts of a signal.

        Raises:
            ValueError: nobody can tell which roots are meant.
        """
        if filter.startswith(_CUSTOMER):
            return cls(tuple(names), customer=int(filter.removeprefix(_CUSTOMER)), id=id)
        if filter and not filter.startswith(_IDS):
            raise ValueError("no filter of ours")
        try:
            return cls(tuple(names), Ids.parse(filter.removeprefix(_IDS)) if filter else None, id=id)
        except ConfigurationError as exc:
            raise ValueError(str(exc)) from exc


@dataclass
class Part:
    """How far the reading of one aggregate is."""

    last: int = 0
    """Every root up to this id has been read, and its event acknowledged."""
    read: int = 0
    total: int | None = None
    missing: Ids = field(default_factory=Ids)
    """Ids that were asked for and that Sonar does not have."""
    done: bool = False


@dataclass
class Work:
    """An order that is open, with how far it is: `{aggregate: part}`."""

    order: Order
    parts: dict[str, Part] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As it is kept in the cursor."""
        order = self.order
        return {
            "id": order.id,
            "names": list(order.names),
            "filter": order.filter,
            "parts": {
                name: [one.last, one.read, one.total, str(one.missing), one.done] for name, one in self.parts.items()
            },
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Work":
        """From the cursor."""
        parts = {
            name: Part(last, read, total, Ids.parse(missing) if missing else Ids(), done)
            for name, (last, read, total, missing, done) in document["parts"].items()
        }
        return cls(Order.of(document["names"], document["filter"], document["id"]), parts)


class Orders:
    """The orders that are not done yet, oldest first, and up to where signals have been taken in."""

    def __init__(self, cursors: Cursors) -> None:
        """Raises:
        CursorUnusable: what is kept is none of ours.
        """
        self._cursors = cursors
        document = cursors.get(_CURSOR) or {"next": None, "open": []}
        try:
            self.next_signal: int | None = document["next"]
            """Offset of the next signal; None: none was ever waited for."""
            self.open = [Work.of(one) for one in document["open"]]
        except (KeyError, TypeError, ValueError, ConfigurationError) as exc:
            raise CursorUnusable("the cursor of orders is not one of ours") from exc

    async def heard(self, offset: int) -> None:
        """Every signal before `offset` has been obeyed, or its order taken."""
        self.next_signal = offset
        await self.save()

    async def take(self, order: Order, *, anew: bool = False) -> Work:
        """Keep an order, unless the same is open: then it goes on. `anew`: what that has read is out of date."""
        for known in self.open if not anew else ():
            if known.order == order:
                return known
        work = Work(order)
        self.open.append(work)
        await self.save()
        return work

    async def done(self, work: Work) -> None:
        """All of it has been read, and every event acknowledged."""
        self.open.remove(work)
        await self.save()

    async def save(self) -> None:
        """Save how far the open ones are; what that covers has been acknowledged."""
        await self._cursors.save(_CURSOR, {"next": self.next_signal, "open": [one.document() for one in self.open]})
