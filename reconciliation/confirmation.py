"""Which differences last: those that still stand after every stage has passed a watermark later than the first look."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from reconciliation.comparison import Look
from reconciliation.findings import Collection, Finding

MOST_LOOKS = 6
_MANY_ACCOUNTS = 2000
"""From so many on, everything is looked at again: asking for each costs more."""

Passed = Callable[[datetime], Awaitable[bool]]
"""Waits until every stage has passed a watermark that covers an instant of Sonar's; False when none came in time."""


class Looks(Protocol):
    """Both ends (`reconciliation.comparison.Comparison`)."""

    async def look(self, accounts: Sequence[str] | None = None) -> Look:
        """Compare everything, or again these accounts with what no account owns."""
        ...

    def sums(self, unsettled: Sequence[Finding]) -> Iterable[Finding]:
        """The counts and sums that differ, without the records of these findings."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What is known in the end. Every finding is confirmed, or none is: no later watermark came to tell.

    `unsettled`: records that changed at each look, so that nothing could be said of them; they are in no sum.
    `left_out`: findings that were only counted. `looks`: how often something had to be looked at.
    """

    read_at: datetime
    findings: list[Finding]
    unsettled: int
    left_out: int
    looks: int


async def confirm(both: Looks, passed: Passed) -> Verdict:
    """Look, wait for a later watermark, look again at what differed, until only what lasts is left.

    A difference lasts when the source asked for the same before the watermark and after Splynx was read the second
    time; what Splynx has instead may be anything. On a moving source what changed meanwhile is looked at once more.
    """
    look = await both.look()
    left_out = look.findings.left_out
    lasting: dict[tuple[str, ...], Finding] = {}
    moving: list[Finding] = list(look.findings.kept)
    looks = 1
    while moving and looks < MOST_LOOKS:
        if not await passed(look.read_at):
            if lasting:
                break
            sums = _capped(both.sums([]))
            return Verdict(look.read_at, [*sums.kept, *moving], 0, left_out + sums.left_out, looks)
        before = {one.demand for one in moving} | lasting.keys()
        looks += 1
        look = await both.look(_accounts([*moving, *lasting.values()]))
        lasting = {one.demand: replace(one, confirmed=True) for one in look.findings.kept if one.demand in before}
        moving = [one for one in look.findings.kept if one.demand not in before]
        left_out = look.findings.left_out
    sums = _capped(both.sums(moving))
    # Of records that nobody looked at again nobody knows what they add to the sums.
    told = [replace(one, confirmed=left_out == 0) for one in sums.kept]
    records = {(one.entity, one.key) for one in moving}
    return Verdict(look.read_at, [*told, *lasting.values()], len(records), left_out + sums.left_out, looks)


def _capped(findings: Iterable[Finding]) -> Collection:
    found = Collection()
    found.add(findings)
    return found


def _accounts(findings: Sequence[Finding]) -> list[str] | None:
    accounts = sorted({account for one in findings for account in one.accounts}, key=int)
    return accounts if len(accounts) < _MANY_ACCOUNTS else None
