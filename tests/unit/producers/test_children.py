"""What lies below a root: a child, a grandchild or a pivot that changes, moves or goes has its root read again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.unit.producers.scene import Scene
from tests.unit.producers.settled import a_scene


async def test_a_changed_child_reads_its_root_again() -> None:
    scene = await a_scene()
    scene.shop.a_phone(1, "0145550199")
    await scene.following.poll()
    (person,) = scene.folded()[1]["contacts"]
    assert person["phone_numbers"][0]["number"] == "0145550199"


@pytest.mark.fault(36)
async def test_a_child_that_moves_reads_both_roots_again() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea")
    await scene.following.poll()
    scene.shop.store.update("Contact", 1, contactable_id=other)
    await scene.following.poll()
    assert scene.folded()[1]["contacts"] == []
    assert [one["name"] for one in scene.folded()[other]["contacts"]] == ["Ada"]


@pytest.mark.fault(2, 36)
async def test_what_moves_on_after_a_kill_is_gone_from_a_root_whose_event_the_index_has_not_heard_of() -> None:
    scene = await a_scene()
    other, third = scene.shop.an_account("Bea"), scene.shop.an_account("Cleo")
    await scene.following.poll()
    scene.shop.clock.tick(60)
    await scene.following.poll()  # from now on no look shows the accounts themselves
    scene.shop.store.update("Contact", 1, contactable_id=other)
    await scene.following.poll()
    # The broker has the events, and not what the index was to note of them.
    sent = max(at for at, (_, _, key, _) in enumerate(scene.broker.messages) if key == b"unsure")
    kept = [one for one in scene.broker.messages[sent:] if one[0] != scene.topics.children]
    scene.broker.messages[sent:] = kept
    assert scene.folded()[other]["contacts"]
    scene.restart()
    await scene.begin()
    scene.shop.store.update("Contact", 1, contactable_id=third)
    scene.shop.clock.tick(60)
    covered = await scene.following.poll(sweeping=())
    assert [len(scene.folded()[id]["contacts"]) for id in (1, other, third)] == [0, 0, 1]
    assert covered == scene.shop.clock.now - timedelta(seconds=10)


@pytest.mark.fault(36)
async def test_a_row_that_a_root_only_refers_to_is_not_taken_for_its_own() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea")
    home = scene.shop.an_address(1, city="Chicago")
    scene.shop.store.insert(
        "ServiceableAddressAccountAssignmentHistory", account_id=1, address_id=home, start_date="2026-01-01",
        end_date="2026-02-01",
    )  # fmt: skip
    await scene.following.poll()
    scene.shop.clock.tick(60)
    scene.shop.store.update("Address", home, addressable_id=other)
    scene.shop.store.update("Account", 1, name="Eda")  # read again, it still shows where it once lived
    await scene.following.poll()
    known = scene.index.child("accounts", "addresses", home)
    assert known is not None
    assert known.root == other
    scene.shop.clock.tick(60)
    assert await scene.following.poll() == scene.shop.clock.now - timedelta(seconds=10)
    assert [one["city"] for one in scene.folded()[other]["addresses"]] == ["Chicago"]


@pytest.mark.fault(37)
async def test_a_root_counts_as_read_only_when_it_shows_the_child_in_its_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    stale = scene.shop.engine.execute
    scene.shop.store.update("Contact", 1, name="Eda")
    behind = True

    def lagging(query: str, *rest: Any) -> Any:
        answer = stale(query, *rest)
        if behind and "query Page" in query and "accounts" in answer["data"]:
            for row in answer["data"]["accounts"]["entities"]:
                for contact in row["contacts"]["entities"]:
                    contact["name"], contact["_version"] = "Ada", "an older one"
        return answer

    monkeypatch.setattr(scene.shop.engine, "execute", lagging)
    held = await scene.following.poll()
    scene.shop.clock.tick(60)
    assert await scene.following.poll() == held  # the watermark waits for the child
    behind = False
    covered = await scene.following.poll()
    assert covered == scene.shop.clock.now - timedelta(seconds=10)
    assert scene.folded()[1]["contacts"][0]["name"] == "Eda"


@pytest.mark.fault(37)
async def test_a_child_that_its_root_shows_only_after_patience_ended_comes_with_the_next_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    scene.shop.store.update("Contact", 1, name="Eda")
    before = scene.client.on_its_way

    def lagging(body: bytes) -> bytes:
        answer = orjson.loads(body)
        for row in answer["data"].get("accounts", {}).get("entities", ()):
            for contact in row.get("contacts", {}).get("entities", ()):
                contact["name"], contact["_version"] = "Ada", "an older one"
        return orjson.dumps(answer)

    monkeypatch.setattr(scene.client, "on_its_way", lagging)
    for _ in range(25):
        scene.shop.clock.tick(1)
        covered = await scene.following.poll()
    assert covered == scene.shop.clock.now - timedelta(seconds=10)  # nothing waits for it any more
    assert scene.folded()[1]["contacts"][0]["name"] == "Ada"
    monkeypatch.setattr(scene.client, "on_its_way", before)
    for _ in range(80):
        scene.shop.clock.tick(3600)
        await scene.following.poll()
    assert scene.folded()[1]["contacts"][0]["name"] == "Eda"


@pytest.mark.fault(37)
@pytest.mark.parametrize("then", ["changes again", "moves on", "is deleted"])
async def test_a_child_that_changes_again_before_its_root_is_read_holds_nothing_back(then: str) -> None:
    scene = await a_scene()
    third = scene.shop.an_account("Cleo")
    await scene.following.poll()
    scene.shop.store.update("Contact", 1, name="Eda", contactable_id=scene.shop.an_account("Bea"))

    def meanwhile(document: str, _: Mapping[str, Any]) -> None:
        if "query Page" in document:
            scene.client.before = None
            if then == "moves on":
                scene.shop.store.update("Contact", 1, contactable_id=third)
            elif then == "is deleted":
                scene.shop.store.delete("Contact", 1)
            else:
                scene.shop.store.update("Contact", 1, name="Ida")

    scene.client.before = meanwhile
    await scene.following.poll()
    scene.shop.clock.tick(60)
    covered = await scene.following.poll()
    assert covered == scene.shop.clock.now - timedelta(seconds=10)
    shown = {id: [one["name"] for one in row["contacts"]] for id, row in scene.folded().items()}
    last = {"changes again": {3: ["Ida"]}, "moves on": {third: ["Eda"]}, "is deleted": {}}[then]
    assert shown == {1: [], 2: [], 3: []} | last
    for _ in range(25):  # nothing that would give up in the end stays behind
        await scene.following.poll()
    assert len(scene.following._demands) == 0


async def test_a_pivot_is_seen_in_the_log_though_no_row_changes() -> None:
    scene = await a_scene()
    group = scene.shop.a_group("Staff")
    scene.shop.store.attach("Account", 1, "account_groups", group)
    await scene.following.poll()
    assert [one["name"] for one in scene.folded()[1]["account_groups"]] == ["Staff"]
    scene.shop.clock.tick()
    scene.shop.store.detach("Account", 1, "account_groups", group)
    await scene.following.poll()
    assert scene.folded()[1]["account_groups"] == []


async def test_a_deleted_child_reads_its_root_again() -> None:
    scene = await a_scene()
    scene.shop.store.delete("Contact", 1)
    await scene.following.poll()
    assert scene.folded()[1]["contacts"] == []
    assert scene.index.child("accounts", "contacts", 1) is None


def _an_assignment(scene: Scene, type_name: str, id: int) -> int:
    return scene.shop.store.insert(
        "IpAssignment", ipassignmentable_type=type_name, ipassignmentable_id=id, soft=False, subnet="10.0.0.7/32",
        subnet_id=1,
    )  # fmt: skip


def _addresses_of(scene: Scene, account: int) -> list[str]:
    return [held["subnet"] for one in scene.folded()[account]["radius_accounts"] for held in one["ip_assignments"]]


async def test_a_grandchild_finds_its_root_through_the_child_that_it_names() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea")
    mine, theirs = (
        scene.shop.store.insert("RadiusAccount", account_id=account, username=f"u{account}") for account in (1, other)
    )
    await scene.following.poll()
    scene.shop.clock.tick(60)
    assignment = _an_assignment(scene, "RadiusAccount", mine)
    await scene.following.poll()
    assert _addresses_of(scene, 1) == ["10.0.0.7/32"]
    scene.shop.clock.tick(60)
    scene.shop.store.update("IpAssignment", assignment, ipassignmentable_id=theirs)
    await scene.following.poll()
    assert _addresses_of(scene, 1) == []
    assert _addresses_of(scene, other) == ["10.0.0.7/32"]
    scene.shop.clock.tick(60)
    assert await scene.following.poll() == scene.shop.clock.now - timedelta(seconds=10)


async def test_a_polymorphic_relation_is_read_as_the_type_that_it_leads_to_and_gives_the_owner() -> None:
    scene = await a_scene()
    radius = scene.shop.store.insert("RadiusAccount", account_id=1, username="u1")
    await scene.following.poll()
    scene.shop.clock.tick(60)
    for type_name, id in (("Account", 1), ("Contact", 1), ("RadiusAccount", radius)):
        scene.shop.store.insert("Note", message="m", noteable_type=type_name, noteable_id=id, priority="NORMAL")
    await scene.following.poll()
    on_account, on_contact, on_radius = (scene.folded("note")[id] for id in sorted(scene.folded("note")))
    assert (on_account["account"]["name"], on_account["contact"]) == ("Ada", None)
    assert (on_contact["account"], on_contact["contact"]["name"]) == (None, "Ada")
    assert (on_radius["account"], on_radius["contact"]) == (None, None)
    owners = {event["after"]["id"]: event["source"]["owner_id"] for event in scene.events("note")}
    assert [owners[id] for id in sorted(owners)] == [1, None, 1]
