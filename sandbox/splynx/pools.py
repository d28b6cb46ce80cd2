"""Mails and short messages: what is posted waits in the pool, and would leave the machine."""

from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.entity import OfCustomer
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given


class Pool(OfCustomer):
    """`admin/config/mail` and `admin/config/sms`. A posted one is new; `{id}--send` sends it now."""

    def __init__(self, kind: str) -> None:
        super().__init__(RESOURCES[f"admin/config/{kind}"])

    async def prepare(self, call: Call, given: Given) -> Given:
        return {"type": "message"} | given

    def fixed(self, call: Call, row: Given) -> Given:
        return {"status": "new", "datetime_added": call.clock.datetime()}

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        before = await self.find(call, row_id)
        now = call.clock.datetime()
        await self.write(call, before, {"status": "sent", "datetime_sent": now, "datetime_start_sending": now})
        return 200, None
