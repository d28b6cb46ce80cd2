"""A difference counts only if it stands before and after a later watermark."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from console.reconcile import Reconciled, reconcile, text_of, write_csv
from plumbing.errors import ExitCode
from reconciliation.comparison import Comparison
from reconciliation.expected import Books
from reconciliation.findings import Finding

READ = datetime(2024, 5, 1, tzinfo=UTC)


def a_finding(key: str, actual: str = "new") -> Finding:
    return Finding("record", "customer", key, "status", "active", actual)


async def outcome(looks: Sequence[Sequence[Finding]], *, watermark: bool = True) -> tuple[Reconciled, int]:
    """The result over prepared looks, and how many were taken."""
    left = [Comparison(READ, Books(), Books(), list(findings)) for findings in looks]

    async def look() -> Comparison:
        return left.pop(0)

    async def passed(read_at: datetime) -> bool:
        assert read_at == READ
        return watermark

    return await reconcile(look, passed), len(looks) - len(left)


async def test_equal_ends_need_no_second_look() -> None:
    result, looks = await outcome([[], []])
    assert (result.exit_code, looks) == (ExitCode.DONE, 1)


async def test_what_was_only_late_is_no_finding() -> None:
    result, looks = await outcome([[a_finding("5")], []])
    assert (result.exit_code, list(result.findings), looks) == (ExitCode.DONE, [], 2)


async def test_a_difference_that_lasts_is_confirmed() -> None:
    result, _ = await outcome([[a_finding("5")], [a_finding("5")]])
    assert [(one.key, one.confirmed) for one in result.findings] == [("5", True)]
    assert result.exit_code is ExitCode.FOUND


async def test_without_a_later_watermark_findings_stay_unconfirmed() -> None:
    result, looks = await outcome([[a_finding("5")], [a_finding("5")]], watermark=False)
    assert [one.confirmed for one in result.findings] == [False]
    assert (result.exit_code, looks) == (ExitCode.TRY_LATER, 1)
    assert "not all confirmed" in text_of(result.document())


async def test_what_appears_in_the_second_look_is_looked_at_a_third_time() -> None:
    result, looks = await outcome([[a_finding("5")], [a_finding("6")], [a_finding("6")]])
    assert ([(one.key, one.confirmed) for one in result.findings], looks) == ([("6", True)], 3)


async def test_a_source_that_keeps_moving_leaves_the_rest_unconfirmed() -> None:
    result, _ = await outcome(
        [[a_finding("5")], [a_finding("5"), a_finding("6", "blocked")], [a_finding("5"), a_finding("6")]]
    )
    assert [(one.key, one.confirmed) for one in result.findings] == [("5", True), ("6", False)]


async def test_the_csv_has_one_line_for_each_finding(tmp_path: Path) -> None:
    write_csv([a_finding("5")], tmp_path / "findings.csv")
    with (tmp_path / "findings.csv").open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert (row["key"], row["expected"], row["actual"], row["confirmed"]) == ("5", "active", "new", "False")
