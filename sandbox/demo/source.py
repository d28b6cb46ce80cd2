"""What Sonar holds, read as any client reads it: over GraphQL, with the token."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sandbox.local.sandboxes import SonarSandbox

_PAGE = 1000
_SERVICE = "type application amount data_service_detail { billing_frequency }"
_SOLD = f"""account_id price_override service {{ {_SERVICE} }}
  account(include_archived: true) {{ archived_at activation_date account_status {{ activates_account }} }}"""
_PRICE = Decimal("0.0001")
_PAYMENT = """amount account_id successful status
  reversed_payments(paginator: {page: 1, records_per_page: 100}) { entities { id amount } }"""


@dataclass(frozen=True)
class Source:
    """The records that Splynx should have; money in minor units."""

    companies: frozenset[str]
    groups: frozenset[str]
    types: frozenset[str]
    accounts: frozenset[str]
    all_payments: int
    """Failed and pending ones too: they are on the topics and stay out of Splynx."""
    plans: frozenset[str]
    services: dict[str, tuple[str, Decimal]]
    """`{what an account has of a plan: (account, price of a month)}`; leads and archived accounts have none."""
    payments: dict[str, tuple[str, int]]
    """`{payment, or payment-Rreversal: (account, amount)}` of all that moves a balance."""

    @property
    def labels(self) -> frozenset[str]:
        """Keys of the labels that groups and types become."""
        return frozenset(f"group:{one}" for one in self.groups) | frozenset(f"type:{one}" for one in self.types)

    @property
    def balances(self) -> dict[str, int]:
        """`{account: payments minus reversals}` of every account."""
        result = dict.fromkeys(self.accounts, 0)
        for account, amount in self.payments.values():
            result[account] = result.get(account, 0) + amount
        return result


def read_source(sonar: SonarSandbox) -> Source:
    """Read all of it; the world has to stand still."""
    payments: dict[str, tuple[str, int]] = {}
    count = 0
    for row in _rows(sonar, "payments", _PAYMENT):
        count += 1
        if not row["successful"] or row["status"] not in ("SUCCEEDED", None):
            continue
        payments[str(row["id"])] = (str(row["account_id"]), row["amount"])
        for reversal in row["reversed_payments"]["entities"]:
            payments[f"{row['id']}-R{reversal['id']}"] = (str(row["account_id"]), -reversal["amount"])
    return Source(
        companies=_ids(sonar, "companies"),
        groups=_ids(sonar, "account_groups"),
        types=_ids(sonar, "account_types"),
        accounts=_ids(sonar, "accounts", arguments=", include_archived: true"),
        all_payments=count,
        plans=frozenset(str(row["id"]) for row in _rows(sonar, "services", _SERVICE) if _is_plan(row)),
        services={
            str(row["id"]): (str(row["account_id"]), _monthly(row))
            for row in _rows(sonar, "account_services", _SOLD)
            if _is_plan(row["service"]) and _is_customer(row["account"])
        },
        payments=payments,
    )


def _is_plan(service: dict[str, Any]) -> bool:
    return bool(service["type"] == "DATA" and service["application"] == "DEBIT")


def _is_customer(account: dict[str, Any]) -> bool:
    was_active = account["account_status"]["activates_account"] or account["activation_date"] is not None
    return bool(was_active and account["archived_at"] is None)


def _monthly(row: dict[str, Any]) -> Decimal:
    """The price that was agreed, else the list price, in the main unit."""
    service, own = row["service"], row["price_override"]
    amount = Decimal(service["amount"] or 0 if own is None else own)
    months = int(service["data_service_detail"]["billing_frequency"])
    return (amount / 100 / months).quantize(_PRICE, ROUND_HALF_EVEN)


def control(sonar: SonarSandbox, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask or tell the sandbox itself, under its control address."""
    return _call(f"{sonar.control}{path}", body, {})


def _ids(sonar: SonarSandbox, collection: str, arguments: str = "") -> frozenset[str]:
    return frozenset(str(row["id"]) for row in _rows(sonar, collection, "", arguments))


def _rows(sonar: SonarSandbox, collection: str, fields: str, arguments: str = "") -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        text = (
            f"{{ {collection}(paginator: {{page: {page}, records_per_page: {_PAGE}}}{arguments}"
            f", sorter: [{{attribute: id, direction: ASC}}]) {{ entities {{ id {fields} }} }} }}"
        ).replace("attribute: id", 'attribute: "id"')
        answer = _call(sonar.url, {"query": text}, {"Authorization": f"Bearer {sonar.token}"})
        if answer.get("errors"):
            raise RuntimeError(f"Sonar does not list {collection}: {answer['errors'][0].get('message')}")
        rows = answer["data"][collection]["entities"]
        yield from rows
        if len(rows) < _PAGE:
            return
        page += 1


def _call(url: str, body: dict[str, Any] | None, headers: dict[str, str]) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - an address of the local sandbox
        result: dict[str, Any] = json.load(answer)
        return result
