"""Sonar's schema changes while capture runs: told once, then null, a halt of what needs it, or a dead letter."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import Any, cast

import pytest

from clients.sonar import SonarClient
from clients.sonar_errors import SonarQueryInvalid, SonarTimeout
from clients.sonar_schema import INTROSPECTION, VALUE, SonarSchema
from plumbing import metrics
from plumbing.kafka import AckedProducer
from producers.drift import Drift, differences
from producers.fitting import Fitting
from producers.needs import SchemaUnfit, outline_of
from producers.nested import NESTED_PAGE
from producers.orders import Order, Orders
from producers.signals import notify
from producers.source import read_source
from sandbox.sonar.declarations import Declarations, ObjectType
from sandbox.sonar.execute import Engine
from sandbox.sonar.types import SERVED
from tests.unit.producers.scene import AGGREGATES, InMemoryClient, Scene, the_schema
from tests.unit.sandbox_sonar.shop import Desk, Shop

HOUR = 3600
READ = {*(name for name in outline_of(the_schema(), AGGREGATES) if name in SERVED.types), "Log"}


def _alone(kind: ObjectType) -> ObjectType:
    inside = {name: one for name, one in kind.relations.items() if one.target in READ or "Interface" in one.target}
    return replace(kind, relations=inside)


SMALL = Declarations({name: _alone(kind) for name, kind in SERVED.types.items() if name in READ}, SERVED.enums)
"""What the scene reads of the sandbox: its schema is made anew in a moment."""


@cache
def the_small_schema() -> SonarSchema:
    """Of what every scene begins with: that our documents fit it is found once."""
    shop = Shop()
    shop.engine = Engine(shop.store, SMALL)
    return SonarSchema(shop.ask(INTROSPECTION))


class DriftingClient(InMemoryClient):
    """A Sonar whose schema may change; its introspection is read when it is asked for."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.introspections = 0
        self.drift(SMALL)
        self.written: tuple[bytes, bytes] = (b"", b"")
        """What stands in the store, whose columns do not drift, and what Sonar shows for it."""

    def on_its_way(self, body: bytes) -> bytes:
        return body.replace(*self.written)

    async def introspect(self) -> SonarSchema:
        self.introspections += 1
        return self.schema

    def drift(self, declared: Declarations) -> None:
        """From now on this is Sonar's schema."""
        self.desk.engine = Engine(self.desk.store, declared)
        self.schema = the_small_schema() if declared is SMALL else SonarSchema(self.desk.ask(INTROSPECTION))


class Drifting(Scene):
    """The scene, with what fits it to Sonar's schema; a small provider, snapshotted a while ago."""

    def __init__(self) -> None:
        super().__init__()
        self.client = self.drifting = DriftingClient(self.shop)
        self.clock = 0.0
        account = self.shop.an_account("Ada")
        self.shop.a_contact(account, "Ada")
        self.shop.a_payment(account)
        self.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=account, priority="NORMAL")
        self.restart()

    @classmethod
    async def begun(cls) -> "Drifting":
        """Read, and followed up to now."""
        scene = cls()
        await scene.start()
        await scene.read()
        await scene.poll()
        return scene

    async def start(self) -> None:
        """As a process begins."""
        client, producer = cast(SonarClient, self.client), AckedProducer(cast(Any, self.broker))
        source = await read_source(client, self.aggregates, NESTED_PAGE)
        self.drift = Drift(
            client, self.aggregates, self.cursors, source, partial(notify, producer, self.topics, "run"),
            first=NESTED_PAGE, every=timedelta(seconds=HOUR), clock=lambda: self.clock,
        )  # fmt: skip
        self.fitting = Fitting(self.drift, self.reader, self.publisher, self.following, self.aggregates)
        self.again = (await self.fitting.begin()).again
        await self.drift.keep()
        await self.begin()

    async def read(self) -> None:
        """What is not complete, of what can be read."""
        await self.snapshot.run(self.fitting.fit, asyncio.Event(), started=self.shop.clock.now, force=None)

    async def poll(self, times: int = 1) -> None:
        for _ in range(times):
            self.shop.clock.tick(60)
            await self.following.poll(sweeping=False)

    async def changed(self, **changes: Any) -> None:
        """The schema is the sandbox's but for these changes; an hour goes by, and capture looks."""
        self.drifting.drift(SMALL.drifted(**changes))
        self.clock += HOUR
        await self.look()

    async def look(self) -> None:
        """A look that is due, and finds something."""
        change = await self.fitting.look()
        assert change is not None
        self.again = change.again
        await self.drift.keep()

    async def read_again(self) -> None:
        """What the look has found to be read again."""
        chosen = [one for one in self.aggregates if one.name in self.again]
        await self.snapshot.run(chosen, asyncio.Event(), started=self.shop.clock.now, force=str(self.clock))

    def schema_events(self) -> list[tuple[str, str, str, list[str]]]:
        """The schema events on the notifications."""
        return [
            (one["change"], one["name"], one["effect"], one["aggregates"])
            for _, one in self.broker.of(self.topics.notifications)
        ]

    def covered(self) -> Mapping[str, float]:
        """How long ago, by Sonar's clock, each aggregate was covered."""
        found = {one.name: self.following.covered(one) for one in self.aggregates}
        return {name: (self.shop.clock.now - at).total_seconds() for name, at in found.items() if at is not None}


async def test_the_schema_is_looked_at_once_an_hour_and_no_change_tells_nothing() -> None:
    scene = await Drifting.begun()
    scene.clock = HOUR - 1
    assert not await scene.fitting.look()
    assert scene.drifting.introspections == 1
    scene.clock = HOUR
    asked = len(scene.client.asked)
    assert not await scene.fitting.look()
    assert not await scene.fitting.look()
    assert scene.drifting.introspections == 2
    assert len(scene.client.asked) == asked
    assert scene.schema_events() == []


@pytest.mark.fault(14)
async def test_an_optional_field_that_goes_is_null_and_one_that_returns_is_read_again() -> None:
    scene = await Drifting.begun()
    await scene.changed(hide=["Account.contacts"])
    assert scene.schema_events() == [("gone", "Account.contacts", "null", ["account"])]
    scene.shop.store.update("Account", 1, name="Eda")
    await scene.poll()
    assert scene.folded()[1]["name"] == "Eda"
    assert scene.folded()[1]["contacts"] is None  # not read, which is not the same as none
    old, new = (event["source"]["schema_fingerprint"] for event in scene.events())
    assert old != new == scene.drift.source.fingerprint
    await scene.changed()
    assert scene.schema_events()[1:] == [("new", "Account.contacts", "used", ["account"])]
    await scene.read_again()
    assert [one["name"] for one in scene.folded()[1]["contacts"]] == ["Ada"]
    assert [one["op"] for one in scene.events("payment")] == ["r"]  # nothing else is read again


@pytest.mark.fault(14)
@pytest.mark.parametrize("restarted", [False, True], ids=["by one process", "by another"])
async def test_a_field_that_returns_while_its_aggregate_stands_still_is_read_again_once_it_goes_on(
    restarted: bool,
) -> None:
    scene = await Drifting.begun()
    await scene.changed(hide=["Account.contacts"])
    scene.shop.store.update("Account", 1, name="Eda")
    await scene.poll()
    await scene.changed(hide=["Account.name"])
    assert not scene.again
    if restarted:
        scene.restart()
        await scene.start()
        assert not scene.again
    await scene.changed()
    assert scene.again == ("account",)
    await scene.read_again()
    assert [one["name"] for one in scene.folded()[1]["contacts"]] == ["Ada"]
    await scene.changed(hide=["Account.name"])
    await scene.changed()
    assert not scene.again  # nothing was null meanwhile


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("hidden", "restarted"),
    [
        pytest.param("Payment.amount", True, id="a field, with a restart meanwhile"),
        pytest.param("payments", False, id="the collection"),
    ],
)
async def test_what_lacks_a_required_field_stands_still_and_goes_on_from_there(hidden: str, restarted: bool) -> None:
    scene = await Drifting.begun()
    await scene.changed(hide=[hidden])
    assert scene.schema_events() == [("gone", hidden, "halt", ["payment"])]
    assert scene.following.standing == {"payment": SchemaUnfit.code}
    scene.shop.clock.tick(60)
    scene.shop.store.update("Payment", 1, amount=7)
    scene.shop.a_payment(1, 8)
    scene.shop.store.update("Account", 1, name="Eda")
    await scene.poll()
    if restarted:
        scene.restart()
        await scene.start()
    await scene.poll(60)
    assert scene.folded()[1]["name"] == "Eda"
    assert scene.folded("payment")[1]["amount"] == 100
    behind = scene.covered()
    assert behind["account"] == behind["note"] == 10
    assert behind["payment"] > HOUR
    assert scene.following.low == scene.following.covered(AGGREGATES[1])
    with pytest.raises(SchemaUnfit, match=hidden):
        await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=scene.shop.clock.now, force="all")
    await scene.changed()
    await scene.poll(2)
    assert {row["amount"] for row in scene.folded("payment").values()} == {7, 8}
    assert scene.covered()["payment"] == 10
    assert scene.following.standing == {}
    assert len(scene.schema_events()) == 2


async def test_a_sweep_lists_what_can_be_read_now_and_no_more() -> None:
    scene = await Drifting.begun()

    async def sweep() -> set[str]:
        scene.client.asked.clear()
        for _ in range(100):
            scene.shop.clock.tick(HOUR)
            await scene.following.poll()
        return {name for name in ("payments", "contacts") if any(f"c0: {name}(" in one for one in scene.client.asked)}

    assert await sweep() == {"payments", "contacts"}
    await scene.changed(hide=["payments"])
    assert await sweep() == {"contacts"}
    await scene.changed()
    assert await sweep() == {"payments", "contacts"}


async def test_what_has_to_be_read_again_is_not_forgotten_by_a_kill_before_it_is_ordered() -> None:
    scene = await Drifting.begun()
    await scene.changed(hide=["Account.contacts"])
    scene.drifting.drift(SMALL)
    scene.clock += HOUR
    change = await scene.fitting.look()
    assert change is not None
    scene.restart()
    await scene.start()
    assert [*scene.again] == [*change.again] == ["account"]
    scene.restart()
    await scene.start()
    assert not scene.again


async def test_a_look_at_the_schema_that_fails_holds_nothing_up_and_is_made_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await Drifting.begun()
    scene.drifting.drift(SMALL.drifted(hide=["Contact.name"]))
    with monkeypatch.context() as broken:

        async def introspect() -> SonarSchema:
            raise SonarTimeout("too much")

        broken.setattr(scene.drifting, "introspect", introspect)
        scene.clock += HOUR
        assert await scene.fitting.look() is None
        assert not scene.drift.is_due
    scene.clock += 60
    assert await scene.fitting.look() is not None


async def test_what_changed_while_an_aggregate_stood_still_did_not_come_late() -> None:
    scene = await Drifting.begun()
    await scene.changed(hide=["Account.name"])
    scene.shop.store.update("Account", 1, is_delinquent=True)
    await scene.poll(30)
    await scene.changed()
    await scene.poll(2)
    assert scene.following.late == {}
    assert scene.covered()["account"] == 10


@pytest.mark.fault(14)
async def test_deletes_of_what_stands_still_are_made_up_for() -> None:
    scene = await Drifting.begun()
    await scene.changed(hide=["Payment.amount"])
    scene.shop.store.delete("Payment", 1)
    await scene.poll(3)
    assert 1 in scene.folded("payment")
    scene.restart()
    await scene.start()
    await scene.changed()
    await scene.poll(2)
    assert scene.folded("payment") == {}


@pytest.mark.fault(14)
async def test_a_field_that_is_renamed_is_one_gone_and_one_that_nobody_declares() -> None:
    scene = await Drifting.begun()
    await scene.changed(hide=["Account.name"], columns={"Account.full_name": "String"})
    assert scene.schema_events() == [
        ("new", "Account.full_name", "unused", []), ("gone", "Account.name", "halt", ["account", "note"]),
    ]  # fmt: skip
    assert scene.fitting.fit == [AGGREGATES[1]]


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"12.5", "amount", id="a fraction"),
        pytest.param(b"9223372036854775808", "a whole number of more than 64 bits", id="too large for a long"),
    ],
)
async def test_values_of_a_type_that_was_widened_pass_where_they_fit_and_are_never_rounded(
    value: bytes, reason: str
) -> None:
    scene = await Drifting.begun()
    await scene.changed(columns={"Payment.amount": "Float"})
    assert scene.schema_events() == [("retyped", "Payment.amount", "passes", ["payment"])]
    scene.shop.a_payment(1, 77)
    scene.drifting.written = (b'"amount":77', b'"amount":' + value)
    whole = scene.shop.a_payment(1, 12)
    await scene.poll()
    assert {id: row["amount"] for id, row in scene.folded("payment").items()} == {1: 100, whole: 12}
    (letter,) = [one for _, one in scene.broker.of(scene.topics.dead_letters("capture"))]
    assert (letter["code"], letter["reason"]) == ("capture.invalid_row", f"not as declared: {reason}")


@pytest.mark.fault(14)
async def test_a_value_that_an_enum_gains_is_told_and_passes_as_data() -> None:
    scene = await Drifting.begun()
    await scene.changed(values={"NoteableType": ["Asteroid"]})
    assert scene.schema_events() == [("new", "NoteableType.Asteroid", "passes", ["note"])]
    note = scene.shop.store.insert("Note", message="m", noteable_type="Job", noteable_id=9, priority="NORMAL")
    scene.drifting.written = (b'"Job"', b'"Asteroid"')
    await scene.poll()
    assert scene.folded("note")[note]["noteable_type"] == "Asteroid"


@pytest.mark.fault(14)
async def test_a_relation_that_has_become_a_plain_value_is_null() -> None:
    scene = await Drifting.begun()
    plain = SMALL.drifted(hide=["Account.contacts"]).drifted(columns={"Account.contacts": "String"})
    scene.drifting.drift(plain)
    scene.clock += HOUR
    await scene.look()
    assert scene.schema_events() == [("retyped", "Account.contacts", "null", ["account"])]
    scene.shop.store.update("Account", 1, name="Eda")
    await scene.poll()
    assert (scene.folded()[1]["name"], scene.folded()[1]["contacts"]) == ("Eda", None)
    await scene.changed()
    assert scene.schema_events()[1:] == [("retyped", "Account.contacts", "used", ["account"])]


async def test_what_changed_while_capture_was_away_is_told_once() -> None:
    scene = await Drifting.begun()
    scene.drifting.drift(SMALL.drifted(hide=["Account.contacts"]))
    for _ in range(3):
        scene.restart()
        await scene.start()
    assert scene.schema_events() == [("gone", "Account.contacts", "null", ["account"])]
    scene.drifting.drift(SMALL)
    scene.restart()
    await scene.start()
    assert scene.again == ("account",)


async def test_a_field_that_may_be_read_again_is_used_without_a_restart() -> None:
    scene = Drifting()
    scene.damage(denied=frozenset({"Account.contacts"}))
    await scene.start()
    await scene.read()
    assert scene.folded()[1]["contacts"] is None
    scene.damage()
    scene.clock += HOUR
    await scene.look()
    await scene.read_again()
    assert scene.schema_events() == [("new", "account.contacts", "used", ["account"])]
    assert [one["name"] for one in scene.folded()[1]["contacts"]] == ["Ada"]


async def test_what_is_read_again_for_the_schema_is_no_order_that_was_open_before() -> None:
    scene = await Drifting.begun()
    orders = Orders(scene.cursors)
    before = await orders.take(Order(("account",)))
    assert await orders.take(Order(("account",))) is before
    assert await orders.take(Order(("account",)), anew=True) is not before
    assert len(Orders(scene.cursors).open) == 2


async def test_a_document_that_sonar_refuses_is_a_reason_to_look_at_once() -> None:
    scene = await Drifting.begun()
    scene.drifting.drift(SMALL.drifted(hide=["Account.contacts"]))
    scene.shop.store.update("Account", 1, name="Eda")
    with pytest.raises(SonarQueryInvalid):
        await scene.poll()
    assert scene.drift.doubt()
    await scene.look()
    await scene.poll()
    assert scene.folded()[1]["name"] == "Eda"


async def test_a_refusal_that_no_look_explains_is_not_passed_over_twice() -> None:
    scene = await Drifting.begun()
    assert scene.drift.doubt()
    assert scene.drift.doubt()  # two tasks may meet it before the look
    assert not await scene.fitting.look()
    assert not scene.drift.doubt()
    scene.drift.believe()
    assert scene.drift.doubt()


async def test_a_sonar_of_which_nothing_is_left_halts() -> None:
    scene = await Drifting.begun()
    scene.drifting.drift(SMALL.drifted(hide=["accounts", "payments", "notes"]))
    scene.clock += HOUR
    with pytest.raises(SchemaUnfit, match="accounts, notes, payments"):
        await scene.fitting.look()
    assert not scene.drift.is_due  # the next hour, not the next poll


async def test_metrics_tell_what_is_lacking_and_when_it_changed() -> None:
    def lacks() -> list[float]:
        return [metrics.SCHEMA_LACKING.labels(one)._value.get() for one in ("halt", "null", "unreadable")]

    scene = await Drifting.begun()
    assert lacks() == [0, 0, 0]
    before = metrics.SCHEMA_EVENTS.labels("halt")._value.get()
    await scene.changed(hide=["Payment.amount", "Account.contacts", "Account.addresses"])
    assert lacks() == [1, 2, 0]
    assert metrics.SCHEMA_EVENTS.labels("halt")._value.get() == before + 1
    assert metrics.SCHEMA_CHANGED.labels("halt")._value.get() > 0
    await scene.changed()
    assert lacks() == [0, 0, 0]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param({"A": {"x": "Int"}}, {"A": {"x": "Int"}}, [], id="nothing"),
        pytest.param({"A": {"x": "Int"}}, {}, [("gone", "A", None)], id="a type goes"),
        pytest.param({}, {"A": {"x": "Int"}}, [], id="a type that a new field leads to"),
        pytest.param({"A": {"x": "B"}}, {"A": {"x": "[B]"}}, [("retyped", "A", "x")], id="one becomes many"),
        pytest.param({"E": {"P": VALUE}}, {"E": {"Q": VALUE}}, [("gone", "E", "P"), ("new", "E", "Q")], id="values"),
    ],
)
def test_outlines_are_compared_by_type_and_field(before: Any, after: Any, found: Iterable[object]) -> None:
    assert list(differences(before, after)) == found


def test_an_outline_holds_what_we_read_and_no_more() -> None:
    outline = outline_of(the_schema(), AGGREGATES)
    assert {"Query", "Account", "Contact", "PhoneNumber", "Payment", "Note", "NoteableType"} <= outline.keys()
    assert "Invoice" not in outline
    assert outline["Account"]["contacts"] == "[Contact]"
    assert "payment_type" in outline["Payment"]  # what nobody declares is new one day, or gone


async def test_whether_aggregates_can_be_read_is_tried_together_and_one_by_one_where_one_cannot() -> None:
    scene = Drifting()
    client = cast(SonarClient, scene.client)
    source = await read_source(client, scene.aggregates, NESTED_PAGE)
    assert (source.denied, source.forbidden) == ({}, frozenset())
    assert len(scene.client.asked) == 1
    scene.damage(denied=frozenset({"Account.contacts", "notes"}))
    source = await read_source(client, scene.aggregates, NESTED_PAGE)
    assert (source.denied, source.forbidden) == ({"account": frozenset({"contacts"})}, frozenset({"note"}))
    assert "contacts" not in source.selections["account"]
