"""Sonar as reconciliation reads it: whole pages by id, only what counts and money need, never through capture."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from clients.sonar import SonarClient, entities_of
from clients.sonar_errors import IncompletePage, SonarGraphqlError
from schemas.rules import SourceFacts

PAGE = 500
NESTED = 1000
_ASKED_FOR = 40
"""Accounts in one request when only some are read again."""

Page = list[dict[str, Any]]

_STANDING = (
    "company_id account_status_id is_delinquent archived_at activation_date"
    " account_status { name activates_account }"
    " account_billing_parameter { delinquency_account_status_id }"
)
_ACCOUNT = (
    f"id updated_at {_STANDING} account_services(paginator: {{page: 1, records_per_page: {NESTED}}})"
    " { entities { id service { id type application } } }"
)
_PAYMENT = (
    "id updated_at account_id amount payment_datetime payment_type successful status is_autopay"
    f" account(include_archived: true) {{ {_STANDING} }}"
    " credit_card { credit_card_processor { provider } } bank_account { bank_account_processor { provider } }"
    f" reversed_payments(paginator: {{page: 1, records_per_page: {NESTED}}}) {{ entities {{ id amount created_at }} }}"
)
_FACTS = "query Facts { system_setting { currency timezone } billing_setting { minimum_amount_due_for_delinquency } }"


async def read_facts(client: SonarClient) -> SourceFacts:
    """Sonar's currency, zone and threshold of delinquency."""
    data = (await client.query(_FACTS)).data
    return SourceFacts.from_settings(data["system_setting"], data["billing_setting"])


async def count(client: SonarClient, collection: str) -> int | None:
    """How many rows there are to read, archived ones left out; None where Sonar cannot count them."""
    document = (
        f"query Count {{ {collection}(paginator: {{page: 1, records_per_page: 1}}) {{ page_info {{ total_count }} }} }}"
    )
    try:
        answer = await client.query(document)
    except SonarGraphqlError:
        return None  # counting fails on some collections, and is of use for progress only
    return int(answer.data[collection]["page_info"]["total_count"])


def accounts(client: SonarClient, only: Sequence[str] | None = None) -> AsyncIterator[Page]:
    """All accounts with their services, archived ones too; `only` those ids.

    Raises:
        IncompletePage: services could not be read, or are too many for one page.
    """
    return _whole(_pages(client, "accounts", _ACCOUNT, ", include_archived: true", "id", only), "account_services")


def payments(client: SonarClient, only: Sequence[str] | None = None) -> AsyncIterator[Page]:
    """All payments with their reversals; `only` those of these accounts.

    Raises:
        IncompletePage: reversals could not be read, or are too many for one page.
    """
    return _whole(_pages(client, "payments", _PAYMENT, "", "account_id", only), "reversed_payments")


async def _whole(pages: AsyncIterator[Page], nested: str) -> AsyncIterator[Page]:
    """The pages, whose rows show all of one nested list."""
    async for page in pages:
        for row in page:
            if row[nested] is None or len(row[nested]["entities"]) >= NESTED:
                raise IncompletePage(f"the {nested} of a row could not be read whole")
        yield page


def companies(client: SonarClient) -> AsyncIterator[Page]:
    """All companies."""
    return _pages(client, "companies", "id updated_at enabled", "", "id", None)


def groups_or_types(client: SonarClient, collection: str) -> AsyncIterator[Page]:
    """All of `account_groups` or `account_types`."""
    return _pages(client, collection, "id updated_at", "", "id", None)


def services(client: SonarClient) -> AsyncIterator[Page]:
    """All that is sold."""
    return _pages(client, "services", "id updated_at type application", "", "id", None)


async def _pages(
    client: SonarClient, collection: str, selection: str, more: str, column: str, only: Sequence[str] | None
) -> AsyncIterator[Page]:
    """Keyset by id, so that rows which come and go in between move no other."""
    document = (
        f"query Reconcile($search: [Search], $n: Int!) {{ {collection}(search: $search,"
        f' sorter: [{{attribute: "id", direction: ASC}}], paginator: {{page: 1, records_per_page: $n}}{more})'
        f" {{ entities {{ {selection} }} }} }}"
    )
    for part in _parts(column, only):
        last = 0
        while True:
            # One object per value: several EQ inside one object would be ANDed.
            search = [{"integer_fields": [_integer("id", "GT", last), *one]} for one in part]
            answer = await client.query(document, {"search": search, "n": PAGE})
            page = entities_of(answer.data[collection], asked=PAGE, counted=False)
            # Only an empty page ends it: Sonar may give fewer rows than were asked for.
            if not page:
                break
            yield page
            last = int(page[-1]["id"])


def _parts(column: str, only: Sequence[str] | None) -> Iterator[list[list[dict[str, Any]]]]:
    """For each request its alternatives, each with a condition; for everything one alternative without any."""
    if only is None:
        yield [[]]
        return
    for start in range(0, len(only), _ASKED_FOR):
        yield [[_integer(column, "EQ", int(one))] for one in only[start : start + _ASKED_FOR]]


def _integer(attribute: str, operator: str, value: int) -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "search_value": value}
