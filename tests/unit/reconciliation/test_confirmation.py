"""A difference counts only if it stands before and after a later watermark, while the source asked for the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciliation.comparison import Look
from reconciliation.confirmation import MOST_LOOKS, Verdict, confirm
from reconciliation.findings import Collection, Finding

READ = datetime(2024, 5, 1, tzinfo=UTC)
SUM = Finding("counts", "customer", "active", "records", "2", "1")


def a_finding(key: str, expected: str = "active", actual: str = "new", version: str = "1") -> Finding:
    return Finding("record", "customer", key, "status", expected, actual, (key,), version)


class Prepared:
    """Both ends as prepared looks tell of them."""

    def __init__(self, *looks: Sequence[Finding], most: int = 100) -> None:
        self._looks, self._most = list(looks), most
        self.asked: list[Sequence[str] | None] = []
        self.dropped: list[str] = []

    async def look(self, accounts: Sequence[str] | None = None) -> Look:
        self.asked.append(accounts)
        found = Collection(self._most)
        found.add(self._looks.pop(0))
        return Look(READ, found)

    def sums(self, unsettled: Sequence[Finding]) -> list[Finding]:
        self.dropped = [one.key for one in unsettled]
        return [SUM]


async def passed(read_at: datetime) -> bool:
    assert read_at == READ
    return True


async def never(_: datetime) -> bool:
    return False


def told(verdict: Verdict) -> list[tuple[str, bool]]:
    return [(one.key, one.confirmed) for one in verdict.findings if one.check == "record"]


async def test_equal_ends_need_no_second_look() -> None:
    both = Prepared([])
    assert told(await confirm(both, never)) == []
    assert both.asked == [None]


async def test_what_was_only_late_is_no_finding() -> None:
    both = Prepared([a_finding("5")], [])
    verdict = await confirm(both, passed)
    assert (told(verdict), verdict.unsettled, both.asked) == ([], 0, [None, ["5"]])


async def test_a_difference_that_lasts_is_confirmed_and_so_are_the_sums() -> None:
    verdict = await confirm(Prepared([a_finding("5")], [a_finding("5")]), passed)
    assert verdict.findings == [replace(SUM, confirmed=True), replace(a_finding("5"), confirmed=True)]


async def test_what_splynx_has_instead_may_change_meanwhile() -> None:
    both = Prepared([a_finding("5", actual="new")], [a_finding("5", actual="blocked")])
    assert told(await confirm(both, passed)) == [("5", True)]


async def test_a_source_that_asked_for_something_else_meanwhile_is_looked_at_again() -> None:
    both = Prepared([a_finding("5")], [a_finding("5", expected="blocked")], [])
    assert told(await confirm(both, passed)) == []
    assert both.asked == [None, ["5"], ["5"]]


async def test_a_source_that_came_back_to_what_it_asked_for_was_not_the_same_all_the_time() -> None:
    both = Prepared([a_finding("5", version="1")], [a_finding("5", version="3")], [])
    assert told(await confirm(both, passed)) == []


async def test_what_heals_in_a_later_look_is_no_finding() -> None:
    both = Prepared([a_finding("5"), a_finding("6")], [a_finding("5"), a_finding("6", version="2")], [])
    assert told(await confirm(both, passed)) == []


async def test_without_a_later_watermark_nothing_is_confirmed() -> None:
    verdict = await confirm(Prepared([a_finding("5")]), never)
    assert [(one.key, one.confirmed) for one in verdict.findings] == [("active", False), ("5", False)]


async def test_a_record_that_never_stands_still_is_unsettled_and_in_no_sum() -> None:
    looks = [[a_finding("5"), a_finding("6", version=str(turn))] for turn in range(MOST_LOOKS)]
    both = Prepared(*looks)
    verdict = await confirm(both, passed)
    assert (told(verdict), verdict.unsettled, both.dropped) == ([("5", True)], 1, ["6"])


async def test_sums_are_not_confirmed_by_records_that_nobody_looked_at() -> None:
    all_of_them = [a_finding("5"), a_finding("6")]
    verdict = await confirm(Prepared(all_of_them, all_of_them, most=1), passed)
    assert verdict.left_out == 1
    assert [(one.check, one.confirmed) for one in verdict.findings] == [("counts", False), ("record", True)]


async def test_of_very_many_sums_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Prepared([a_finding("5")], [a_finding("5")])
    monkeypatch.setattr(both, "sums", lambda unsettled: [replace(SUM, key=str(n)) for n in range(5010)])
    verdict = await confirm(both, passed)
    assert (len(verdict.findings), verdict.left_out) == (5001, 10)


async def test_a_deposit_is_wrong_whatever_else_moves_on_the_account() -> None:
    deposit = Finding("M1", "customer_billing", "5", "deposit_minor", "100", "101", ("5",))
    later = replace(deposit, expected="300", actual="301")
    verdict = await confirm(Prepared([deposit], [later]), passed)
    assert [one for one in verdict.findings if one.check == "M1"] == [replace(later, confirmed=True)]
