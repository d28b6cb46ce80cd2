"""What moves between accounts: in the end it is the new owner's alone, whoever of the two was read first."""

import pytest

from plumbing.kafka import partition_of
from tests.faults.capture_town import Town
from tests.faults.seeds import seeds

PARTITIONS = 4


def move(town: Town) -> None:
    """A contact with its telephone, or a payment, becomes another account's; rarely goes back at once."""
    kind, id = town.random.choice(
        [("Contact", town.random.choice(town.contacts)), ("Payment", town.random.choice(town.payments))]
    )
    column = "contactable_id" if kind == "Contact" else "account_id"
    before = town.shop.store.table(kind)[id][column]
    for account in [town.random.choice(town.accounts), before][: 1 + (town.random.random() < 0.2)]:
        town.shop.clock.tick()
        town.shop.store.update(kind, id, **{column: account})


def holders(town: Town, contact: int) -> list[int]:
    """Accounts that have a contact, by their newest events."""
    return [
        account
        for account, after in town.folded("account").items()
        if contact in [one["id"] for one in after["contacts"]]
    ]


def assert_each_has_one_owner(town: Town) -> None:
    """The one that Sonar tells; and each event of a payment lies in the partition of who owned it then.

    Raises:
        AssertionError: something has another owner, two, or none; or lies where nobody looks for it.
    """
    contacts = town.shop.store.table("Contact")
    assert {id: holders(town, id) for id in town.contacts} == {
        id: [contacts[id]["contactable_id"]] for id in town.contacts
    }
    topic = town.topics.sonar("payment")
    partitions = [partition for name, partition, *_ in town.broker.messages if name == topic]
    for event, partition in zip(town.events("payment"), partitions, strict=True):
        assert event["source"]["owner_id"] == event["after"]["account_id"]
        assert partition == partition_of(event["source"]["owner_id"], PARTITIONS)
        assert event["op"] != "d"  # it has moved, and is not gone


@pytest.mark.fault(36)
@seeds(30, guards={"where a child was is known": 1, "what is an account's lies in its partition": 1})
async def test_what_moves_between_accounts_ends_with_the_new_one_whatever_is_read_first(seed: int) -> None:
    """While a page of the snapshot is on its way, while following reads, and while nobody does; with restarts."""
    town = Town(seed)
    busy = False

    async def overtaken(document: str) -> None:
        """The page holds the old owner, and following reads the new one before it arrives."""
        nonlocal busy
        if busy or "query Page" not in document or town.random.random() < 0.5:
            return
        busy = True
        move(town)
        if town.random.random() < 0.7:
            await town.following.poll()
        busy = False

    await town.read()
    town.shop.clock.tick(60)
    await town.follow(1)
    for turn in range(3):
        for _ in range(town.random.randint(1, 4)):
            move(town)
        if town.random.random() < 0.5:
            town.restart()
        await town.follow(1)
        town.line.held_up = overtaken
        await town.read(force=f"again {turn}")
        town.restart_line()
    await town.follow()
    assert_each_has_one_owner(town)
    await town.assert_topics_tell_sonar()
