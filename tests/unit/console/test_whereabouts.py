"""A trace says where a record stands and why it is not further."""

from typing import Any

import pytest

from console.history import History, Letter, shown
from console.whereabouts import conclude
from schemas.catalogue import aggregate

EVENT = {"topic": "sonar.m.account", "partition": 1, "offset": 7, "op": "u", "sequence": 20}
BUNDLE = {
    "topic": "splynx.m.account", "partition": 1, "offset": 3, "sequence": 20, "rules_generation": 2, "deleted": False,
    "reason": None,
}  # fmt: skip
ROW = {"entity": "customer", "record_key": "5", "target_id": 42, "state": "live"}
HELD = {
    "entity": "customer", "record_key": "5", "state": "parked", "code": "sink.parent_missing",
    "reason": "waits for partner 9", "waits_entity": "partner", "waits_key": "9",
}  # fmt: skip


def a_letter(stage: str, at: dict[str, Any]) -> Letter:
    return Letter(stage, "mapping.invalid", "name is missing", "2026", at["topic"], at["partition"], at["offset"])


def a_ledger(sequence: int = 20, generation: int = 2, **more: Any) -> dict[str, Any]:
    newest = {"sequence": sequence, "generation": generation, "outcome": "applied"}
    return {"newest": newest, "crosswalk": [ROW], "held": [], "conflicts": [], "journal": [], **more}


def taken_back(*actions: str) -> dict[str, Any]:
    """After a rollback; the customer's entries in the journal are of these actions."""
    entries = [
        {"entity": "customer", "record_key": "5", "action": action, "run_id": f"run-{place}"}
        for place, action in enumerate(actions)
    ]
    return a_ledger(newest={"sequence": 20, "generation": 2, "outcome": "rolled_back"}, journal=entries)


def conflicts(*states: str) -> list[dict[str, Any]]:
    """Conflicts about one field, one after the other."""
    return [{"entity": "customer", "record_key": "5", "field": "city", "state": state} for state in states]


@pytest.mark.parametrize(
    ("history", "ledger", "stage", "says"),
    [
        pytest.param(History([], [], []), None, "sonar", "No event of account 5", id="never read"),
        pytest.param(
            History([], [], [Letter("capture", "capture.too_big", "9 MiB", "2026")]), None, "sonar", "too_big",
            id="refused by capture",
        ),
        pytest.param(History([EVENT], [], []), None, "capture", "not mapped yet", id="processors are behind"),
        pytest.param(
            History([EVENT, {**EVENT, "offset": 8, "sequence": 21}], [BUNDLE], []), a_ledger(), "capture",
            "sequence 21", id="a newer event than its bundle",
        ),
        pytest.param(
            History([EVENT], [], [a_letter("process", EVENT)]), None, "capture", "mapping.invalid",
            id="set aside by a mapper",
        ),
        pytest.param(History([EVENT], [BUNDLE], []), None, "process", "not in the ledger yet", id="sink is behind"),
        pytest.param(
            History([EVENT], [BUNDLE], []), a_ledger(19), "process", "not in the ledger yet", id="an older one is in"
        ),
        pytest.param(
            History([EVENT], [BUNDLE], []), a_ledger(20, 1), "process", "not in the ledger", id="mended rules come"
        ),
        pytest.param(
            History([EVENT], [BUNDLE], [a_letter("sink", BUNDLE)]), None, "process", "The sink set it aside",
            id="set aside by the sink",
        ),
        pytest.param(
            History([EVENT], [BUNDLE], []), a_ledger(held=[{**HELD, "state": "deferred"}, HELD]), "sink",
            "is parked: waits for partner 9 [sink.parent_missing]", id="parked, which outweighs deferred",
        ),
        pytest.param(
            History([EVENT], [BUNDLE], []), a_ledger(conflicts=conflicts("agreed", "open")), "splynx",
            "somebody edited there: customer.city", id="edited in Splynx, and held",
        ),
        pytest.param(
            History([EVENT], [BUNDLE], []), taken_back("change", "undo-change"), "splynx", "taken back by run run-1",
            id="taken back",
        ),
        pytest.param(
            History([EVENT], [BUNDLE], []), a_ledger(newest={"sequence": 20, "generation": 2, "outcome": "doubted"}),
            "splynx", "The answer to a call for it was lost", id="doubted",
        ),
    ],
)  # fmt: skip
def test_what_did_not_arrive_is_told_with_the_next_step(
    history: History, ledger: dict[str, Any] | None, stage: str, says: str
) -> None:
    found = conclude("account", 5, history, ledger)
    assert (found.arrived, found.stage) == (False, stage)
    assert says in found.says
    assert found.next_step


@pytest.mark.parametrize(
    ("bundle", "ledger", "says"),
    [
        pytest.param(BUNDLE, a_ledger(), "In Splynx as customer 42", id="written"),
        pytest.param(
            BUNDLE, taken_back("change", "undo-change", "redo-change"), "In Splynx as customer 42",
            id="taken back, and that too",
        ),
        pytest.param(
            BUNDLE, a_ledger(journal=taken_back("change", "undo-change")["journal"]), "In Splynx as customer 42",
            id="taken back, and written again",
        ),
        pytest.param(
            BUNDLE,
            a_ledger(conflicts=conflicts("overwritten", "kept")),
            "but for customer.city, where somebody decided",
            id="edited, and kept",
        ),
        pytest.param(
            BUNDLE, a_ledger(conflicts=conflicts("open", "agreed")), "as Sonar last had it.", id="edited, and over"
        ),
        pytest.param({**BUNDLE, "deleted": True}, a_ledger(crosswalk=[{**ROW, "state": "gone"}]), "deleted", id="gone"),
        pytest.param(
            {**BUNDLE, "reason": "leads are not carried"},
            a_ledger(crosswalk=[]),
            "leads are not carried",
            id="left out",
        ),
    ],
)  # fmt: skip
def test_what_splynx_has_as_it_should_has_arrived(bundle: dict[str, Any], ledger: dict[str, Any], says: str) -> None:
    found = conclude("account", 5, History([EVENT], [bundle], []), ledger)
    assert (found.arrived, found.stage) == (True, "splynx")
    assert says in found.says


def test_settings_have_no_row_in_splynx() -> None:
    assert conclude("system_setting", 1, History([EVENT], [], []), None).arrived


def test_a_password_is_shown_to_nobody() -> None:
    bundle = {
        "customer": [{"key": "5", "password": "s3cret", "name": "Ada Example"}], "customer_info": None,
        "customer_billing": [], "internet_service": None,
    }  # fmt: skip
    found = shown(aggregate("account"), bundle)
    assert found["customer"] == [{"key": "5", "password": "(hidden)", "name": "Ada Example"}]
    assert (found["customer_info"], found["customer_billing"]) == (None, [])
