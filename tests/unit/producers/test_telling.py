"""What capture tells of itself for `crossfade status`: rows, freshness, requests, deletes by channel, the schema."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from clients.sonar import SonarClient
from plumbing import metrics
from producers.needs import SchemaUnfit
from producers.snapshot import Progress, Range
from producers.telling import TOLD, Telling
from tests.unit.producers.drifting import HOUR, Drifting
from tests.unit.producers.test_sweep import secretly_gone


def telling(scene: Drifting) -> Telling:
    client = cast(SonarClient, SimpleNamespace(asked=scene.client.purposes))
    return Telling(
        scene.cursors, scene.aggregates, scene.index, scene.following, scene.drift, client,
        run_id="run", clock=lambda: scene.clock,
    )  # fmt: skip


def entities(teller: Telling) -> dict[str, Any]:
    found: dict[str, Any] = teller.document()["entities"]
    return found


async def test_each_collection_is_told_with_its_rows_and_both_moments() -> None:
    scene = await Drifting.begun()
    scene.shop.a_payment(1, 5)
    await scene.poll()
    told = entities(telling(scene))
    assert {name: one["rows"] for name, one in told.items()} == {"account": 1, "payment": 2, "note": 1}
    covered = (scene.shop.clock.now - timedelta(seconds=10)).isoformat()
    assert {(one["changes"], one["deletes_up_to"], one["standing"]) for one in told.values()} == {
        (covered, covered, None)
    }
    assert "payments" in told["payment"]["collections"]
    assert told["payment"]["requests"]["re-read"] == 1
    assert telling(scene).document()["requests"]["follow"] == 2


async def test_it_is_told_when_each_collection_was_last_swept_with_all_that_is_followed_for_it() -> None:
    scene = await Drifting.begun()
    sweep = scene.following.sweep

    def swept() -> dict[str, str | None]:
        return {name: one["swept"] for name, one in entities(telling(scene)).items()}

    def gauges() -> dict[str, float]:
        return {name: metrics.SWEPT_SECONDS.labels(name)._value.get() for name in swept()}

    assert metrics.SWEEP_SECONDS._value.get() == HOUR * 24
    assert swept() == {"account": None, "payment": None, "note": None}
    assert gauges() == {"account": 0, "payment": 0, "note": 0}
    while "payments" not in sweep.swept or "notes" not in sweep.swept:
        assert swept()["note"] is None
        scene.shop.clock.tick(HOUR)
        await scene.following.poll(sweeping={"account", "payment", "note"})
    while sweep.oldest is None:
        assert telling(scene).document()["swept"] is None
        scene.shop.clock.tick(HOUR)
        await scene.following.poll()
    at = sweep.swept
    assert swept()["payment"] == min(at["payments"], at["accounts"]).isoformat()
    assert swept()["note"] == min(at["notes"], at["accounts"], at["contacts"]).isoformat()
    assert telling(scene).document()["swept"] == min(at.values()).isoformat()
    assert {name: datetime.fromtimestamp(seconds, UTC).isoformat() for name, seconds in gauges().items()} == swept()


async def test_the_time_left_of_a_snapshot_is_told_of_each_collection_that_it_reads() -> None:
    scene = await Drifting.begun()
    teller = telling(scene)

    async def left(name: str, read: int, total: int | None, *, done: bool = False) -> float | None:
        progress = Progress("run", scene.shop.clock.now.isoformat(), total, read, [Range(read, None, done)])
        await scene.cursors.save(f"snapshot:{name}", progress.document())
        found: float | None = entities(teller)[name]["seconds_left"]
        scene.clock += 30
        return found

    assert [await left("payment", read, 1000) for read in (0, 0, 0, 100, 200, 400)] == [
        None, None, None, None, 8 * 30, 6 * 20,
    ]  # fmt: skip
    assert await left("note", 100, 1000) is None
    assert await left("payment", 1000, 1000, done=True) is None
    assert [await left("payment", read, 1000) for read in (100, 200)] == [None, 8 * 30]
    assert [await left("account", read, None) for read in (100, 200)] == [None, None]
    assert [await left("account", read, 150) for read in (100, 200)] == [None, 0]


async def test_what_stands_still_is_told_with_what_it_lacks_and_where_it_is() -> None:
    scene = await Drifting.begun()
    before = entities(telling(scene))["payment"]["changes"]
    await scene.changed(hide=["Payment.amount", "Account.contacts"])
    await scene.poll(3)
    document = telling(scene).document()
    payment, account = document["entities"]["payment"], document["entities"]["account"]
    assert (payment["standing"], payment["lacks"]) == (SchemaUnfit.code, ["Payment.amount"])
    assert payment["changes"] == payment["deletes_up_to"] == before
    assert (account["standing"], account["missing"]) == (None, ["Account.contacts"])
    assert datetime.fromisoformat(account["changes"]) > datetime.fromisoformat(before)
    assert [one["name"] for one in document["events"]] == ["Account.contacts", "Payment.amount"]


async def test_deletes_are_counted_by_who_told_of_them_and_over_restarts() -> None:
    scene = await Drifting.begun()
    scene.shop.a_payment(1, 5)
    scene.shop.a_payment(1, 6)
    await scene.poll()
    before = metrics.DELETES.labels("payment", "sweep")._value.get()
    scene.shop.store.delete("Payment", 1)
    await scene.poll()
    assert entities(telling(scene))["payment"]["deletes"] == {"log": 1}
    await telling(scene).keep()
    scene.restart()
    await scene.start()
    teller = telling(scene)
    secretly_gone(scene, "Payment", 2)
    for _ in range(150):
        scene.shop.clock.tick(3600)
        await scene.following.poll()
    assert entities(teller)["payment"]["deletes"] == {"log": 1, "sweep": 1}
    assert metrics.DELETES.labels("payment", "sweep")._value.get() == before + 1


async def test_a_delete_that_a_webhook_told_of_is_counted_as_such() -> None:
    scene = await Drifting.begun()
    scene.following.hints.take(b'{"event": "payment.deleted", "object_id": 1}')
    secretly_gone(scene, "Payment", 1)
    await scene.poll()
    assert entities(telling(scene))["payment"]["deletes"] == {"webhook": 1}


async def test_it_is_kept_now_and_then_and_at_the_end() -> None:
    scene = await Drifting.begun()
    teller = telling(scene)

    def kept() -> int:
        return sum(key == TOLD.encode() for key, _ in scene.broker.of(scene.topics.cursors))

    for seconds, times in ((0, 1), (29, 1), (30, 2), (31, 2)):
        scene.clock = seconds
        await teller.keep()
        assert kept() == times
    await teller.keep(now=True)
    assert kept() == 3
