"""Paginator, sorter and the keysets that a crawler reads by."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.sonar.compile import Conditions
from sandbox.sonar.keyset import order_of, positions, stretches
from sandbox.sonar.listing import Listing
from sandbox.sonar.ordering import Order
from tests.unit.sandbox_sonar.shop import START, Shop

KEYSET = """query($search: [Search], $n: Int!) {
  payments(search: $search, paginator: {page: 1, records_per_page: $n}
    sorter: [{attribute: "updated_at", direction: ASC}, {attribute: "id", direction: ASC}]) {
    entities { id updated_at } page_info { page total_pages total_count records_per_page } } }"""


def after(time: str, id: str) -> list[dict[str, Any]]:
    at = {"attribute": "updated_at", "search_value": time}
    return [
        {"datetime_fields": [{**at, "operator": "GT"}]},
        {
            "datetime_fields": [{**at, "operator": "EQ"}],
            "integer_fields": [{"attribute": "id", "operator": "GT", "search_value": id}],
        },
    ]


def test_a_page_tells_where_it_is(shop: Shop) -> None:
    for number in range(5):
        shop.an_account(f"A{number}")
    page = "accounts(paginator: {page: 2, records_per_page: 2})"
    found = shop.ask(
        f"{{ {page} {{ entities {{ name }} page_info {{ page total_pages total_count records_per_page }} }} }}"
    )
    assert found["accounts"] == {
        "entities": [{"name": "A2"}, {"name": "A3"}],
        "page_info": {"page": 2, "total_pages": 3, "total_count": 5, "records_per_page": 2},
    }


def test_a_page_beyond_the_last_is_empty(shop: Shop) -> None:
    shop.an_account()
    assert shop.names("paginator: {page: 9, records_per_page: 10}") == []


def test_only_counts_may_be_asked_for(shop: Shop) -> None:
    shop.an_account()
    assert shop.ask("{ accounts { page_info { total_count } } }") == {"accounts": {"page_info": {"total_count": 1}}}


def test_a_clamped_page_size_shows_only_in_the_answer(shop: Shop) -> None:
    for number in range(3):
        shop.an_account(f"A{number}")
    page_info = "page_info { records_per_page total_pages }"
    query = f"{{ accounts(paginator: {{page: 1, records_per_page: 1000}}) {{ entities {{ id }} {page_info} }} }}"
    found = shop.ask(query, Conditions(largest_page=2))["accounts"]
    assert len(found["entities"]) == 2
    assert found["page_info"] == {"records_per_page": 2, "total_pages": 2}


def test_ids_sort_as_numbers(shop: Shop) -> None:
    for number in range(1, 12):
        shop.an_account(f"A{number}")
    assert shop.names('sorter: {attribute: "id", direction: DESC}')[:3] == ["A11", "A10", "A9"]


def test_the_first_sorter_weighs_most_and_nulls_come_first(shop: Shop) -> None:
    for name, usage in (("b", 1), ("A", 1), ("c", None), ("D", 2)):
        shop.an_account(name, data_usage_percentage=usage)
    sorter = '[{attribute: "data_usage_percentage", direction: DESC}, {attribute: "name", direction: ASC}]'
    assert shop.names(f"sorter: {sorter}") == ["D", "A", "b", "c"]
    assert shop.names('sorter: {attribute: "data_usage_percentage", direction: ASC}')[0] == "c"


def test_a_keyset_crosses_rows_of_one_second_without_loss_or_repetition(shop: Shop) -> None:
    account = shop.an_account()
    for number in range(25):
        shop.a_payment(account, at=START + timedelta(seconds=number // 10))
    seen: list[str] = []
    search: list[dict[str, Any]] = []
    while rows := shop.ask(KEYSET, search=search, n=4)["payments"]["entities"]:
        seen += [row["id"] for row in rows]
        search = after(rows[-1]["updated_at"], rows[-1]["id"])
    assert seen == [str(number) for number in range(1, 26)]


def test_a_keyset_counts_what_is_left(shop: Shop) -> None:
    account = shop.an_account()
    for _ in range(10):
        shop.a_payment(account)
    info = shop.ask(KEYSET, search=after("2026-03-01T12:00:00+00:00", "4"), n=2)["payments"]["page_info"]
    assert info == {"page": 1, "total_pages": 3, "total_count": 6, "records_per_page": 2}


def test_a_row_that_is_touched_moves_to_the_end_of_the_keyset(shop: Shop) -> None:
    account = shop.an_account()
    first, second = shop.a_payment(account), shop.a_payment(account)
    shop.clock.tick()
    shop.store.update("Payment", first, description="x")
    rows = shop.ask(KEYSET, search=[], n=10)["payments"]["entities"]
    assert [row["id"] for row in rows] == [str(second), str(first)]


def test_a_keyset_page_touches_only_the_rows_it_answers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    account = shop.an_account()
    for number in range(500):
        shop.a_payment(account, at=START + timedelta(seconds=number))
    kind = shop.store.declarations.types["Payment"]
    search = [{"integer_fields": [{"attribute": "id", "operator": "GT", "search_value": 100}]}]
    listing = Listing(
        shop.store, kind, {"search": search, "paginator": {"page": 1, "records_per_page": 10}}, counted=True
    )
    tested: list[object] = []

    def note(row: object) -> bool:
        tested.append(row)
        return True

    listing.test = note
    page = listing.whole()
    assert ([row["id"] for row in page.rows], page.total, tested) == (list(range(101, 111)), 400, [])


def test_a_late_commit_appears_behind_the_keyset(shop: Shop) -> None:
    account = shop.an_account()
    late = shop.a_payment(account)
    shop.store.hold("Payment", late)
    shop.clock.tick(60)
    shop.a_payment(account)
    cursor = shop.ask(KEYSET, search=[], n=10)["payments"]["entities"][-1]
    shop.store.release("Payment", late)
    assert shop.ask(KEYSET, search=after(cursor["updated_at"], cursor["id"]), n=10)["payments"]["entities"] == []
    overlap = [{"datetime_fields": [{"attribute": "updated_at", "operator": "GTE", "search_value": START.isoformat()}]}]
    assert str(late) in [row["id"] for row in shop.ask(KEYSET, search=overlap, n=10)["payments"]["entities"]]


OPERATORS = ["GTE", "GT", "LTE", "LT", "EQ", "NEQ"]


def conditions() -> st.SearchStrategy[dict[str, Any]]:
    times = st.builds(
        lambda operator, second: {
            "attribute": "updated_at", "operator": operator, "search_value": START + timedelta(seconds=second),
        },
        st.sampled_from(OPERATORS), st.integers(-1, 5),
    )  # fmt: skip
    ids = st.builds(
        lambda operator, id: {"attribute": "id", "operator": operator, "search_value": id},
        st.sampled_from(OPERATORS), st.integers(0, 13),
    )  # fmt: skip
    amounts = st.builds(
        lambda amount: {"attribute": "amount", "operator": "EQ", "search_value": amount}, st.integers(0, 2)
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "datetime_fields": st.lists(times, max_size=2),
            "integer_fields": st.lists(st.one_of(ids, amounts), max_size=2),
        },
    )


@settings(max_examples=300)
@given(
    seconds=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    searches=st.lists(conditions(), max_size=3),
    order=st.sampled_from(["id", "updated_at", "created_at"]),
    descending=st.booleans(),
    page=st.integers(1, 3),
    counted=st.booleans(),
)
def test_the_fast_path_answers_what_the_slow_one_would(
    seconds: list[int],
    searches: list[dict[str, Any]],
    order: str,
    descending: bool,
    page: int,
    counted: bool,
) -> None:
    shop = Shop()
    account = shop.an_account()
    for number, second in enumerate(seconds):
        shop.a_payment(account, number % 3, at=START + timedelta(seconds=second))
    direction = "DESC" if descending else "ASC"
    sorter = [{"attribute": name, "direction": direction} for name in dict.fromkeys((order, "id"))]
    arguments = {"search": searches, "sorter": sorter, "paginator": {"page": page, "records_per_page": 4}}
    kind = shop.store.declarations.types["Payment"]
    listing = Listing(shop.store, kind, arguments, counted=counted)
    fast = listing.whole()
    rows = sorted(listing.matching(), key=lambda row: (row[order], row["id"]), reverse=descending)
    assert [row["id"] for row in fast.rows] == [row["id"] for row in rows[(page - 1) * 4 : page * 4]]
    assert fast.total in ((len(rows),) if counted else (len(rows), None))


@pytest.mark.parametrize("order", ["id", "updated_at", "created_at"])
def test_every_pair_of_operators_on_time_and_id_is_answered_exactly(shop: Shop, order: str) -> None:
    account = shop.an_account()
    for second in (1, 1, 0, 2, 1, 2):
        shop.a_payment(account, at=START + timedelta(seconds=second))
    kind = shop.store.declarations.types["Payment"]
    sorter = [{"attribute": name, "direction": "ASC"} for name in dict.fromkeys((order, "id"))]
    for on_time, on_id in product([None, *OPERATORS], repeat=2):
        time = {"attribute": "updated_at", "operator": on_time, "search_value": START + timedelta(seconds=1)}
        id = {"attribute": "id", "operator": on_id, "search_value": 2}
        search = {"datetime_fields": [time] if on_time else [], "integer_fields": [id] if on_id else []}
        listing = Listing(shop.store, kind, {"search": [search], "sorter": sorter}, counted=True)
        expected = sorted((row[order], row["id"]) for row in listing.matching())
        page = listing.whole()
        assert [(row[order], row["id"]) for row in page.rows] == expected, (on_time, on_id)
        assert page.total == len(expected), (on_time, on_id)


def test_a_crawlers_keyset_is_one_exact_stretch() -> None:
    search = [
        {"datetime_fields": [{"attribute": "updated_at", "operator": "GT", "search_value": START}]},
        {
            "datetime_fields": [{"attribute": "updated_at", "operator": "EQ", "search_value": START}],
            "integer_fields": [{"attribute": "id", "operator": "GT", "search_value": 7}],
        },
    ]
    found = stretches("updated_at", search)
    assert (len(found.parts), found.exact) == (1, True)
    order = Order(lambda: [(START, 8), (START + timedelta(seconds=1), 1), (START, 7)])
    assert positions(order, found.parts) == [range(1, 3)]


@pytest.mark.parametrize(
    ("sorter", "served"),
    [
        pytest.param([], ("id", False), id="none"),
        pytest.param([("updated_at", "ASC"), ("id", "ASC")], ("updated_at", False), id="the keyset"),
        pytest.param([("updated_at", "DESC"), ("id", "DESC")], ("updated_at", True), id="backwards"),
        pytest.param([("updated_at", "DESC"), ("id", "ASC")], None, id="mixed directions"),
        pytest.param([("name", "ASC")], None, id="another column"),
    ],
)
def test_maintained_orders_serve_the_sorters_that_they_equal(
    sorter: list[tuple[str, str]], served: tuple[str, bool] | None
) -> None:
    assert order_of([{"attribute": attribute, "direction": direction} for attribute, direction in sorter]) == served


def test_many_changes_between_two_reads_keep_the_order(shop: Shop) -> None:
    account = shop.an_account()
    ids = [shop.a_payment(account, at=START + timedelta(seconds=number % 7)) for number in range(300)]
    order = shop.store.tables["Payment"].orders["updated_at"]
    assert len(order.ids()) == 300
    for id in ids[:200]:
        shop.store.update("Payment", id, at=START + timedelta(seconds=id % 5))
    for id in ids[200:290]:
        shop.store.delete("Payment", id)
    rows = shop.store.table("Payment").values()
    assert list(order.ids()) == [id for _, id in sorted((row["updated_at"], row["id"]) for row in rows)]
