"""What capture and reconciliation may believe of a Sonar, whatever stands for it."""

from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from clients.sonar import SonarClient, entities_of
from clients.sonar_errors import SonarGraphqlError, SonarQueryInvalid
from producers import documents

PAGE = 4


class Sonar(Protocol):
    """A Sonar with more than `PAGE` accounts, at least one of them archived, each with a contact."""

    client: SonarClient

    def deny(self, field: str) -> None:
        """From now on the token may not read a field, such as `Account.contacts`."""
        ...


async def page(sonar: Sonar, selection: str, last: int, *, archived: bool = True) -> list[dict[str, Any]]:
    """A page of accounts above an id."""
    document = documents.page_document("accounts", f"{{ {selection} }}", archived=archived, counted=True)
    answer = await sonar.client.query(document, {"search": documents.after_id(last), "n": PAGE})
    return entities_of(answer.data["accounts"], asked=PAGE, counted=True)


async def walk(sonar: Sonar, selection: str, *, archived: bool = True) -> list[dict[str, Any]]:
    """All accounts, page after page."""
    rows: list[dict[str, Any]] = []
    while True:
        read = await page(sonar, selection, int(rows[-1]["id"]) if rows else 0, archived=archived)
        if not read:
            return rows
        rows += read


class SonarContract:
    """Every Sonar; a fixture `sonar` gives one."""

    async def test_pages_by_keyset_show_every_account_once_in_the_order_of_ids(self, sonar: Sonar) -> None:
        rows = await walk(sonar, "id")
        ids = [int(row["id"]) for row in rows]
        assert len(ids) > PAGE
        assert ids == sorted(set(ids))
        extent = documents.extent_document("accounts", archived=True, counted=True)
        newest = (await sonar.client.query(extent)).data["accounts"]
        assert (int(newest["entities"][0]["id"]), newest["page_info"]["total_count"]) == (ids[-1], len(ids))

    async def test_ids_and_versions_are_texts(self, sonar: Sonar) -> None:
        (row, *_) = await page(sonar, "id _version account_status_id", 0)
        assert [type(value) for value in row.values()] == [str, str, str]

    async def test_archived_accounts_are_shown_only_when_asked_for(self, sonar: Sonar) -> None:
        every, unarchived = await walk(sonar, "id archived_at"), await walk(sonar, "id archived_at", archived=False)
        assert any(row["archived_at"] is not None for row in every)
        assert unarchived == [row for row in every if row["archived_at"] is None]

    async def test_several_ids_are_asked_for_at_once(self, sonar: Sonar) -> None:
        wanted = [int(row["id"]) for row in await walk(sonar, "id")][1:3]
        document = documents.page_document("accounts", "{ id }", archived=True, counted=True)
        answer = await sonar.client.query(document, {"search": documents.any_of(wanted), "n": PAGE})
        assert [int(row["id"]) for row in answer.data["accounts"]["entities"]] == wanted

    async def test_changes_since_an_instant_are_those_at_or_after_it(self, sonar: Sonar) -> None:
        rows = await walk(sonar, "id updated_at")
        instants = sorted(row["updated_at"] for row in rows)
        middle = instants[len(instants) // 2]
        low = documents.changed_since(datetime.fromisoformat(middle), None)
        (thin,) = [documents.Thin("accounts", archived=True)]
        answer = await sonar.client.query(documents.thin_document([thin]), {"s0": low, "n": 1000})
        found = [row["updated_at"] for row in answer.data["c0"]["entities"]]
        assert found == [one for one in instants if one >= middle]

    async def test_an_answer_tells_sonars_clock_and_when_it_was_asked_for(self, sonar: Sonar) -> None:
        answer = await sonar.client.query("{ system_setting { currency timezone } }")
        assert answer.server_time.utcoffset() == timedelta(0)
        assert answer.started.utcoffset() == timedelta(0)
        assert answer.server_time == sonar.client.server_time
        assert set(answer.data["system_setting"]) == {"currency", "timezone"}

    async def test_what_the_schema_does_not_know_is_an_error_of_its_own(self, sonar: Sonar) -> None:
        with pytest.raises(SonarQueryInvalid):
            await sonar.client.query("{ accounts { entities { id no_such_field } } }")

    async def test_an_answer_with_errors_is_no_answer_whatever_came_beside_them(self, sonar: Sonar) -> None:
        nested = "id contacts(paginator: {page: 1, records_per_page: 9}) { entities { id } }"
        assert (await page(sonar, nested, 0))[0]["contacts"]["entities"]
        sonar.deny("Account.contacts")
        with pytest.raises(SonarGraphqlError):
            await page(sonar, nested, 0)
        assert await page(sonar, "id", 0)
