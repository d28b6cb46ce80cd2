"""Splynx as its database has it, in a form in which two runs can be compared field by field."""

import re
from collections.abc import Callable, Sequence, Set
from typing import Any

Row = dict[str, Any]
Rows = Callable[[str], list[Row]]
Picture = dict[str, list[Row]]

VOLATILE = frozenset(
    {
        "id", "customer_id", "transaction_id", "payment_id", "updated_at", "last_update", "last_online", "password",
        "partner_id", "parent_id", "tariff_id",
    }
)  # fmt: skip
"""Columns that differ between two loads of the same records: numbers that Splynx hands out, its clock, its cipher."""

_WITHDRAWN = re.compile(r"-[XA]\d*$")
"""Ends the receipt of a document that takes back or repeats an earlier one of the same payment."""

_STANDING = (
    "LEFT JOIN {ledger}.crosswalk x ON x.entity = 'internet_service' AND x.target_id = s.id"
    " WHERE (x.state = 'live' OR s.status <> 'disabled')"
)
"""Services without those that are no more: whether one that was added and removed again was ever written depends on
where a batch ends, with a fault or without."""

TABLES = {
    "partners": "SELECT * FROM partners",
    "labels": "SELECT * FROM labels",
    "tariffs_internet": "SELECT * FROM tariffs_internet",
    "tariffs_internet_values": (
        "SELECT t.title, v.name, v.value FROM tariffs_internet_values v JOIN tariffs_internet t ON t.id = v.id"
        " WHERE v.value <> ''"
    ),
    "customers": (
        "SELECT c.*, COALESCE(p.login, '') AS parent, o.name AS partner FROM customers c"
        " LEFT JOIN customers p ON p.id = c.parent_id LEFT JOIN partners o ON o.id = c.partner_id"
    ),
    "customer_info": "SELECT c.login, i.* FROM customer_info i JOIN customers c ON c.id = i.customer_id",
    "customer_billing": "SELECT c.login, b.* FROM customer_billing b JOIN customers c ON c.id = b.customer_id",
    "customers_values": (
        "SELECT c.login, v.name, v.value FROM customers_values v JOIN customers c ON c.id = v.id WHERE v.value <> ''"
    ),
    "customers_labels": (
        "SELECT c.login, l.label FROM customers_labels x JOIN customers c ON c.id = x.customer_id"
        " JOIN labels l ON l.id = x.label_id"
    ),
    "services_internet": (
        "SELECT c.login, t.title, s.* FROM services_internet s LEFT JOIN customers c ON c.id = s.customer_id"
        f" LEFT JOIN tariffs_internet t ON t.id = s.tariff_id {_STANDING}"
    ),
    "services_internet_values": (
        "SELECT c.login, s.login, v.name, v.value FROM services_internet_values v JOIN services_internet s"
        f" ON s.id = v.id LEFT JOIN customers c ON c.id = s.customer_id {_STANDING} AND v.value <> ''"
    ),
    "payments": (
        "SELECT c.login, t.description, p.* FROM payments p LEFT JOIN customers c ON c.id = p.customer_id"
        " LEFT JOIN billing_transactions t ON t.id = p.transaction_id AND t.payment_id = p.id"
    ),
    "billing_transactions": (
        "SELECT c.login, t.* FROM billing_transactions t LEFT JOIN customers c ON c.id = t.customer_id"
    ),
}
"""What Crossfade writes, each row named by its login, its label or its receipt instead of by a number."""


def picture(rows: Rows, stamped: Set[str] = frozenset()) -> Picture:
    """Every table of `TABLES` without its volatile columns, in an order that does not depend on ids.

    `stamped`: columns of a payment that are Splynx's own where it came over REST, the moment of the call among them.
    """
    made: Picture = {}
    for name, sql in TABLES.items():
        left_out = VOLATILE | stamped if name == "payments" else VOLATILE
        kept = [{column: value for column, value in row.items() if column not in left_out} for row in rows(sql)]
        if name in {"payments", "billing_transactions"}:
            kept = _standing(kept)
        made[name] = sorted(kept, key=lambda row: [str(value) for value in row.values()])
    return made


def _standing(documents: list[Row]) -> list[Row]:
    """Documents without those that were taken back, and those that took them back.

    Whether a payment that failed in between was written, taken back and written again, or written once, depends on
    where a batch ends, with a fault or without.
    """
    groups: dict[tuple[Any, str], list[Row]] = {}
    for row in documents:
        plain = {name: _WITHDRAWN.sub("", value) if isinstance(value, str) else value for name, value in row.items()}
        groups.setdefault((row["login"], str(plain["description"])), []).append(plain)
    kept: list[Row] = []
    for group in groups.values():
        amount = "amount" if "amount" in group[0] else "total"
        for row in [one for one in group if one[amount] < 0 < len(group) - 1]:
            pair = next((one for one in group if one[amount] == -row[amount]), None)
            if pair is not None:
                group.remove(row)
                group.remove(pair)
        kept += group
    return kept


def assert_same(found: Picture, expected: Picture) -> None:
    """Both pictures are equal; what differs is named by table and columns.

    Raises:
        AssertionError: they are not.
    """
    problems = [text for name in expected for text in _differences(name, found[name], expected[name])]
    assert not problems, "; ".join(problems[:20])


def _differences(name: str, found: Sequence[Row], expected: Sequence[Row]) -> list[str]:
    if len(found) != len(expected):
        return [f"{name}: {len(found)} rows instead of {len(expected)}"]
    return [
        f"{name}[{place}].{column}: {one[column]!r} instead of {other[column]!r}"
        for place, (one, other) in enumerate(zip(found, expected, strict=True))
        for column in other
        if one[column] != other[column]
    ]
