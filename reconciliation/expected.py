"""What Sonar says must be in Splynx, worked out from the rules and without the mappers: a wrong mapper is found too."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas.rules import Rules

Node = Mapping[str, Any]


@dataclass
class Books:
    """One side's records in comparable form. Money is in minor units."""

    statuses: dict[str, str] = field(default_factory=dict)
    """`{account id: status}` of each customer."""
    payments: dict[str, str] = field(default_factory=dict)
    """`{payment key: "customer day method amount"}`."""
    daily: dict[str, str] = field(default_factory=dict)
    """`{"day method": "documents sum"}` (M7)."""
    balances: dict[str, str] = field(default_factory=dict)
    """`{account id: sum of payments less reversals}`, customers without payments left out."""

    @property
    def status_counts(self) -> dict[str, str]:
        """`{status: customers}`."""
        counts: dict[str, int] = defaultdict(int)
        for status in self.statuses.values():
            counts[status] += 1
        return {status: str(count) for status, count in counts.items()}

    @property
    def payments_minor(self) -> int:
        """All payments less reversals."""
        return sum(int(amount) for amount in self.balances.values())


@dataclass(frozen=True)
class Document:
    """One payment or reversal."""

    key: str
    account: str
    day: str
    method: int
    minor: int


def expected_books(accounts: Iterable[Node], payments: Iterable[Node], rules: Rules) -> Books:
    """The books that Sonar's rows ask for."""
    books = Books()
    left_out = set()
    for account in accounts:
        status = expected_status(account, rules)
        if status is not None:
            books.statuses[str(account["id"])] = status
        else:
            left_out.add(str(account["id"]))
    documents = [
        document
        for payment in payments
        if str(payment["account_id"]) not in left_out
        for document in expected_documents(payment, rules)
    ]
    add_documents(books, documents)
    return books


def add_documents(books: Books, documents: Iterable[Document]) -> None:
    """Enter documents into the books."""
    daily: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    balances: dict[str, int] = defaultdict(int)
    for one in documents:
        books.payments[one.key] = f"{one.account} {one.day} {one.method} {one.minor}"
        count, total = daily[f"{one.day} {one.method}"]
        daily[f"{one.day} {one.method}"] = count + 1, total + one.minor
        balances[one.account] += one.minor
    books.daily.update({key: f"{count} {total}" for key, (count, total) in daily.items()})
    books.balances.update({key: str(total) for key, total in balances.items()})


def expected_status(account: Node, rules: Rules) -> str | None:
    """The customer's status by mapping 4.15; None for an account that is not carried."""
    number, at = int(account["id"]), int(account["account_status_id"])
    if not rules.in_scope(account_id=number, company_id=int(account["company_id"]), status_id=at):
        return None
    chosen, name = rules.file.status_map, account["account_status"]["name"]
    parameter = account["account_billing_parameter"] or {}
    switched = parameter.get("delinquency_account_status_id")
    overdue = bool(account["is_delinquent"])
    in_dunning = overdue and switched is not None and int(switched) == at
    status: str
    if at in chosen.by_id:
        status = chosen.by_id[at]
    elif name in chosen.by_name:
        status = chosen.by_name[name]
    elif account["archived_at"] is not None:
        status = "disabled"
    elif account["account_status"]["activates_account"]:
        status = "blocked" if in_dunning or (overdue and chosen.delinquent_as_blocked) else "active"
    elif in_dunning:
        status = chosen.inactive_delinquent
    else:
        status = "disabled" if account["activation_date"] is not None else "new"
    return None if status == "new" and chosen.leads == "skip" else status


def expected_documents(payment: Node, rules: Rules) -> list[Document]:
    """The payment and its reversals; none while it does not qualify (mapping B2, B5)."""
    account, payer = str(payment["account_id"]), payment["account"] or {}
    in_scope = rules.in_scope(
        account_id=int(account), company_id=_number(payer, "company_id"), status_id=_number(payer, "account_status_id")
    )
    if not in_scope or not payment["successful"] or payment["status"] not in {"SUCCEEDED", None}:
        return []
    method = rules.payment_method(payment["payment_type"], _provider(payment))
    key = str(payment["id"])
    documents = [Document(key, account, _day(payment["payment_datetime"], rules.zone), method, int(payment["amount"]))]
    for reversal in payment["reversed_payments"]["entities"]:
        day = _day(reversal["created_at"], rules.zone)
        documents.append(Document(f"{key}-R{reversal['id']}", account, day, method, -int(reversal["amount"])))
    return documents


def _provider(payment: Node) -> str | None:
    for instrument in ("credit_card", "bank_account"):
        processor = (payment[instrument] or {}).get(f"{instrument}_processor")
        if processor is not None:
            return str(processor["provider"])
    return None


def _number(row: Node, column: str) -> int | None:
    value = row.get(column)
    return int(value) if value is not None else None


def _day(instant: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).date().isoformat()
