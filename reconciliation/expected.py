"""What Sonar says must be in Splynx, worked out from the rules and without the mappers: a wrong mapper is found too."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from reconciliation.facts import Fact
from schemas.catalogue import FLAG_LABELS
from schemas.rules import Rules

Node = Mapping[str, Any]
OUT_OF_SCOPE = "outside the pilot"
OF_A_LEAD = "of a lead that is left out"
PARTS = ("customer", "customer_info", "customer_billing")
NO_SERVICES = frozenset({"new"})
"""Statuses of customers whose services Splynx does not take."""


def account_facts(account: Node, rules: Rules) -> list[Fact]:
    """The customer of an account with its info, billing and services; none for one that is not carried."""
    key, version = str(account["id"]), str(account["updated_at"])
    if not rules.in_scope(
        account_id=int(key), company_id=int(account["company_id"]), status_id=int(account["account_status_id"])
    ):
        # What was written before the pilot was narrowed stays as it is.
        left_out = [Fact(entity, key, key, skipped=OUT_OF_SCOPE) for entity in PARTS]
        plans = plans_of(account, rules)
        return left_out + [Fact("internet_service", one, key, skipped=OUT_OF_SCOPE) for one in plans]
    status = expected_status(account, rules)
    if status is None:
        return []
    billed = account["account_billing_parameter"] is not None
    return [
        Fact("customer", key, key, state=status, version=version),
        Fact("customer_info", key, key, version=version),
        Fact("customer_billing", key, key, version=version, skipped=None if billed else "no billing parameter"),
        *service_facts(account, status, rules),
    ]


def service_facts(account: Node, status: str, rules: Rules) -> list[Fact]:
    """The internet services of an account whose customer has this status (mapping S2, 4.17)."""
    if status in NO_SERVICES or account["archived_at"] is not None:
        return []
    key, version = str(account["id"]), str(account["updated_at"])
    unread = None if account["account_billing_parameter"] is not None else "no billing parameter"
    state = "disabled" if status == "disabled" else "active"
    return [
        Fact("internet_service", one, key, state=state, version=version, skipped=unread)
        for one in plans_of(account, rules)
    ]


def plans_of(account: Node, rules: Rules) -> list[str]:
    """Ids of what an account has of plans, without those that the rules leave out."""
    left_out = {id for id, rule in rules.file.tariffs.map.items() if rule == "ignore"}
    return [
        str(one["id"])
        for one in account["account_services"]["entities"]
        if is_plan(one["service"]) and int(one["service"]["id"]) not in left_out
    ]


def expected_status(account: Node, rules: Rules) -> str | None:
    """The customer's status by mapping 4.15; None for an account that is not carried."""
    at = int(account["account_status_id"])
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


def payment_facts(payment: Node, rules: Rules) -> list[Fact]:
    """The payment and its reversals; none while it does not qualify (mapping B2, B5)."""
    key, account, version = str(payment["id"]), str(payment["account_id"]), str(payment["updated_at"])
    reversals = payment["reversed_payments"]["entities"]
    keys = [key, *(f"{key}-R{reversal['id']}" for reversal in reversals)]
    payer = payment["account"] or {}
    if not rules.in_scope(
        account_id=int(account), company_id=_number(payer, "company_id"), status_id=_number(payer, "account_status_id")
    ):
        return [Fact("payment", one, account, skipped=OUT_OF_SCOPE) for one in keys]
    if payer and expected_status(payer, rules) is None:
        return [Fact("payment", one, account, skipped=OF_A_LEAD) for one in keys]
    if not payment["successful"] or payment["status"] not in {"SUCCEEDED", None}:
        return []
    method = rules.payment_method(payment["payment_type"], _provider(payment), autopay=bool(payment["is_autopay"]))
    documents = [(_day(payment["payment_datetime"], rules.zone), int(payment["amount"]))]
    documents += [(_day(one["created_at"], rules.zone), -int(one["amount"])) for one in reversals]
    return [
        Fact(
            "payment", one, account, "payment" if one == key else "reversal", day=day, method=method, minor=minor,
            version=version,
        )
        for one, (day, minor) in zip(keys, documents, strict=True)
    ]  # fmt: skip


def company_facts(company: Node, rules: Rules) -> list[Fact]:
    """The partner of an enabled company that the rules do not map to one of Splynx's own (mapping F1)."""
    if not company["enabled"] or rules.partner_of(int(company["id"])) is not None:
        return []
    return [Fact("partner", str(company["id"]), None, version=str(company["updated_at"]))]


def tariff_facts(services: Iterable[Node], rules: Rules) -> list[Fact]:
    """The internet tariffs of plans that the rules do not map to one of Splynx's own, nor leave out (mapping F12)."""
    chosen = rules.file.tariffs
    return [
        Fact("internet_tariff", str(service["id"]), None, version=str(service["updated_at"]))
        for service in services
        if is_plan(service) and chosen.mode == "create_missing" and int(service["id"]) not in chosen.map
    ]


def is_plan(service: Node) -> bool:
    """Whether a service is one for the internet, and charged."""
    return bool(service["type"] == "DATA" and service["application"] == "DEBIT")


def label_facts(kind: str, rows: Iterable[Node]) -> list[Fact]:
    """The labels of account groups (`group`) or types (`type`), mapping F10."""
    return [Fact("label", f"{kind}:{row['id']}", None, version=str(row["updated_at"])) for row in rows]


def flag_label_facts() -> list[Fact]:
    """The labels that stand for states of an account, the same for everyone."""
    return [Fact("label", key, None) for key in FLAG_LABELS]


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
