"""What a change of Sonar's schema does to what is published: null, a halt of what needs it, or a dead letter."""

import asyncio

import pytest

from producers.needs import SchemaUnfit
from tests.unit.producers.drifting import HOUR, SMALL, Drifting
from tests.unit.producers.scene import AGGREGATES


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
