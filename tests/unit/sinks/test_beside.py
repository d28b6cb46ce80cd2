"""A payment over REST makes a blocked customer active: it is blocked again, whatever happens in between."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from clients.splynx_errors import SplynxUnreachable
from schemas.catalogue import TARGETS
from schemas.ledger import LIVE
from sinks.beside import Beside
from sinks.entries import Owner
from sinks.plan import AggregateState, Known, Step, Verb
from sinks.store import Intent
from sinks.tables.intents import BESIDE

OWNER = Owner("payment", 10, 5, 0, 7)
KEPT = {"customer_id": {"entity": "customer", "key": "1"}, "receipt_number": "SP10"}
BODY = {"customer_id": 3, "receipt_number": "SP10"}


class Scene:
    """A Splynx with one customer, and a ledger that says `wanted` of it."""

    def __init__(self, status: str = "blocked", wanted: str = "blocked") -> None:
        self.status, self.wanted = status, wanted
        self.payments: list[dict[str, Any]] = []
        self.open: dict[int, dict[str, Any]] = {}
        self.refuses: list[Exception] = []
        self.applied = 5
        self.put_by: list[Owner] = []
        fake: Any = self
        self.client, self.settings = fake, SimpleNamespace(timeout_seconds=1, settle_seconds=0)
        self.beside = Beside(fake, fake, fake, SimpleNamespace(put=self._put, done=self._nothing), TARGETS)  # type: ignore[arg-type]

    def step(self, number: int = 10) -> Step:
        return Step(Verb.CREATE, TARGETS["payment"], str(number), "h", KEPT, None)

    async def pay(self, number: int = 10, *, made: bool = True, fails: Exception | None = None) -> None:
        body = BODY | {"receipt_number": f"SP{number}"}
        async with self.beside.as_before(self.step(number), body, KEPT, OWNER):
            if made:
                await asyncio.sleep(0)
                self.payments.append(body | {"id": number})
                self.status = "active" if self.status == "blocked" else self.status
                await asyncio.sleep(0)
            if fails is not None:
                raise fails

    async def heal(self) -> None:
        (number,) = self.open
        told = self.open[number]
        assert told["method"] == BESIDE
        late = time.monotonic()
        await self.beside.heal(Intent(number, "payment", "10", "payment", 10, 5, BESIDE, 0, late, told["sent"]), 8)

    # the client, the database and the ledger

    async def get(self, *_: object) -> Mapping[str, Any]:
        return {"id": 3, "status": self.status}

    async def list(self, *_: object) -> list[dict[str, Any]]:
        return self.payments

    @asynccontextmanager
    async def session(self) -> Any:
        yield self

    transaction = session

    async def known_record(self, *_: object) -> Known:
        return Known("customer", "1", 3, "h", 1, LIVE, 0, {"status": self.wanted})

    async def begin(self, _: object, **told: Any) -> int:
        self.open[len(self.open) + 1] = told
        return len(self.open)

    async def close_intent(self, _: object, intent: int, *__: str) -> None:
        del self.open[intent]

    async def states(self, _: object, keys: Any) -> dict[Any, AggregateState]:
        return {key: AggregateState(self.applied, "h", 0, "applied") for key in keys}

    async def _nothing(self, *_: object, **__: object) -> None:
        return None

    hold = not_overtaken = _nothing

    async def _put(self, _: Step, owner: Owner, __: int, ___: object, sent: Mapping[str, Any]) -> None:
        if self.refuses:
            raise self.refuses.pop()
        self.put_by.append(owner)
        self.status = sent["status"]


async def test_who_is_blocked_and_pays_is_blocked() -> None:
    scene = Scene()
    await scene.pay()
    assert (scene.status, scene.open) == ("blocked", {})


async def test_payments_of_one_customer_wait_for_each_other() -> None:
    """The second one would see it active, and the first one would block it before the second is made."""
    scene = Scene()
    await asyncio.gather(*(scene.pay(number) for number in (10, 11, 12)))
    assert (scene.status, scene.open, len(scene.payments)) == ("blocked", {}, 3)


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        pytest.param("active", "blocked", id="somebody made it active"),
        pytest.param("blocked", "active", id="somebody blocked it"),
    ],
)
async def test_what_somebody_edited_is_not_undone_beside(status: str, wanted: str) -> None:
    scene = Scene(status, wanted)
    await scene.pay()
    assert scene.put_by == []
    assert scene.open == {}


@pytest.mark.parametrize("applied", [5, 9], ids=["as it was", "a newer event of the payment came elsewhere"])
async def test_after_a_crash_the_successor_blocks_again(applied: int) -> None:
    scene = Scene()
    with pytest.raises(RuntimeError):
        await scene.pay(fails=RuntimeError("killed"))
    assert scene.status == "active"
    scene.applied = applied
    await scene.heal()
    assert (scene.status, scene.open) == ("blocked", {})
    assert [(one.sequence, one.token) for one in scene.put_by] == [(applied, 8)]


async def test_a_payment_that_never_came_leaves_what_somebody_did_meanwhile() -> None:
    scene = Scene()
    with pytest.raises(RuntimeError):
        await scene.pay(made=False, fails=RuntimeError("killed"))
    scene.status = "active"  # by hand
    await scene.heal()
    assert (scene.status, scene.open) == ("active", {})


async def test_a_splynx_that_does_not_answer_is_asked_again() -> None:
    scene = Scene()
    scene.refuses = [SplynxUnreachable("away", nothing_happened=True)]
    with pytest.raises(SplynxUnreachable):
        await scene.pay()
    assert len(scene.open) == 1
    await scene.heal()
    assert (scene.status, scene.open) == ("blocked", {})


async def test_somebody_who_closes_the_customer_meanwhile_wins() -> None:
    scene = Scene()
    with pytest.raises(RuntimeError):
        await scene.pay(fails=RuntimeError("killed"))
    scene.status = "disabled"
    await scene.heal()
    assert scene.status == "disabled"
