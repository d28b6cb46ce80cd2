"""What a record returns to, from its entries in the journal."""

from typing import Any

import pytest

from schemas.catalogue import TARGETS
from schemas.ledger import GONE, LIVE, ORPHANED
from sinks.bodies import Shape
from sinks.plan import Known
from sinks.undo import EXTRA, REDO, UNDO, Entry, Undo, Way, action_of, payment_of, state_after, undo_of, written_for
from sinks.undo_rows import ahead_of, body_of, document_after, edited, image_of, image_of_done, written_of

CUSTOMER, LABEL, PAYMENT = (TARGETS[name] for name in ("customer", "label", "payment"))
SERVICE = Shape(TARGETS["internet_service"])
SHAPE = Shape(CUSTOMER)
DOCUMENT = {"key": "5", "name": "Wrong Example", "status": "active", "sonar_status": "Active", "custom": {"gate": "9"}}


def known(state: str = LIVE, document: dict[str, Any] = DOCUMENT) -> Known:
    return Known("customer", "5", 42, "h", 7, state, 0, document)


def entry(
    id: int,
    action: str,
    before: dict[str, Any] | None = None,
    run: str = "r1",
    undoes: int | None = None,
    batch: int = 0,
) -> Entry:
    return Entry(id, run, action, before, undoes, batch)


MADE, CHANGED = entry(1, "create"), entry(2, "change", {"name": "Anna Example"}, "r2")


def test_a_row_that_we_made_is_withdrawn_and_one_that_we_changed_restored() -> None:
    assert undo_of([MADE], {1}, known()).way is Way.WITHDRAW
    undo = undo_of([MADE, CHANGED], {2}, known())
    assert (undo.way, undo.before) == (Way.RESTORE, {"name": "Anna Example"})


def test_a_payment_that_came_back_has_a_row_of_its_own_which_is_withdrawn() -> None:
    entries = [entry(1, "create"), entry(2, "compensate"), entry(3, "change", None, "r3")]
    assert undo_of(entries, {3}, known()).way is Way.WITHDRAW
    assert undo_of(entries[:2], {2}, known(GONE)).way is Way.RESTORE


def test_half_an_undoing_of_a_run_that_died_is_gone_on_with_and_what_came_after_it_is_not() -> None:
    """A payment that was moved is taken back where it is, and was not made yet where it had been."""
    entries = [MADE, entry(2, "change", {"charged": 1}, "r2"), entry(3, "undo-compensate", {"charged": 2}, "r3")]
    undo = undo_of(entries, {2}, known(GONE))
    assert (undo.way, undo.before, undo.undoes) == (Way.RESTORE, {"charged": 1}, 2)
    again = undo_of([*entries, entry(4, "change", None, "r4")], {2}, known())
    assert (again.way, again.why) == (Way.LEFT, "written again by run r4: undo that first")


def test_a_customer_that_had_been_withdrawn_before_is_withdrawn_again() -> None:
    entries = [MADE, entry(2, "gone", {"status": "active"}), entry(3, "change", {"status": "disabled"}, "r3")]
    undo = undo_of(entries, {3}, known())
    assert (undo.way, dict(undo.before)) == (Way.RESTORE, {"status": "disabled"})
    assert (state_after(undo, CUSTOMER), action_of(undo, known(), money=False)) == (GONE, "undo-gone")
    # That is undone as any withdrawal is.
    again = undo_of([*entries, entry(4, "undo-gone", {"status": "active"}, "r4", 3)], {4}, known(GONE))
    assert (again.way, again.was_gone, state_after(again, CUSTOMER)) == (Way.RESTORE, False, LIVE)


def test_a_customer_that_came_again_after_its_making_was_undone_is_withdrawn_again() -> None:
    entries = [
        MADE,
        entry(2, "undo-gone", {"status": "active"}, "r2", 1),
        entry(3, "change", {"status": "disabled"}, "r3"),
    ]
    undo = undo_of(entries, {3}, known())
    assert (undo.way, undo.was_gone, state_after(undo, CUSTOMER)) == (Way.RESTORE, True, GONE)
    # One that was there before us, of which a change was undone, stays live.
    theirs = [
        entry(1, "change", {"name": "A"}),
        entry(2, "undo-change", {"name": "B"}, "r2", 1),
        entry(3, "change", {}, "r3"),
    ]
    assert not undo_of(theirs, {3}, known()).was_gone


def test_of_several_images_the_earliest_of_each_column_counts() -> None:
    entries = [
        entry(1, "change", {"name": "A", EXTRA: {"sonar_status": "Old"}}),
        entry(2, "change", {"name": "B", "city": "C", EXTRA: {"sonar_status": "Newer", "sonar_city": "C"}}),
        entry(3, "gone", {"status": "active"}),
    ]
    undo = undo_of(entries, {1, 2, 3}, known(GONE))
    assert (undo.way, dict(undo.before)) == (
        Way.RESTORE,
        {"name": "A", "city": "C", "status": "active", EXTRA: {"sonar_status": "Old", "sonar_city": "C"}},
    )


@pytest.mark.parametrize(
    ("entries", "chosen", "record", "why"),
    [
        pytest.param([MADE, CHANGED], {1}, known(), "written again by run r2: undo that first", id="a later run"),
        pytest.param(
            [MADE, entry(2, "change", {"name": "Anna Example"}, batch=7)], {1}, known(),
            "written again by batch r1/7: undo that first", id="a later batch of the run itself",
        ),
        pytest.param(
            [CHANGED, entry(3, "undo-change", {}, "r3", 2)], {2}, known(), "undone already by run r3", id="undone"
        ),
        pytest.param([MADE], {1}, known(GONE), "withdrawn already", id="it is gone"),
        pytest.param([MADE], {1}, None, "the ledger does not know it any more", id="a rebuilt ledger"),
    ],
)  # fmt: skip
def test_what_cannot_be_undone_is_left_with_the_reason(
    entries: list[Entry], chosen: set[int], record: Known | None, why: str
) -> None:
    undo = undo_of(entries, chosen, record)
    assert (undo.way, undo.why) == (Way.LEFT, why)


REVIVED, TAKEN_BACK = entry(3, "change", None, "r3"), entry(4, "compensate", {"amount": "7"}, "r3")


def test_what_a_later_run_made_and_withdrew_again_holds_up_no_undoing_of_an_earlier_one() -> None:
    """That run has nothing to undo any more, and so could not be undone first."""
    entries = [MADE, entry(2, "compensate", {"amount": "5"}, "r2"), REVIVED, TAKEN_BACK]
    assert undo_of(entries, {3, 4}, known(GONE)).why == "withdrawn already"
    undo = undo_of(entries, {2}, known(GONE))
    assert (undo.way, undo.undoes, dict(undo.before)) == (Way.RESTORE, 2, {"amount": "5"})
    # Undone, it is over, and so is what came to nothing behind it.
    undone = [*entries, entry(5, "undo-revive", None, "r5", 2)]
    assert undo_of(undone, {1}, known()).way is Way.WITHDRAW
    assert undo_of(undone, {3, 4}, known()).why == "undone already by run r5"


def test_what_a_later_run_made_and_left_there_does_hold_it_up() -> None:
    entries = [MADE, entry(2, "compensate", {"amount": "5"}, "r2"), REVIVED]
    assert undo_of(entries, {2}, known()).why == "written again by run r3: undo that first"
    # Of a pair of which one half is chosen, the other half counts.
    halves = [*entries, entry(4, "compensate", {"amount": "7"}, "r4")]
    assert undo_of(halves, {2, 4}, known(GONE)).why == "written again by run r3: undo that first"


def test_an_undoing_can_be_undone_and_what_it_undid_be_undone_again() -> None:
    undone = [MADE, entry(3, "undo-gone", {"status": "active"}, "r3", 1)]
    redo = undo_of(undone, {3}, known(GONE))
    assert (redo.way, redo.mark, redo.undoes, dict(redo.before)) == (Way.RESTORE, REDO, 3, {"status": "active"})
    assert action_of(redo, known(GONE), money=False) == "redo-revive"
    redone = [*undone, entry(4, "redo-revive", {"status": "disabled"}, "r4", 3)]
    for chosen in (1, 4):  # the write, or the run that has it in effect again
        again = undo_of(redone, {chosen}, known())
        assert (again.way, again.mark, again.undoes) == (Way.WITHDRAW, UNDO, 1)
    twice = undo_of(redone, {3}, known())
    assert (twice.way, twice.why) == (Way.LEFT, "undone already by run r4")


def test_of_two_runs_the_older_can_be_undone_once_the_newer_is() -> None:
    second, third = entry(2, "change", {"name": "A"}, "r2"), entry(3, "change", {"name": "B"}, "r3")
    undone = [MADE, second, third, entry(4, "undo-change", {"name": "C"}, "r4", 3)]
    undo = undo_of(undone, {2}, known())
    assert (undo.way, dict(undo.before), undo.undoes) == (Way.RESTORE, {"name": "A"}, 2)
    both = [*undone, entry(5, "undo-change", {"name": "B"}, "r5", 2)]
    assert undo_of(both, {2}, known()).why == "undone already by run r5"
    # The undoings are undone in the order of a stack, too.
    assert undo_of(both, {4}, known()).why == "undone further by run r5: undo that first"
    assert dict(undo_of(both, {5}, known()).before) == {"name": "B"}
    redone = [*both, entry(6, "redo-change", {"name": "A"}, "r6", 5)]
    assert dict(undo_of(redone, {4}, known()).before) == {"name": "C"}


def test_what_was_written_after_an_undoing_hinders_undoing_that() -> None:
    entries = [MADE, CHANGED, entry(3, "undo-change", {"name": "B"}, "r3", 2), entry(4, "change", {"name": "A"}, "r4")]
    assert undo_of(entries, {3}, known()).why == "written again by run r4: undo that first"
    assert dict(undo_of(entries, {4}, known()).before) == {"name": "A"}
    # Since a moment before all of it: what was undone by then is not undone twice.
    undo = undo_of(entries, {2, 3, 4}, known())
    assert (undo.way, dict(undo.before), undo.undoes) == (Way.RESTORE, {"name": "A"}, 4)


def test_only_columns_that_we_own_return() -> None:
    before = {"name": "Anna", EXTRA: {"sonar_status": "Old", "gate": None, "theirs": "x", "sonar_id": "5"}}
    body = body_of(Undo(Way.RESTORE, before), SHAPE, DOCUMENT, {}, {})
    assert body == {"name": "Anna", EXTRA: {"sonar_status": "Old", "gate": ""}}


def test_labels_of_ours_return_and_those_of_others_stay_as_they_are_now() -> None:
    before = {"customer_labels": [{"id": 1}, {"id": 2}, 50]}
    current = {"customer_labels": [{"id": 3}, {"id": 60}]}
    # 1 to 3 are ours; 50 somebody took away since, and 60 somebody gave.
    body = body_of(Undo(Way.RESTORE, before), SHAPE, DOCUMENT, current, {"label": {1, 2, 3}})
    assert body == {"customer_labels": [1, 2, 60]}


def test_a_customer_that_we_made_is_disabled_and_a_label_stays() -> None:
    assert body_of(Undo(Way.WITHDRAW), SHAPE, DOCUMENT, {}, {}) == {"status": "disabled"}
    assert body_of(Undo(Way.WITHDRAW), Shape(LABEL), {}, {}, {}) == {}
    states = [state_after(Undo(way), target) for way in (Way.WITHDRAW, Way.RESTORE) for target in (CUSTOMER, LABEL)]
    assert states == [GONE, ORPHANED, LIVE, LIVE]


def test_a_service_that_we_made_ends_on_the_day_it_began_for_without_an_end_it_would_be_charged() -> None:
    document = {"key": "501", "status": "active", "start_date": "2026-01-05", "end_date": "0000-00-00"}
    ended = body_of(Undo(Way.WITHDRAW), SERVICE, document, document, {})
    assert ended == {"status": "disabled", "end_date": "2026-01-05"}
    written = written_of(SERVICE, document | {"customer_id": 5}, known(GONE, document))
    assert (written["status"], "end_date" in written) == ("disabled", False)
    assert written_of(SERVICE, document, known(LIVE, document))["end_date"] == "0000-00-00"


@pytest.mark.parametrize(
    ("undo", "opens"),
    [
        pytest.param(Undo(Way.RESTORE, {"status": "active"}), True, id="to active"),
        pytest.param(Undo(Way.RESTORE, {"status": "disabled"}), False, id="to disabled"),
        pytest.param(Undo(Way.RESTORE, {"name": "A"}), False, id="another column"),
        pytest.param(Undo(Way.WITHDRAW, {"status": "active"}), False, id="withdrawn"),
    ],
)
def test_what_is_opened_again_is_told_for_dependants_come_after_it(undo: Undo, opens: bool) -> None:
    assert undo.opens == opens


@pytest.mark.parametrize(
    ("undo", "current", "columns"),
    [
        pytest.param(Undo(Way.RESTORE, {"name": "A"}), {"name": "Wrong Example"}, [], id="as we wrote it"),
        pytest.param(Undo(Way.RESTORE, {"name": "A"}), {"name": "By Hand"}, ["name"], id="edited"),
        pytest.param(
            Undo(Way.RESTORE, {"status": "new"}), {"name": "By Hand", "status": "active"}, [], id="another column"
        ),
        pytest.param(
            Undo(Way.RESTORE, {EXTRA: {"sonar_status": "Old"}}),
            {EXTRA: {"sonar_status": "Active", "gate": "by hand"}}, [], id="another additional field",
        ),
        pytest.param(
            Undo(Way.RESTORE, {EXTRA: {"sonar_status": "Old"}}),
            {EXTRA: {"sonar_status": "by hand"}}, ["sonar_status"], id="that additional field",
        ),
        pytest.param(Undo(Way.WITHDRAW), {"name": "By Hand", "status": "active"}, ["name"], id="a row that we made"),
    ],
)  # fmt: skip
def test_an_edit_of_a_column_that_would_return_is_seen(undo: Undo, current: dict[str, Any], columns: list[str]) -> None:
    written = written_of(SHAPE, DOCUMENT, known())
    assert edited(undo, SHAPE, written, current) == columns


def test_a_customer_that_was_withdrawn_was_disabled_by_us() -> None:
    written = written_of(SHAPE, DOCUMENT, known(GONE))
    assert edited(Undo(Way.RESTORE, {"status": "active"}), SHAPE, written, {"status": "disabled"}) == []
    assert edited(Undo(Way.RESTORE, {"status": "active"}), SHAPE, written, {"status": "active"}) == ["status"]


def test_what_returned_counts_as_written_last() -> None:
    body = {"name": "Anna", EXTRA: {"sonar_status": "Old", "gate": "1"}}
    kept = document_after(Undo(Way.RESTORE), SHAPE, DOCUMENT, body)
    assert kept == {**DOCUMENT, "name": "Anna", "sonar_status": "Old", "custom": {"gate": "1"}}
    assert DOCUMENT["custom"] == {"gate": "9"}
    assert document_after(Undo(Way.WITHDRAW), SHAPE, DOCUMENT, {"status": "disabled"}) == DOCUMENT


def test_a_payment_is_as_its_row_was_to_the_last_digit() -> None:
    row = {
        "payment_type": "3", "receipt_number": "SP10-X2", "date": "2026-03-04", "amount": "-12.5050",
        "remind_amount": "0.0000", "real_create_datetime": "2026-03-04 05:06:07", "comment": "c", "memo": "m",
        **{f"field_{number}": "" for number in range(1, 6)},
    }  # fmt: skip
    document = {"key": "10", "receipt_number": "SP10", "amount_minor": 9, "exponent": 2, "customer_id": "ref"}
    kept = payment_of(Undo(Way.RESTORE, row), known(document=document))
    assert (kept["amount_minor"], kept["remind_minor"], kept["exponent"]) == (-125050, 0, 4)
    assert (kept["receipt_number"], kept["payment_type"], kept["customer_id"]) == ("SP10", 3, "ref")
    assert payment_of(Undo(Way.RESTORE), known(document=document)) == document


@pytest.mark.parametrize(("amount", "minor"), [("5", 50000), ("0.5", 5000), ("-0.05", -500), ("1.2345", 12345)])
def test_an_amount_of_a_row_becomes_minor_units_exactly(amount: str, minor: int) -> None:
    row = dict.fromkeys(
        ["date", "real_create_datetime", "comment", "memo", *(f"field_{number}" for number in range(1, 6))], ""
    )
    row |= {"payment_type": "1", "receipt_number": "SP1", "amount": amount, "remind_amount": "0"}
    assert payment_of(Undo(Way.RESTORE, row), known(document={"receipt_number": "SP1"}))["amount_minor"] == minor


def test_an_action_says_what_was_done_and_by_whom() -> None:
    names = [
        action_of(Undo(Way.WITHDRAW), known(), money=True),
        action_of(Undo(Way.WITHDRAW, mark=REDO), known(), money=False),
        action_of(Undo(Way.RESTORE), known(), money=False),
        action_of(Undo(Way.RESTORE), known(GONE), money=True),
    ]
    assert names == ["undo-compensate", "redo-gone", "undo-change", "undo-revive"]
    assert max(len(name) for name in names) <= 16  # of the column
    assert PAYMENT.money


def test_what_a_row_has_already_is_told_from_an_edit_and_its_image_is_what_had_been_written() -> None:
    """A rollback that was interrupted had done it: nobody edited it, and the undoing can be undone."""
    body = {"name": "Old", "city": "X", "labels": [1], EXTRA: {"sonar_status": "Old", "gate": "1"}}
    written = {"name": "New", "city": "Y", "labels": [1, 2], EXTRA: {"sonar_status": "New", "gate": "1"}}
    current = {"name": "Old", "city": "Y", "labels": [{"id": 1}], EXTRA: {"sonar_status": "Old", "gate": "1", "t": 3}}
    ahead = ahead_of(body, written, current)
    assert ahead == {"name": "New", "labels": [1, 2], EXTRA: {"sonar_status": "New"}}
    assert image_of(current, {"city": "X"}, ahead) == {
        "city": "Y", "name": "New", "labels": [1, 2], EXTRA: {"sonar_status": "New"},
    }  # fmt: skip
    # What somebody made of it is neither.
    assert ahead_of(body, written, current | {"name": "By hand"}) == {k: v for k, v in ahead.items() if k != "name"}


def test_of_a_change_whose_answer_was_lost_the_image_holds_what_it_did() -> None:
    sent = {"name": "New", "city": "Y", EXTRA: {"sonar_status": "New", "gate": "2"}}
    before = {"name": "Old", "city": "X", EXTRA: {"sonar_status": "Old", "gate": "1"}}
    row = {"name": "New", "city": "By hand", EXTRA: {"sonar_status": "New", "gate": "By hand", "t": 3}}
    assert image_of_done(sent, before, row, whole=False) == {"name": "Old", EXTRA: {"sonar_status": "Old"}}
    assert image_of_done(sent, before, row, whole=True) == before
    assert image_of_done(sent, before, before, whole=True) == {}


BY_SQL = [entry(1, "create"), entry(2, "change", {"customer_id": "21", "charged": "21", "amount": "9"})]
OVER_REST = [entry(1, "create"), entry(2, "compensate", {"customer_id": 21}, "r2", batch=3)]


@pytest.mark.parametrize(
    ("entries", "customer", "first", "second"),
    [
        pytest.param(BY_SQL, "2", {1}, {2}, id="it moved, by SQL"),
        pytest.param(
            [*OVER_REST, entry(3, "change", None, "r2", batch=3)], "2", {1}, {2, 3},
            id="it moved, over REST: what takes it back where it was is half of that",
        ),
        pytest.param(
            [*OVER_REST, entry(3, "change", None, "r2", batch=4)], "2", {1, 2}, {3},
            id="it was taken back, and came again for another one",
        ),
        pytest.param(OVER_REST, "1", {1, 2}, set(), id="it was taken back"),
        pytest.param(
            [*BY_SQL, entry(3, "undo-change", {"customer_id": "22", "charged": "22"}, undoes=2)],
            "1", {1, 3}, {2}, id="it was moved back",
        ),
        pytest.param(
            [MADE, entry(2, "change", {"customer_id": "22", "charged": "21"})], "1", {1, 2}, set(),
            id="somebody moved it in Splynx, and it is charged where it was",
        ),
        pytest.param([MADE, CHANGED], "1", {1, 2}, set(), id="it never moved"),
        pytest.param([MADE, CHANGED], None, {1, 2}, {1, 2}, id="it names no customer: it is its owner's"),
    ],
)  # fmt: skip
def test_an_entry_is_of_the_account_that_it_was_written_for(
    entries: list[Entry], customer: str | None, first: set[int], second: set[int]
) -> None:
    document = {} if customer is None else {"customer_id": {"entity": "customer", "key": customer}}
    found = [written_for(entries, known(document=document), account, 20 + account) for account in (1, 2)]
    assert found == [first, second]
