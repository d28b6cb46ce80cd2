"""Why a record differs: the first explanation that holds, with the message it comes from."""

from dataclasses import replace
from typing import Any, cast

import pytest

from reconciliation.causes import Causes, Known, cause_of, root_of
from reconciliation.crosswalk import Link
from reconciliation.events import Newest
from reconciliation.findings import Cause, Finding
from schemas.ledger import DOUBTED, ROLLED_BACK
from schemas.topics import Topics

TOPICS = Topics("main")
EVENT = Newest("payment", 9, 5, 100, "sonar.main.payment", 2, 40)
BUNDLE = (100, 2, 41)
LINK = Link("payment", "9", 77, "live", 0, {})
AT_EVENT = ("sonar.main.payment", 2, 40)
AT_BUNDLE = ("splynx.main.payment", 2, 41)


def a_finding(check: str = "fields", actual: str | None = "13", expected: str | None = "12") -> Finding:
    return Finding(check, "payment", "9", "amount", expected, actual)


def known(**more: Any) -> Known:
    return replace(Known(EVENT, BUNDLE, None, LINK), **more)


HELD = {"state": "parked", "code": "sink.parent_missing", "topic": "splynx.main.payment", "partition_no": 2,
        "topic_offset": 41}  # fmt: skip
REFUSED = Newest("payment", 9, 5, 100, "sonar.main.payment", 2, 40, "mapping.unmapped_value")


@pytest.mark.parametrize(
    ("finding", "facts", "fields_differ", "cause"),
    [
        pytest.param(
            a_finding(), known(held=HELD), True, Cause("parked: sink.parent_missing", *AT_BUNDLE), id="held back"
        ),
        pytest.param(
            a_finding(), known(event=None, bundle=None), True,
            Cause("not captured: Sonar's record is on no topic"), id="not captured",
        ),
        pytest.param(
            a_finding(), known(event=REFUSED), True, Cause("dead letter: mapping.unmapped_value", *AT_EVENT),
            id="dead letter",
        ),
        pytest.param(
            a_finding(), known(bundle=(99, 2, 41)), True,
            Cause("late: the newest event has not reached the ledger", *AT_EVENT), id="late",
        ),
        pytest.param(
            a_finding("record"), known(), False, Cause("mapper: its bundle asks for what Splynx has", *AT_BUNDLE),
            id="the mapper's mistake",
        ),
        pytest.param(
            a_finding("record"), known(outcome=ROLLED_BACK), False,
            Cause("taken back: its bundle has not come again", *AT_BUNDLE), id="rolled back",
        ),
        pytest.param(
            a_finding(), known(outcome=DOUBTED), True,
            Cause("doubted: the answer to a call was lost, and its bundle has not come again", *AT_BUNDLE),
            id="doubted",
        ),
        pytest.param(
            a_finding(), known(outcome=DOUBTED, bundle=(99, 2, 41)), True,
            Cause("late: the newest event has not reached the ledger", *AT_EVENT), id="doubted, and late",
        ),
        pytest.param(a_finding(), known(), True, Cause("changed in Splynx", *AT_BUNDLE), id="edited"),
        pytest.param(
            a_finding(), known(conflict="open"), True, Cause("conflict: it waits for a decision", *AT_BUNDLE),
            id="edited, and held",
        ),
        pytest.param(a_finding(actual=None), known(), True, Cause("removed in Splynx", *AT_BUNDLE), id="removed"),
        pytest.param(
            a_finding(), known(link=None), True, Cause("sink: not written as its bundle asks", *AT_BUNDLE),
            id="not written",
        ),
        pytest.param(
            a_finding(expected="withdrawn"), known(), True, Cause("sink: not withdrawn", *AT_BUNDLE), id="not withdrawn"
        ),
        pytest.param(a_finding("M1"), known(), True, Cause("changed in Splynx", *AT_BUNDLE), id="deposit"),
    ],
)  # fmt: skip
def test_the_first_explanation_that_holds_is_told(
    finding: Finding, facts: Known, fields_differ: bool, cause: Cause
) -> None:
    assert cause_of(finding, facts, fields_differ, TOPICS) == cause


async def test_what_became_of_its_bundle_is_read_of_each_record() -> None:
    outcomes = {9: DOUBTED, 10: "applied"}

    class Ledger:
        async def fetch(self, sql: str, values: list[Any]) -> list[dict[str, Any]]:
            if "FROM aggregates" not in sql:
                return []
            where = {"sequence": 100, "partition_no": 2, "topic_offset": 41}
            return [{"sonar_id": id, "outcome": outcome} | where for id, outcome in outcomes.items()]

    class Events:
        def find(self, aggregate: str, sonar_id: int) -> Newest:
            return replace(EVENT, aggregate=aggregate, id=sonar_id)

    causes = Causes(cast("Any", Events()), cast("Any", Ledger()), TOPICS)
    told = await causes.explained([replace(a_finding(), key=str(id)) for id in outcomes])
    assert [one.cause.why.partition(":")[0] for one in told] == ["doubted", "sink"]


@pytest.mark.parametrize(
    ("entity", "key", "root"),
    [
        ("customer", "5", ("account", 5)),
        ("customer_billing", "5", ("account", 5)),
        ("payment", "9-R4", ("payment", 9)),
        ("payment", "splynx:77", None),
        ("partner", "3", ("company", 3)),
        ("internet_tariff", "101", ("service", 101)),
        ("label", "group:1", ("account_group", 1)),
        ("label", "type:2", ("account_type", 2)),
        ("label", "flag:archived", None),
    ],
)
def test_a_record_leads_to_its_aggregate(entity: str, key: str, root: tuple[str, int] | None) -> None:
    assert root_of(Finding("record", entity, key, "record", "present", None)) == root


def test_a_service_leads_to_its_account_and_a_copy_that_splynx_made_to_none() -> None:
    ours = Finding("record", "internet_service", "501", "status", "active", "disabled", ("5",))
    assert root_of(ours) == ("account", 5)
    assert root_of(replace(ours, key="splynx:77", expected=None)) is None


def test_a_sum_leads_to_none() -> None:
    assert root_of(Finding("balance", "customer", "5", "payments_minor", "1", "2")) is None
