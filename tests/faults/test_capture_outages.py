"""Outages around capture: a broker that takes nothing, a network that loses calls, what fits no message."""

import pytest

from clients.sonar_errors import SonarFailed, SonarTimeout, SonarUnreachable
from plumbing import metrics
from plumbing.errors import Action, ExitCode, SyncError
from plumbing.kafka import DeliveryFailed, NotAcknowledged
from tests.faults.alarms import alarm
from tests.faults.capture_town import Answer, Town
from tests.faults.seeds import seeds
from tests.faults.steps import at_turn

HEADROOM = 64 * 1024
LIMIT = HEADROOM + 2000
"""Bytes that a message may have here; the headroom is for what the broker adds."""

_BY_CHANGE = 'attribute: "updated_at"'


@pytest.mark.fault(7)
@seeds(30, guards={"what the broker did not take is told": 1})
async def test_a_broker_that_is_away_refuses_or_is_full_loses_nothing(seed: int) -> None:
    """It refuses some messages (in-sync replicas are missing, its disk is full), or acknowledges none for a while."""
    town = Town(seed)
    await town.begin()
    metrics.WATERMARK_SECONDS.set(0)
    troubled = at_turn(3 + 5 * (seed % 11), lambda: town.uneven.trouble(refusing=bool(seed % 2), times=1 + seed % 3))
    town.uneven.before_flush = troubled

    async def everything() -> None:
        # The operator sees freshness stand still: of nothing it was told that the broker had not taken.
        kept = town.following.low
        assert kept is not None
        assert alarm("crossfade_watermark_timestamp_seconds") <= kept.timestamp()
        await town.read()
        town.live(8)
        await town.follow(2)

    errors = await town.supervised(everything)
    assert errors
    for error in errors:
        told = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        assert isinstance(told, DeliveryFailed if seed % 2 else NotAcknowledged)
        assert told.exit_code is ExitCode.UNREACHABLE
    await town.follow()
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(32)
@seeds(30, guards={"a look that failed covers nothing": 1})
async def test_a_network_that_loses_a_third_of_the_calls_hides_nothing(seed: int) -> None:
    """On their way there, or on their way back, as every kind of error that a client's deadline or connection tells.

    The client asks each question twice here before it gives up. In some polls it is the look for changes alone.
    """
    town = Town(seed)
    lost, only_looks = 0, False

    def losing(document: str, answer: Answer) -> Answer:
        nonlocal lost
        tries = [town.random.random() < 0.3, town.random.random() < 0.3]
        is_look = "query Changed" in document and _BY_CHANGE in document
        if is_look if only_looks else all(tries):
            lost += 1
            raise town.random.choice([SonarTimeout, SonarUnreachable, SonarFailed])("lost")
        return answer

    async def everything() -> None:
        await town.read()
        await town.follow(1)

    town.line.meddle = losing
    errors = await town.supervised(everything)
    for number in range(12):
        only_looks = number % 4 == 1
        town.live(3)
        town.shop.clock.tick(20)
        try:
            await town.following.poll()
        except SyncError as error:
            errors.append(error)
    assert lost > 3
    for one in errors:
        told = one.exceptions[0] if isinstance(one, BaseExceptionGroup) else one
        assert isinstance(told, SyncError)
        assert told.action is Action.RETRY
    town.restart_line()
    await town.settle()
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(13)
@seeds(30, guards={"what fits no message is set aside": 1})
async def test_an_aggregate_above_the_message_limit_stands_aside_until_it_fits(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the start on even seeds, on odd ones it has been published before it grew."""
    monkeypatch.setattr("producers.publisher.MAX_MESSAGE_BYTES", LIMIT)
    town = Town(seed)
    account = town.random.choice(town.accounts)
    if seed % 2:
        await town.read()
    grown = [town.shop.a_contact(account, f"{number}" * 400) for number in range(6 + seed % 4)]
    await town.read()
    await town.follow(3)
    sizes = [len(value or b"") for topic, _, _, value in town.broker.messages if topic == town.topics.sonar("account")]
    assert max(sizes) <= LIMIT - HEADROOM
    others = town.folded()
    assert (account in others) == bool(seed % 2)
    assert set(town.accounts) - {account} <= others.keys()
    letters = town.broker.of(town.topics.dead_letters("capture"))
    assert [(key, one["code"]) for key, one in letters] == [(f"account:{account}".encode(), "capture.too_large")]
    for contact in grown[1:]:
        town.shop.store.delete("Contact", contact)
    town.live(3)
    await town.follow()
    await town.assert_topics_tell_sonar()
