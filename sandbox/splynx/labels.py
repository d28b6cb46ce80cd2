"""Labels, and which customer carries which."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

import re
from collections.abc import Sequence
from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

MODULES = ("ticket", "scheduling_task", "customers")
DEFAULT_COLOR = "#357bf2"
_COLOR = re.compile(r"^#[0-9a-fA-F]{6}$")


class Labels(Entity):
    """`admin/config/labels`. A text is unique within its module."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/config/labels"])

    async def prepare(self, call: Call, given: Given) -> Given:
        if not given.get("color"):
            given["color"] = DEFAULT_COLOR
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors: Errors = []
        module = given.get("module") or (before or {}).get("module")
        if module not in MODULES and module:
            errors.append(("module", "Module is invalid."))
        if given.get("color") and not _COLOR.match(str(given["color"])):
            errors.append(("color", "Color is invalid."))
        twin = await call.session.row(
            "SELECT id FROM labels WHERE label = %s AND module = %s AND deleted = '0' AND id <> %s LIMIT 1",
            (given.get("label"), module, before["id"] if before else 0),
        )
        if twin is not None and given.get("label"):
            errors.append(("label", "Label has already been taken."))
        return errors

    async def removing(self, call: Call, before: Row) -> None:
        call.session.later("DELETE FROM customers_labels WHERE label_id = %s", (before["id"],))

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        for row, answer in zip(rows, answers, strict=True):
            answer["textColor"] = _readable_on(row["color"] or DEFAULT_COLOR)


def attach(call: Call, customer: int, labels: Any) -> None:
    """Replace a customer's labels by these ids. An id that is no label is left out."""
    wanted = list(labels.values()) if isinstance(labels, dict) else labels
    call.session.later("DELETE FROM customers_labels WHERE customer_id = %s", (customer,))
    ids = sorted({int(label) for label in wanted or [] if str(label).isdigit()}) if isinstance(wanted, list) else []
    if ids:
        members = ", ".join(map(str, ids))
        call.session.later(
            "INSERT INTO customers_labels (customer_id, label_id)"
            f" SELECT %s, id FROM labels WHERE id IN ({members}) AND module = 'customers' AND deleted = '0'",
            (customer,),
        )


async def attached(call: Call, customers: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The labels of many customers, `{customer: [{id, label, color}]}`."""
    if not customers:
        return {}
    rows = await call.session.rows(
        "SELECT c.customer_id, l.id, l.label, l.color FROM customers_labels c"
        f" JOIN labels l ON l.id = c.label_id AND l.deleted = '0' WHERE {_among(customers)} ORDER BY l.id"
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], []).append({name: row[name] for name in ("id", "label", "color")})
    return found


def _among(customers: Sequence[int]) -> str:
    if len(customers) <= 500:
        return f"c.customer_id IN ({', '.join(map(str, customers))})"
    return f"c.customer_id BETWEEN {min(customers)} AND {max(customers)}"


def _readable_on(color: str) -> str:
    if not _COLOR.match(color):
        return "#000000"
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#000000" if red * 299 + green * 587 + blue * 114 > 150_000 else "#ffffff"
