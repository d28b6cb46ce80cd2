"""Sonar's accounts and payments as reconciliation reads them: whole pages by id, only what counts and money need."""

from typing import Any

from clients.sonar import SonarClient, entities_of
from clients.sonar_errors import IncompletePage
from schemas.rules import SourceFacts

PAGE = 500
NESTED = 1000

ACCOUNT = (
    "id company_id account_status_id is_delinquent archived_at activation_date"
    " account_status { name activates_account }"
    " account_billing_parameter { delinquency_account_status_id }"
)
PAYMENT = (
    "id account_id amount payment_datetime payment_type successful status"
    " account(include_archived: true) { account_status_id company_id }"
    " credit_card { credit_card_processor { provider } } bank_account { bank_account_processor { provider } }"
    f" reversed_payments(paginator: {{page: 1, records_per_page: {NESTED}}}) {{ entities {{ id amount created_at }} }}"
)
_FACTS = "query Facts { system_setting { currency timezone } }"


async def read_facts(client: SonarClient) -> SourceFacts:
    """Sonar's currency and zone; the delinquency threshold plays no part in counts and money."""
    data = (await client.query(_FACTS)).data
    return SourceFacts.from_settings(data["system_setting"], {"minimum_amount_due_for_delinquency": 0})


async def read_accounts(client: SonarClient) -> list[dict[str, Any]]:
    """All accounts, archived ones too."""
    return await _read_all(client, "accounts", ACCOUNT, ", include_archived: true")


async def read_payments(client: SonarClient) -> list[dict[str, Any]]:
    """All payments with their reversals.

    Raises:
        IncompletePage: reversals could not be read, or are too many for one page.
    """
    found = await _read_all(client, "payments", PAYMENT, "")
    for payment in found:
        reversals = payment["reversed_payments"]
        if reversals is None or len(reversals["entities"]) >= NESTED:
            raise IncompletePage("the reversals of a payment could not be read whole")
    return found


async def _read_all(client: SonarClient, collection: str, selection: str, more: str) -> list[dict[str, Any]]:
    """Keyset by id, so that rows which come and go in between move no other."""
    document = (
        f"query Reconcile($search: [Search], $n: Int!) {{ {collection}(search: $search,"
        f' sorter: [{{attribute: "id", direction: ASC}}], paginator: {{page: 1, records_per_page: $n}}{more})'
        f" {{ entities {{ {selection} }} }} }}"
    )
    rows: list[dict[str, Any]] = []
    last = 0
    while True:
        search = [{"integer_fields": [{"attribute": "id", "search_value": last, "operator": "GT"}]}]
        answer = await client.query(document, {"search": search, "n": PAGE})
        page = entities_of(answer.data[collection], asked=PAGE, counted=False)
        rows += page
        # Only an empty page ends it: Sonar may give fewer rows than were asked for.
        if not page:
            return rows
        last = int(page[-1]["id"])
