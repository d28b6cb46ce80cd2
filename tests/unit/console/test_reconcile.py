"""How a reconciliation is told: exit codes, hidden values, money for finance, progress."""

import csv
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.output import Teller
from console.reconcile import measure, repeat
from console.reconciled import COLUMNS, HIDDEN, Reconciled, money_of, require_writable, text_of, write_csv
from plumbing import metrics
from plumbing.errors import Action, ConfigurationError, ExitCode, SyncError
from reconciliation.confirmation import Verdict
from reconciliation.facts import Skipped
from reconciliation.findings import Cause, Finding

READ = datetime(2024, 5, 1, tzinfo=UTC)
STATUS = Finding("record", "customer", "5", "status", "active", "new")
NAME = Finding("fields", "customer", "5", "name", "Ann Example", "Bob Example", personal=True)


def a_result(*findings: Finding, unsettled: int = 0) -> Reconciled:
    return Reconciled(
        Verdict(READ, list(findings), unsettled, 0, 1),
        counts={"customer": {"active": [2, 1], "new": [0, 1]}, "payment": {"payment": [3, 3]}},
        payments_minor=[100, 100],
        exponent=2,
        skipped=[Skipped("payment", "deferred: money.not_disposable", 4, 5000)],
        compared={"customer": 2},
        not_shown={},
        refused={"account": {"mapping.unmapped_value": 1}},
    )


@pytest.mark.parametrize(
    ("findings", "unsettled", "code"),
    [
        pytest.param([], 0, ExitCode.DONE, id="equal"),
        pytest.param([replace(STATUS, confirmed=True)], 0, ExitCode.FOUND, id="a difference that lasts"),
        pytest.param([STATUS], 0, ExitCode.TRY_LATER, id="no later watermark"),
        pytest.param([], 1, ExitCode.TRY_LATER, id="a record that never stood still"),
    ],
)
def test_the_exit_code_tells_what_is_known(findings: Sequence[Finding], unsettled: int, code: ExitCode) -> None:
    result = a_result(*findings, unsettled=unsettled)
    assert result.exit_code is code
    assert result.document()["equal"] is (code is ExitCode.DONE)


def test_the_document_sums_up_both_ends() -> None:
    document = a_result().document()
    assert (document["customers"], document["payments"]) == ([2, 2], [3, 3])
    assert document["skipped"] == [
        {"entity": "payment", "why": "deferred: money.not_disposable", "records": 4, "minor": 5000}
    ]


def test_deferred_money_is_told_and_is_no_difference() -> None:
    text = text_of(a_result().document())
    assert "left out: 4 payment, deferred: money.not_disposable, 5000 minor units" in text
    assert text.endswith("Equal: no differences.")


def test_personal_data_is_hidden_unless_asked_for() -> None:
    result = a_result(NAME)
    (hidden,), (shown,) = result.document()["findings"], result.document(show_values=True)["findings"]
    assert (hidden["expected"], hidden["actual"]) == (HIDDEN, HIDDEN)
    assert (shown["expected"], shown["actual"]) == ("Ann Example", "Bob Example")
    assert "Example" not in text_of(result.document())


def test_unconfirmed_findings_say_what_to_do() -> None:
    assert "not all confirmed" in text_of(a_result(STATUS).document())


def test_the_csv_has_documented_columns_and_a_line_for_each_finding(tmp_path: Path) -> None:
    payment = Finding(
        "record",
        "payment",
        "9",
        "account day method minor",
        "5 2024-05-01 2 1250",
        None,
        cause=Cause("late", "t", 1, 2),
    )
    write_csv(a_result(payment, NAME), tmp_path / "findings.csv")
    with (tmp_path / "findings.csv").open(newline="") as lines:
        reader = csv.DictReader(lines)
        first, second = reader
    assert tuple(reader.fieldnames or ()) == COLUMNS
    assert (first["expected_money"], first["actual_money"], first["offset"]) == ("12.50", "", "2")
    assert second["actual"] == HIDDEN


@pytest.mark.parametrize(
    ("finding", "money"),
    [
        (Finding("M7", "payment", "2024-05-01 2", "documents sum_minor", "3 -1250", None), "-12.50"),
        (Finding("balance", "customer", "5", "payments_minor", "5", None), "0.05"),
        (Finding("M1", "customer_billing", "5", "deposit_minor", "1234.5", None), "12.345"),
        (Finding("record", "customer", "5", "status", "active", None), ""),
        (Finding("fields", "payment", "9", "payment_type", "2", None), ""),
        (Finding("counts", "payment", "payment", "records", "2", None), ""),
    ],
)
def test_money_is_decimal_text_in_a_column_of_its_own(finding: Finding, money: str) -> None:
    assert money_of(finding, finding.expected, 2) == money


def test_metrics_count_what_lasts_and_reset_what_healed() -> None:
    def findings() -> float | None:
        return metrics.REGISTRY.get_sample_value("crossfade_findings", {"level": "record", "entity": "customer"})

    measure(a_result(replace(STATUS, confirmed=True), STATUS))
    assert findings() == 1
    measure(a_result())
    assert findings() == 0
    assert (metrics.REGISTRY.get_sample_value("crossfade_last_reconciliation_timestamp_seconds") or 0) > 0


def test_progress_tells_every_few_seconds_how_much_is_left() -> None:
    now, said = [0.0], list[str]()
    teller = Teller(said.append, lambda: now[0])
    for done in (100, 200, 300, 400):
        teller("customers of Splynx", done, 1000)
        now[0] += 2
    teller("payments of Sonar", 50, None)
    assert said == ["customers of Splynx: 300 of 1000, about 9 s left", "payments of Sonar: 50"]


class Away(SyncError):
    code = "test.away"
    action = Action.RETRY


class Wrong(SyncError):
    code = "test.wrong"
    action = Action.HALT


def outcomes(*errors: type[BaseException] | None) -> Callable[[], None]:
    """A reconciliation that ends so, one time after the other."""
    left = list(errors)

    def once() -> None:
        error = left.pop(0)
        if error is not None:
            raise error("a test")

    return once


def test_what_may_pass_is_put_off_to_the_next_time_and_an_interrupt_ends_it() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    done: list[int] = []
    times = outcomes(None, Away, None, KeyboardInterrupt)

    def once() -> None:
        times()
        done.append(1)

    try:
        repeat(0, once)
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert len(done) == 2, "before and after the time that was put off"


def test_a_wrong_set_up_ends_it_with_its_error() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(Wrong):
            repeat(0, outcomes(Wrong))
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_a_file_for_the_findings_that_cannot_be_written_is_told_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot write") as told:
        require_writable(tmp_path / "nowhere" / "findings.csv")
    assert "--csv" in told.value.next_step
