"""Where an internet service is: `admin/customers/customer/{customer}/geo-internet-service--{service}`."""

from typing import Any

from sandbox.splynx.call import Call, exists
from sandbox.splynx.entity import Entity
from sandbox.splynx.problems import not_found
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given


class Geo(Entity):
    """One place per service; the first PUT makes it."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customer/{customer_id}/geo-internet-service"])

    async def view(self, call: Call, row_id: str) -> Any:
        await self._owned(call, row_id)
        return await super().view(call, row_id)

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        await self._owned(call, row_id)
        sql = "SELECT service_id FROM service_geo_data WHERE service_id = %s"
        if await call.session.row(sql, (row_id,)) is None:
            call.session.later("INSERT INTO service_geo_data (service_id, address) VALUES (%s, '')", (row_id,))
        await super().update(call, row_id, given)

    async def _owned(self, call: Call, service: str) -> None:
        if not await exists(call, "services_internet", service):
            raise not_found()
        sql = "SELECT customer_id FROM services_internet WHERE id = %s"
        row = await call.session.row(sql, (service,))
        if row is None or (call.customer_id and row["customer_id"] != call.customer_id):
            raise not_found()
