"""While the ISP lives and is followed, what is only late is never found, and what lasts is."""

import time

import pytest

from tests.integration.reconciliation.conftest import Pair, found

pytestmark = pytest.mark.timeout(400)
RATE = 3.0
"""Events per second over 30 accounts: at most moments some are on their way."""
TRIES = 12


def live(pair: Pair) -> None:
    pair.site.tell(pair.site.sonar.control, "world", {"action": "resume", "rate": RATE})


def pause(pair: Pair) -> None:
    pair.site.tell(pair.site.sonar.control, "world", {"action": "pause"})


def test_a_living_source_has_no_false_finding_and_no_gap(pair: Pair) -> None:
    live(pair)
    try:
        documents = [pair.reconcile(), pair.reconcile()]
        while not any(document["looks"] > 1 for document in documents) and len(documents) < TRIES:
            documents.append(pair.reconcile())
        audited = pair.run("status", "--audit", "--json")
    finally:
        pause(pair)
    for document in documents:
        assert document["findings"] == []
        # What changed at each look is counted, never judged.
        assert document["code"] == (75 if document["unsettled"] else 0)
    assert (audited.code, audited.document["audit"]) == (0, [])
    assert any(document["looks"] > 1 for document in documents), "nothing was on its way: the test says nothing"


def test_a_difference_that_lasts_is_found_while_the_source_lives(pair: Pair) -> None:
    pause(pair)
    rows = pair.site.rows(
        "SELECT record_key AS account FROM {ledger}.crosswalk WHERE entity = 'customer' AND state = 'live'"
        " ORDER BY CAST(record_key AS UNSIGNED) LIMIT 3"
    )
    customers = {row["account"]: pair.target_id("customer", row["account"]) for row in rows}
    for target_id in customers.values():
        pair.execute(f"UPDATE customer_billing SET deposit = deposit + 1 WHERE customer_id = {target_id}")
    live(pair)
    try:
        document = pair.reconcile()
    finally:
        pause(pair)
        for target_id in customers.values():
            pair.execute(f"UPDATE customer_billing SET deposit = deposit - 1 WHERE customer_id = {target_id}")
    assert found(document) == sorted(("M1", "customer_billing", account, "deposit_minor") for account in customers)
    assert document["code"] == 3


def test_a_source_that_stands_still_again_is_equal_to_the_last_record(pair: Pair) -> None:
    pause(pair)
    time.sleep(1)
    document = pair.reconcile()
    assert (document["code"], document["findings"], document["unsettled"]) == (0, [], 0)
    assert document["customers"][0] >= 30
