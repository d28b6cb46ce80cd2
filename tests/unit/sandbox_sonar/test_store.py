"""The store: stamps, logs, links, deletes and rows whose commit comes late."""

import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from sandbox.sonar.rows import Row
from sandbox.sonar.store import Store
from tests.unit.sandbox_sonar.shop import START, Shop


def logs_of(store: Store, type: str, logged: str) -> list[Row]:
    return [row for row in store.table("Log").values() if row["type"] == type and row["logged_entity_type"] == logged]


def test_a_new_row_gets_its_stamps(shop: Shop) -> None:
    row = shop.store.table("Account")[shop.an_account()]
    assert row["created_at"] == row["updated_at"] == START
    assert row["archived_at"] is None


def test_unique_ids_are_unique_across_all_types(shop: Shop) -> None:
    for number in range(50):
        shop.a_contact(shop.an_account(f"A{number}"))
    everything = [row["sonar_unique_id"] for table in shop.store.tables.values() for row in table.rows.values()]
    assert len(everything) == len(set(everything)) > 150


def test_an_update_moves_updated_at_and_the_version_but_not_created_at(shop: Shop) -> None:
    account = shop.an_account()
    before = shop.store.table("Account")[account]
    shop.clock.tick(5)
    shop.store.update("Account", account, name="Bea")
    after = shop.store.table("Account")[account]
    assert (after["name"], after["created_at"], after["updated_at"]) == ("Bea", START, START + timedelta(seconds=5))
    assert after["_version"] != before["_version"]
    assert before["name"] == "Ada", "a row that was read stays as it was"


def test_instants_are_whole_seconds_in_utc(shop: Shop) -> None:
    at = datetime(2026, 1, 1, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    row = shop.store.table("Account")[shop.an_account(at=at)]
    assert row["created_at"] == datetime(2025, 12, 31, 23, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        pytest.param({"colour": "red"}, "AccountGroup has no column colour", id="unknown column"),
        pytest.param({}, "AccountGroup.name must not be null", id="required column missing"),
        pytest.param({"name": 7}, "AccountGroup.name: expected text", id="wrong type"),
        pytest.param({"name": "A", "updated_at": START}, "the stamps of a row", id="a stamp"),
    ],
)
def test_a_row_that_cannot_be_is_refused(shop: Shop, columns: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        shop.store.insert("AccountGroup", **columns)
    assert not shop.store.table("AccountGroup")


def test_a_value_outside_its_enum_is_refused_without_repeating_it(shop: Shop) -> None:
    with pytest.raises(ValueError, match="expected one of the enum's values") as caught:
        shop.a_payment(shop.an_account(), payment_type="BARTER")
    assert "BARTER" not in str(caught.value)


def test_ids_are_never_given_out_twice(shop: Shop) -> None:
    first = shop.a_group("A")
    shop.store.delete("AccountGroup", first)
    assert shop.a_group("B") == first + 1


def test_a_deleted_id_can_be_created_again_on_purpose(shop: Shop) -> None:
    group = shop.a_group("A")
    shop.store.delete("AccountGroup", group)
    assert shop.store.insert("AccountGroup", id=group, name="again") == group
    with pytest.raises(ValueError, match="exists already"):
        shop.store.insert("AccountGroup", id=group, name="twice")


def test_each_change_is_logged_with_the_state_before_and_after(shop: Shop) -> None:
    group = shop.a_group("A")
    shop.clock.tick()
    shop.store.update("AccountGroup", group, by=shop.user, name="B")
    shop.clock.tick()
    shop.store.delete("AccountGroup", group)
    created, updated, deleted = (
        logs_of(shop.store, type, "AccountGroup")[0] for type in ("CREATED", "UPDATED", "DELETED")
    )
    assert (created["previous"], orjson.loads(created["current"])["name"]) == (None, "A")
    assert [orjson.loads(updated[side])["name"] for side in ("previous", "current")] == ["A", "B"]
    assert updated["user_id"] == shop.user
    assert (deleted["current"], orjson.loads(deleted["previous"])["name"]) == ("{}", "B")
    assert deleted["created_at"] == START + timedelta(seconds=2)


def test_the_log_of_a_long_text_takes_no_more_room_than_the_text(shop: Shop) -> None:
    account = shop.an_account()
    text = "x" * 2**20
    tracemalloc.start()
    note = shop.store.insert("Note", message=text, noteable_id=account, noteable_type="Account", priority="NORMAL")
    for _ in range(10):
        shop.store.update("Note", note, priority="STICKY")
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 2**20
    assert orjson.loads(logs_of(shop.store, "UPDATED", "Note")[9]["previous"])["message"] == text


def test_the_user_of_a_row_and_the_user_who_wrote_it_are_two_things(shop: Shop) -> None:
    note = shop.store.insert(
        "Note", by=None, message="m", noteable_id=shop.an_account(), noteable_type="Account", priority="NORMAL",
        user_id=shop.user,
    )  # fmt: skip
    assert shop.store.table("Note")[note]["user_id"] == shop.user
    assert logs_of(shop.store, "CREATED", "Note")[0]["user_id"] is None


def test_a_change_of_a_child_is_shown_on_all_it_belongs_to(shop: Shop) -> None:
    account = shop.an_account()
    contact = shop.a_contact(account)
    phone = shop.a_phone(contact)
    shown = [(row["loggable_type"], row["loggable_id"]) for row in logs_of(shop.store, "CREATED", "PhoneNumber")]
    assert shown == [("Contact", contact), ("Account", account)]
    assert {row["logged_entity_id"] for row in logs_of(shop.store, "CREATED", "PhoneNumber")} == {phone}


def test_attaching_touches_neither_side_and_is_logged(shop: Shop) -> None:
    account, group = shop.an_account(), shop.a_group("VIP")
    before = dict(shop.store.table("Account")[account]), dict(shop.store.table("AccountGroup")[group])
    shop.clock.tick()
    shop.store.attach("Account", account, "account_groups", group)
    assert (dict(shop.store.table("Account")[account]), dict(shop.store.table("AccountGroup")[group])) == before
    entries = logs_of(shop.store, "ATTACHED", "Account")
    assert {row["loggable_type"] for row in entries} == {"Account", "AccountGroup"}
    assert orjson.loads(entries[0]["relation_data"]) == {
        "relation": "account_groups",
        "type": "AccountGroup",
        "id": group,
    }


def test_a_link_is_seen_from_both_sides_until_it_is_cut(shop: Shop) -> None:
    account, group = shop.an_account(), shop.a_group("VIP")
    shop.store.attach("Account", account, "account_groups", group)
    shop.store.attach("AccountGroup", group, "accounts", account)  # the same link again
    assert shop.store.linked("AccountGroup", "accounts", group) == [account]
    shop.store.detach("AccountGroup", group, "accounts", account)
    assert shop.store.linked("Account", "account_groups", account) == []
    assert len(logs_of(shop.store, "ATTACHED", "Account")) == 2
    assert len(logs_of(shop.store, "DETACHED", "AccountGroup")) == 2


def test_attach_refuses_a_relation_that_is_no_pivot(shop: Shop) -> None:
    with pytest.raises(KeyError, match="not many to many"):
        shop.store.attach("Account", shop.an_account(), "payments", 1)


def test_a_delete_takes_what_belongs_to_the_row_and_logs_each(shop: Shop) -> None:
    contact = shop.a_contact(shop.an_account())
    phone = shop.a_phone(contact)
    shop.store.delete("Contact", contact)
    assert phone not in shop.store.table("PhoneNumber")
    assert [row["logged_entity_id"] for row in logs_of(shop.store, "DELETED", "PhoneNumber")][:1] == [phone]


def test_a_delete_cuts_links_and_empties_optional_references(shop: Shop) -> None:
    account, group = shop.an_account(), shop.a_group("VIP")
    shop.store.attach("Account", account, "account_groups", group)
    processor = shop.store.insert("BankAccountProcessor", enabled=True, primary=True, provider="NACHAACH")
    bank = shop.store.insert(
        "BankAccount", account_id=account, auto=False, bank_account_processor_id=processor,
        bank_account_type="CHECKING", masked_account_number="0001", name_on_account="A",
    )  # fmt: skip
    payment = shop.a_payment(account, bank_account_id=bank)
    shop.store.delete("AccountGroup", group)
    shop.store.delete("BankAccount", bank)
    assert shop.store.linked("Account", "account_groups", account) == []
    assert shop.store.table("Payment")[payment]["bank_account_id"] is None


def test_a_row_that_others_need_cannot_be_deleted(shop: Shop) -> None:
    shop.an_account()
    logged = len(shop.store.table("Log"))
    with pytest.raises(ValueError, match=f"AccountStatus {shop.status} is still used by Account"):
        shop.store.delete("AccountStatus", shop.status)
    assert shop.status in shop.store.table("AccountStatus")
    assert len(shop.store.table("Log")) == logged


def test_a_held_row_is_invisible_until_it_is_released_with_its_old_time(shop: Shop) -> None:
    account = shop.an_account()
    payment = shop.a_payment(account)
    shop.store.hold("Payment", payment)
    assert payment not in shop.store.table("Payment")
    assert shop.ask("{ payments { page_info { total_count } } }")["payments"]["page_info"]["total_count"] == 0
    shop.clock.tick(600)
    shop.a_payment(account)
    shop.store.release("Payment", payment)
    found = shop.ask('{ payments(sorter: {attribute: "updated_at", direction: ASC}) { entities { id updated_at } } }')
    assert found["payments"]["entities"][0] == {"id": str(payment), "updated_at": "2026-03-01T12:00:00+00:00"}


def test_a_held_row_can_be_changed_out_of_sight(shop: Shop) -> None:
    group = shop.a_group("A")
    shop.store.hold("AccountGroup", group)
    shop.clock.tick()
    shop.store.update("AccountGroup", group, name="B")
    assert not shop.store.table("AccountGroup")
    shop.store.release("AccountGroup", group)
    row = shop.store.table("AccountGroup")[group]
    assert (row["name"], row["updated_at"]) == ("B", START + timedelta(seconds=1))


def test_changing_a_visible_row_leaves_nothing_held(shop: Shop) -> None:
    group = shop.a_group("A")
    shop.store.update("AccountGroup", group, name="B")
    with pytest.raises(KeyError):
        shop.store.release("AccountGroup", group)


def test_a_held_row_can_be_deleted(shop: Shop) -> None:
    group = shop.a_group("A")
    shop.store.hold("AccountGroup", group)
    shop.store.delete("AccountGroup", group)
    with pytest.raises(KeyError):
        shop.store.release("AccountGroup", group)


def by_change(shop: Shop) -> list[str]:
    """Ids of groups as a search for changes finds them."""
    order = '[{attribute: "updated_at", direction: ASC}, {attribute: "id", direction: ASC}]'
    found = shop.ask(f"{{ account_groups(sorter: {order}) {{ entities {{ id }} page_info {{ total_count }} }} }}")
    ids = [row["id"] for row in found["account_groups"]["entities"]]
    assert found["account_groups"]["page_info"]["total_count"] == len(ids)
    return ids


def test_a_row_that_the_index_lags_behind_of_is_shown_by_id_and_not_found_by_its_change(shop: Shop) -> None:
    first, second, third = (shop.a_group(name) for name in "ABC")
    shop.store.lag("AccountGroup", first)
    shop.store.lag("AccountGroup", second)
    shop.clock.tick()
    shop.store.update("AccountGroup", first, name="D")
    assert by_change(shop) == [str(third)]
    assert shop.names(f"id: {first}", "account_groups") == ["D"]
    shop.store.catch_up("AccountGroup", first)
    assert by_change(shop) == [str(third), str(first)]
    shop.store.delete("AccountGroup", second)
    with pytest.raises(KeyError):
        shop.store.catch_up("AccountGroup", second)


def test_a_tie_is_of_rows_that_change_in_one_second(shop: Shop) -> None:
    ids = [shop.a_group(name) for name in "ABC"]
    shop.clock.tick(60)
    assert shop.store.tie("AccountGroup", 2) == ids[:2]
    rows = shop.store.table("AccountGroup")
    assert [rows[id]["updated_at"] - START for id in ids] == [timedelta(seconds=60), timedelta(seconds=60), timedelta()]
    assert len({rows[id]["_version"] for id in ids}) == 3


def test_settings_are_one_row_each_and_can_be_changed(shop: Shop) -> None:
    assert shop.store.setting("system_setting")["timezone"] == "AMERICACHICAGO"
    shop.store.update("SystemSetting", 1, currency="EUR")
    assert shop.ask("{ system_setting { currency } billing_setting { id } }") == {
        "system_setting": {"currency": "EUR"},
        "billing_setting": {"id": "1"},
    }
