"""Sonar's schema changes while capture runs or is away: when it is looked at, and that a change is told once."""

from collections.abc import Iterable
from typing import Any, cast

import pytest

from clients.sonar import SonarClient
from clients.sonar_errors import SonarQueryInvalid, SonarTimeout
from clients.sonar_schema import VALUE, SonarSchema
from plumbing import metrics
from producers.drift import differences
from producers.needs import SchemaUnfit, outline_of
from producers.nested import NESTED_PAGE
from producers.orders import Order, Orders
from producers.source import read_source
from tests.unit.producers.drifting import HOUR, SMALL, Drifting
from tests.unit.producers.scene import AGGREGATES, the_schema


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
