"""Staff, categories and the company: rows that others refer to, with a habit of their own."""

import hashlib
from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors
from sandbox.splynx.problems import cannot_be_deleted
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given


class Categories(Entity):
    """`admin/finance/transaction-categories`; base ones stay."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/finance/transaction-categories"])

    async def removing(self, call: Call, before: Row) -> None:
        if before["is_base"] == "1":
            raise cannot_be_deleted("A base category cannot be deleted!")


class Administrators(Entity):
    """`admin/administration/administrators`. A password is kept as a hash; how the product makes it is not public."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/administration/administrators"])

    async def prepare(self, call: Call, given: Given) -> Given:
        return {"role_name": "customer-creator", "timeout": 1200} | _hashed(given)

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        role = given.get("role_name")
        if role and await call.session.row("SELECT name FROM roles WHERE name = %s", (role,)) is None:
            return [("role_name", "Role is invalid.")]
        return []

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        await super().update(call, row_id, _hashed(given))

    async def removing(self, call: Call, before: Row) -> None:
        if before["id"] == 1:
            raise cannot_be_deleted("The first administrator cannot be deleted!")

    async def computed(self, call: Call, rows: Any, answers: Any) -> None:
        for row, answer in zip(rows, answers, strict=True):
            answer["filter_partner_id"] = str(row["partner_id"])
            answer |= {"avatar_api_url": "", "download_avatar_link": ""}  # nobody has a picture here


class CompanyInfo(Entity):
    """`admin/config/company-info`: one row per partner."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/config/company-info"])

    async def computed(self, call: Call, rows: Any, answers: Any) -> None:
        for row, answer in zip(rows, answers, strict=True):
            answer |= {"file_logo": "", "tax_id": None, "iso_country_code": row["iso_country"] or ""}


def _hashed(given: Given) -> Given:
    if not given.get("password"):
        return given
    return given | {"password": hashlib.sha256(str(given["password"]).encode()).hexdigest()}
