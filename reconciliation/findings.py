"""What a comparison finds: one difference, where it comes from, and whether it lasts."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """Why a record differs, and the message that tells: its bundle's, or its event's where there is no bundle."""

    why: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


UNEXPLAINED = Cause("unexplained")


CHECKS = ("counts", "M7", "balance", "record", "M1", "twin", "fields")


@dataclass(frozen=True)
class Finding:
    """A difference between both ends. None means that the record is not there.

    `check`: `counts`, `M7` and `balance` are sums; `record`, `M1` and `twin` name one record; `fields` one field of
    it. `expected` and `actual` of a `personal` field are shown only on demand. `accounts` are those concerned (two
    where a payment lies on another customer), none for what no account owns. `version` is the state of the source that
    `expected` was read in.
    """

    check: str
    entity: str
    key: str
    field: str
    expected: str | None
    actual: str | None
    accounts: tuple[str, ...] = ()
    version: str = ""
    personal: bool = False
    cause: Cause = UNEXPLAINED
    confirmed: bool = False

    @property
    def demand(self) -> tuple[str, ...]:
        """What the source asks for, and in which state it did. Equal in two looks: it asked so all the time between.

        A deposit and a twin are wrong by Splynx's own rows, which one statement reads as they were at one moment.
        """
        asked = () if self.check in {"M1", "twin"} else (repr(self.expected), self.version)
        return self.check, self.entity, self.key, self.field, *asked


class Collection:
    """Findings as they come, not more than so many of a kind: where everything is wrong, some thousands tell that."""

    def __init__(self, most: int = 5000) -> None:
        self._most = most
        self.kept: list[Finding] = []
        self.counts: dict[tuple[str, str], int] = {}
        """`{(check, entity): how many}`, the left out ones too."""

    def add(self, findings: Iterable[Finding]) -> None:
        """Count each, and keep it while there are not too many."""
        for one in findings:
            kind = one.check, one.entity
            self.counts[kind] = self.counts.get(kind, 0) + 1
            if self.counts[kind] <= self._most:
                self.kept.append(one)

    @property
    def left_out(self) -> int:
        """How many were only counted."""
        return sum(self.counts.values()) - len(self.kept)
