"""Faults on demand: which requests they hit, and what they make of the conditions."""

import pytest
from pydantic import ValidationError

from sandbox.sonar.compile import Conditions
from sandbox.sonar.faults import Fault, FaultQueue, conditions
from sandbox.sonar.limits import RateLimit


def kinds(queue: FaultQueue, *roots: str) -> list[str]:
    return [fault.kind for fault in queue.take(roots)]


def test_faults_that_replace_the_answer_hit_one_request_each_in_order() -> None:
    queue = FaultQueue()
    for kind in ("429", "html", "errors"):
        queue.add(Fault.model_validate({"kind": kind}))
    assert [kinds(queue, "accounts") for _ in range(4)] == [["429"], ["html"], ["errors"], []]


def test_a_fault_waits_for_the_collection_it_is_meant_for() -> None:
    queue = FaultQueue()
    queue.add(Fault(kind="500", match="payment"))
    assert kinds(queue, "accounts") == []
    assert kinds(queue, "accounts", "reversed_payments") == ["500"]
    assert queue.waiting() == []


def test_a_fault_may_let_requests_pass_first_and_hit_several() -> None:
    queue = FaultQueue()
    queue.add(Fault(kind="500", skip=2, count=2))
    assert [kinds(queue, "accounts") for _ in range(5)] == [[], [], ["500"], ["500"], []]


def test_a_fault_without_a_count_stays_until_it_is_cleared() -> None:
    queue = FaultQueue()
    queue.add(Fault(kind="slow", count=None, seconds=0.1))
    assert [kinds(queue) for _ in range(3)] == [["slow"]] * 3
    queue.clear()
    assert kinds(queue) == []


def test_a_request_meets_damage_and_an_end_together() -> None:
    queue = FaultQueue()
    queue.add(Fault(kind="clamp", rows=5, count=None))
    queue.add(Fault(kind="cutoff"))
    assert kinds(queue, "accounts") == ["clamp", "cutoff"]


def test_an_unknown_kind_or_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "earthquake"})
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "500", "cuont": 2})


def test_faults_become_conditions() -> None:
    met = [
        Fault(kind="clamp", rows=7),
        Fault(kind="permission", field="Account.contacts", bubbles=False),
        Fault(kind="empty", match="pay"),
        Fault(kind="page_info", match="accounts"),
    ]
    assert conditions(met, ["accounts", "payments"], Conditions(largest_page=1000)) == Conditions(
        largest_page=7,
        denied=frozenset({"Account.contacts"}),
        bubbles=False,
        emptied=frozenset({"payments"}),
        uncounted=frozenset({"accounts"}),
    )


def test_the_limit_counts_per_token_and_starts_again_after_a_minute() -> None:
    now = [0.0]
    limit = RateLimit(2, clock=lambda: now[0])
    assert [limit.admits("a") for _ in range(3)] == [True, True, False]
    assert limit.admits("b")
    now[0] = 60.0
    assert limit.admits("a")


def test_a_limit_of_zero_is_none() -> None:
    limit = RateLimit(0)
    assert all(limit.admits("a") for _ in range(1000))
