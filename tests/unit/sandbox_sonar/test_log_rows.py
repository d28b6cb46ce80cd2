"""The audit log: packed, and read like any other table."""

import tracemalloc
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from sandbox.sonar.settings_rows import INSTALLED
from tests.unit.sandbox_sonar.shop import START, Shop

_LOGS = """query($search: [Search], $by: [Sorter]) {
  logs(search: $search, sorter: $by, paginator: {page: 1, records_per_page: 500}) { entities {
    id created_at updated_at _version type level logged_entity_type logged_entity_id loggable_type loggable_id
    user_id current previous relation_data } page_info { total_count } } }"""
_SHOWN = """query($id: Int64Bit) { accounts(id: $id) { entities {
  logs(paginator: {page: 1, records_per_page: 500}) { entities { id } } } } }"""


@pytest.fixture
def notes(shop: Shop) -> list[int]:
    """Forty notes of one account, a second apart."""
    account, found = shop.an_account(), []
    for _ in range(40):
        shop.clock.tick(1)
        found.append(
            shop.store.insert("Note", message="m", noteable_id=account, noteable_type="Account", priority="NORMAL")
        )
    return found


def read(shop: Shop, attribute: str = "id", search: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    by = [{"attribute": attribute, "direction": "ASC"}]
    rows: list[dict[str, Any]] = shop.ask(_LOGS, search=search or [], by=by)["logs"]["entities"]
    return rows


def shown_on(shop: Shop, account: int) -> list[int]:
    (found,) = shop.ask(_SHOWN, id=account)["accounts"]["entities"]
    return [int(one["id"]) for one in found["logs"]["entities"]]


def test_an_entry_takes_a_hundred_bytes(shop: Shop) -> None:
    account, group = shop.an_account(), shop.store.insert("AccountGroup", name="A")
    entries = len(shop.store.table("Log"))
    tracemalloc.start()
    for _ in range(500):
        shop.store.attach("Account", account, "account_groups", group)
        shop.store.detach("Account", account, "account_groups", group)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    entries = len(shop.store.table("Log")) - entries
    assert entries == 2_000
    # The text of what was linked is all that is not packed.
    texts = sum(len(row["relation_data"]) + 160 for row in list(shop.store.table("Log").values())[-entries:])
    assert taken - texts < 100 * entries


def test_whatever_has_happened_to_an_entry_the_log_is_read_alike(shop: Shop, notes: list[int]) -> None:
    logs = [id for id, row in shop.store.table("Log").items() if row["logged_entity_type"] == "Note"]
    before, [account] = read(shop), {shop.store.table("Note")[id]["noteable_id"] for id in notes}
    assert shown_on(shop, account) == sorted({*logs, *shown_on(shop, account)})

    shop.store.hold("Log", logs[3])
    assert logs[3] not in {int(row["id"]) for row in read(shop)}
    assert logs[3] not in shown_on(shop, account)
    assert logs[3] not in shop.store.table("Log")
    assert logs[3] not in list(shop.store.table("Log"))
    assert len(read(shop)) == len(shop.store.table("Log")) == len(before) - 1
    shop.store.release("Log", logs[3])
    assert read(shop) == read(shop, "created_at") == before
    assert logs[3] in shown_on(shop, account)

    shop.store.lag("Log", logs[5])
    since = {"attribute": "updated_at", "operator": "GTE", "search_value": INSTALLED.isoformat()}
    late = [{"datetime_fields": [since]}]
    assert {int(row["id"]) for row in before} - {int(row["id"]) for row in read(shop, "updated_at", late)} == {logs[5]}
    assert len(read(shop, "created_at")) == len(before)
    shop.store.catch_up("Log", logs[5])
    assert read(shop, "updated_at", late) == before


def test_an_entry_may_be_changed_and_deleted_like_a_row(shop: Shop, notes: list[int]) -> None:
    table = shop.store.table("Log")
    one, other, *_ = [id for id, row in table.items() if row["logged_entity_type"] == "Note"]
    shop.clock.tick(60)
    shop.store.update("Log", one, message="seen")
    assert (table[one]["message"], table[one]["updated_at"]) == ("seen", START + timedelta(seconds=100))
    assert [int(row["id"]) for row in read(shop, "updated_at")][-2:] == [one, max(table)]
    shop.store.delete("Log", other)
    assert other not in table
    assert list(table) == sorted(table)
    with pytest.raises(KeyError):
        shop.store.delete("Log", other)


def test_an_entry_tells_what_it_told_when_it_was_written(shop: Shop) -> None:
    group = shop.store.insert("AccountGroup", name="A", by=shop.user)
    (row,) = (one for one in shop.store.table("Log").values() if one["logged_entity_type"] == "AccountGroup")
    assert isinstance(row, Mapping)
    told = {name: row[name] for name in ("type", "level", "legacy", "logged_entity_id", "user_id", "relation_data")}
    assert told == {
        "type": "CREATED", "level": "INFO", "legacy": False, "logged_entity_id": group, "user_id": shop.user,
        "relation_data": None,
    }  # fmt: skip
    (again,) = (one for one in shop.store.table("Log").values() if one["logged_entity_type"] == "AccountGroup")
    assert dict(again) == dict(row)
