"""Products, items and suppliers' invoices: rows that may carry a file, and items that are somewhere."""

from typing import Any

from sandbox.splynx import files
from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors
from sandbox.splynx.problems import cannot_be_deleted
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given


class WithPhoto(Entity):
    """A row with a photo or a scan: `.../{id}--upload` puts it there."""

    def __init__(self, path: str) -> None:
        super().__init__(RESOURCES[path])

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        before = await self.find(call, row_id)
        upload = files.one(call)
        _, name = await files.keep(call, self.table, upload)
        await self.write(call, before, {"filename_original": upload.name, "filename": name})
        self._log(call, "update", before, given)
        return 201, {"id": before["id"]}


class Items(WithPhoto):
    """`admin/inventory/items`: in a stock, or with a customer; a PUT changes notes, barcode and serial number only."""

    def __init__(self) -> None:
        super().__init__("admin/inventory/items")

    async def prepare(self, call: Call, given: Given) -> Given:
        return {"status": "stock", "mark": "new"} | given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        if before is None and given.get("status") == "stock" and not given.get("stock_id"):
            return [("stock_id", "Stock location cannot be blank.")]
        return []

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        # The description's PUT has these alone; where an item is changes with rent, sale and return.
        changeable = ("notes", "barcode", "serial_number", "additional_attributes")
        await super().update(call, row_id, {name: given[name] for name in changeable if name in given})

    async def removing(self, call: Call, before: Row) -> None:
        if before["status"] in ("rent", "sold"):
            raise cannot_be_deleted("An item at a customer cannot be deleted!")
