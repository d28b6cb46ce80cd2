"""Webhooks are hints: a row that is named is looked up, and nothing that a message says of it is believed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from pydantic import SecretStr, ValidationError

from plumbing import metrics
from plumbing.errors import ConfigurationError
from plumbing.settings import WebhookSettings
from producers import hints, webhook
from producers.hints import FULL, KNOWN, MALFORMED, TAKEN, UNKNOWN
from producers.webhook import WebhookServer
from tests.unit.producers.scene import Scene
from tests.unit.producers.settled import a_scene, ops

SECRET = "0123456789abcdef"


def a_message(event: Any, id: Any = 1, **current: Any) -> bytes:
    return orjson.dumps({"event": event, "object_id": id, "current": current})


async def a_scene_that_sees_little() -> Scene:
    """Following sees no changes by itself: what it reads, a hint made it read."""
    scene = await a_scene()
    scene.shop.clock.tick(3600)
    await scene.following.poll()
    return scene


def behind(scene: Scene, type_name: str, **columns: Any) -> None:
    """Change a row long ago: no look for changes reaches back to it."""
    scene.shop.store.update(type_name, 1, at=scene.shop.clock.now - timedelta(minutes=30), **columns)


@pytest.mark.parametrize("event", ["account.updated", "Account.UPDATED", "App\\Account:updated", "account"])
async def test_a_root_that_is_named_is_read_again_and_what_the_message_says_is_not_believed(event: str) -> None:
    scene = await a_scene_that_sees_little()
    behind(scene, "Account", name="Eda")
    assert scene.following.hints.take(a_message(event, name="Mallory")) == TAKEN
    await scene.following.poll()
    assert (ops(scene), scene.folded()[1]["name"]) == (["r", "u"], "Eda")


@pytest.mark.parametrize("event", ["phone_number.created", "PhoneNumber.created"])
async def test_a_child_that_is_named_reads_its_root_again(event: str) -> None:
    scene = await a_scene_that_sees_little()
    phone = scene.shop.a_phone(1, "0145550199", at=scene.shop.clock.now - timedelta(minutes=30))
    scene.following.hints.take(a_message(event, phone))
    await scene.following.poll()
    (person,) = scene.folded()[1]["contacts"]
    assert person["phone_numbers"][0]["number"] == "0145550199"


async def test_what_did_not_change_is_not_read_again_whoever_says_so() -> None:
    scene = await a_scene_that_sees_little()
    scene.following.hints.take(a_message("account.updated"))
    scene.client.asked.clear()
    await scene.following.poll()
    assert not any("query Page" in one for one in scene.client.asked)
    assert ops(scene) == ["r"]


async def test_a_delete_is_believed_after_a_read_and_not_while_the_row_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene_that_sees_little()
    scene.following.hints.take(a_message("payment.deleted"))
    await scene.following.poll()
    assert ops(scene, "payment") == ["r"]
    scene.damage(denied=frozenset({"logs"}))  # no other way tells of it
    scene.shop.store.delete("Payment", 1)
    for event in ("payment.updated", "payment.deleted"):
        assert ops(scene, "payment") == ["r"]
        scene.following.hints.take(a_message(event))
        await scene.following.poll()
    assert ops(scene, "payment") == ["r", "d"]


async def test_a_pivot_that_is_named_reads_its_root_though_no_row_changed() -> None:
    scene = await a_scene_that_sees_little()
    scene.damage(denied=frozenset({"logs"}))
    scene.shop.store.attach("Account", 1, "account_groups", scene.shop.a_group("Staff"))
    scene.following.hints.take(a_message("account.attached"))
    await scene.following.poll()
    assert [one["name"] for one in scene.folded()[1]["account_groups"]] == ["Staff"]


async def test_a_flood_is_one_row_and_many_rows_are_one_request_in_each_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene_that_sees_little()
    monkeypatch.setattr(hints, "_MOST", 100)
    monkeypatch.setattr(hints, "_AT_ONCE", 30)
    waiting = scene.following.hints
    assert [waiting.take(a_message("payment.updated", 7)) for _ in range(3)] == [TAKEN, KNOWN, KNOWN]
    outcomes = [waiting.take(a_message("payment.updated", id)) for id in range(1, 121)]
    assert (outcomes.count(TAKEN), outcomes.count(KNOWN), outcomes.count(FULL)) == (99, 1, 20)
    scene.client.purposes.clear()
    await scene.following.poll()
    assert len(waiting) == 70
    requests = {purpose: count for (purpose, _), count in scene.client.purposes.items()}
    assert (requests["webhook"], requests.get("re-read")) == (1, None)


async def test_a_poll_that_fails_forgets_no_hint() -> None:
    scene = await a_scene_that_sees_little()
    scene.following.hints.take(a_message("payment.updated"))

    def fail(document: str, variables: Any) -> None:
        if '"integer_fields"' in str(orjson.dumps(variables)) and "query Changed" in document:
            raise ConfigurationError("broken", remedy="none")

    scene.client.before = fail
    with pytest.raises(ConfigurationError):
        await scene.following.poll()
    assert len(scene.following.hints) == 1
    scene.client.before = None
    await scene.following.poll()
    assert len(scene.following.hints) == 0


async def test_a_hint_of_what_is_followed_no_more_is_forgotten() -> None:
    scene = await a_scene_that_sees_little()
    scene.following.hints.take(a_message("payment.updated"))
    others = [one for one in scene.changes.collections if one.aggregate.name != "payment"]
    scene.following.fit(others, scene.schema, {"payment": ["Payment.amount"]})
    assert scene.following.hints.take(a_message("payment.updated")) == UNKNOWN
    assert len(scene.following.hints) == 0
    await scene.following.poll()


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param(a_message("unicorn.updated"), UNKNOWN, id="of nothing that is followed"),
        pytest.param(a_message(".-.", 1), UNKNOWN, id="no name"),
        pytest.param(b"{", MALFORMED, id="no JSON"),
        pytest.param(b"[1]", MALFORMED, id="no object"),
        pytest.param(a_message(7), MALFORMED, id="a number for a name"),
        pytest.param(a_message("account.updated", "x"), MALFORMED, id="no id"),
        pytest.param(a_message("account.updated", -1), MALFORMED, id="an id that there is not"),
    ],
)
async def test_what_is_no_hint_is_counted_and_passed_over(body: bytes, outcome: str) -> None:
    scene = Scene()
    before = counted(outcome)
    assert scene.following.hints.take(body) == outcome
    assert (len(scene.following.hints), counted(outcome) - before) == (0, 1)


def counted(outcome: str) -> float:
    return metrics.REGISTRY.get_sample_value("crossfade_capture_webhooks_total", {"outcome": outcome}) or 0


@pytest.fixture
async def taken() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Where a receiver listens, and what it took."""
    found: list[bytes] = []
    settings = WebhookSettings(enabled=True, port=0, secret=SecretStr(SECRET))
    async with WebhookServer(settings, found.append) as server:
        yield f"http://127.0.0.1:{server.port}", found


async def test_head_and_post_to_the_secret_path_are_answered_with_200(taken: tuple[str, list[bytes]]) -> None:
    url, found = taken
    async with aiohttp.ClientSession() as client:
        assert (await client.head(f"{url}/{SECRET}")).status == 200
        for body in (b"first", b"{not json"):
            assert (await client.post(f"{url}/{SECRET}", data=body)).status == 200
        assert (await client.get(f"{url}/{SECRET}")).status == 405
    assert found == [b"first", b"{not json"]


async def test_whoever_does_not_know_the_path_is_refused(taken: tuple[str, list[bytes]]) -> None:
    url, found = taken
    before = counted("refused")
    async with aiohttp.ClientSession() as client:
        for path in ("", "/", f"/{SECRET[:-1]}", f"/{SECRET}/"):
            assert (await client.post(f"{url}{path}", data=b"x")).status == 404
    assert (found, counted("refused") - before) == ([], 4)


async def test_a_message_above_the_limit_is_not_read_to_its_end(
    taken: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, found = taken
    monkeypatch.setattr(webhook, "LARGEST", 10)
    before = counted("too_large")
    async with aiohttp.ClientSession() as client:
        assert (await client.post(f"{url}/{SECRET}", data=b"x" * 11)).status == 200
        assert (await client.post(f"{url}/{SECRET}", data=b"x" * 10)).status == 200
    assert (found, counted("too_large") - before) == ([b"x" * 10], 1)


async def test_a_receiver_that_is_off_listens_nowhere_and_one_that_cannot_says_so(
    taken: tuple[str, list[bytes]],
) -> None:
    async with WebhookServer(WebhookSettings(), print) as server:
        assert server.port == 0
    port = int(taken[0].rpartition(":")[2])
    settings = WebhookSettings(enabled=True, port=port, secret=SecretStr(SECRET))
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}"):
        async with WebhookServer(settings, print):
            pass


@pytest.mark.parametrize("secret", [None, "", "short", "with/a/slash/and/more", "with a blank in it"])
def test_a_receiver_needs_a_path_that_nobody_guesses(secret: str | None) -> None:
    with pytest.raises(ValidationError, match=r"webhook\.secret"):
        WebhookSettings(enabled=True, secret=None if secret is None else SecretStr(secret))
