"""Partners, locations, payment methods and the like: rows that others refer to."""

from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity
from sandbox.splynx.problems import cannot_be_deleted
from sandbox.splynx.resources import RESOURCES


class Foundation(Entity):
    """A resource that has no habits but a refusal: what is in use cannot be deleted.

    `used_by` are (table, column) that may refer to a row.
    """

    def __init__(self, path: str, *, unique: tuple[str, ...] = (), used_by: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(RESOURCES[path])
        self.unique = unique
        self.used_by = used_by

    async def removing(self, call: Call, before: Row) -> None:
        for table, column in self.used_by:
            sql = f"SELECT `{column}` FROM `{table}` WHERE `{column}` = %s AND deleted = '0' LIMIT 1"  # noqa: S608
            if await call.session.row(sql, (before["id"],)) is not None:
                raise cannot_be_deleted("It is in use!")


class Categories(Foundation):
    """`admin/finance/transaction-categories`; base ones stay."""

    async def removing(self, call: Call, before: Row) -> None:
        if before["is_base"] == "1":
            raise cannot_be_deleted("A base category cannot be deleted!")
        await super().removing(call, before)
