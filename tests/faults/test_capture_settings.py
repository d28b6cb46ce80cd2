"""Settings that lead capture to another Sonar, or to another instance's topics: it refuses, and publishes nothing."""

from typing import cast

import pytest

from clients.sonar import SonarClient
from clients.sonar_errors import SonarUnreachable
from plumbing.errors import ExitCode, SyncError
from producers.cursors import CursorUnusable
from producers.identity import ForeignSonar, Identity
from tests.faults.capture_town import Town
from tests.faults.seeds import seeds
from tests.faults.test_capture_cursors import cursors_of
from tests.unit.producers.scene import the_schema


async def start(town: Town, patches: pytest.MonkeyPatch) -> None:
    """What a process does with its settings before it reads a row.

    Raises:
        SyncError: it ends here.
    """
    cursors = cursors_of(town, patches)
    identity = await Identity.checked(cast(SonarClient, town.client), the_schema(), cursors)
    town.restart()
    await town.numbers.reserve(town.shop.clock.now)
    identity._cursors = town.cursors  # those of the topic can only be looked at here
    await identity.keep()


def another_sonar(town: Town) -> tuple[type[SyncError], ExitCode]:
    """A test installation: other rows have the same ids."""
    town.shop.store.update("SystemSetting", 1, instance_id=town.random.randint(1, 4000))
    for account in town.accounts:
        town.shop.store.update("Account", account, name="Somebody else")
    return ForeignSonar, ExitCode.USAGE


def one_set_up_another_day(town: Town) -> tuple[type[SyncError], ExitCode]:
    """Its number is the same."""

    def made_later(document: str, answer: tuple[int, dict[str, str], bytes]) -> tuple[int, dict[str, str], bytes]:
        return answer[0], answer[1], answer[2].replace(b'"created_at":"2019', b'"created_at":"2020')

    town.line.meddle = made_later
    return ForeignSonar, ExitCode.USAGE


def a_splynx(town: Town) -> tuple[type[SyncError], ExitCode]:
    """Source and target are swapped."""
    town.line.meddle = lambda document, answer: (200, {}, b'[{"id":1,"login":"ada"}]')
    return SonarUnreachable, ExitCode.UNREACHABLE


def another_instances_topics(town: Town) -> tuple[type[SyncError], ExitCode]:
    """`kafka.bootstrap` leads to another cluster, where the same topics are another instance's."""
    town.broker.messages = [
        (topic, at, key, value.replace(b'"instance":"t"', b'"instance":"north"') if value else value)
        for topic, at, key, value in town.broker.messages
    ]
    return CursorUnusable, ExitCode.USAGE


MISTAKES = (another_sonar, one_set_up_another_day, a_splynx, another_instances_topics)


@pytest.mark.fault(34)
@seeds(30, guards={"which Sonar it is, is remembered": 4, "a cursor that is none halts": 3})
async def test_a_mistake_in_the_settings_ends_capture_before_a_row_is_read(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(seed)
    await start(town, monkeypatch)
    await town.read()
    town.live(3)
    await town.follow(1)
    kept, store = list(town.broker.messages), town.shop.store.setting("system_setting")["instance_id"]
    refused, exit_code = MISTAKES[seed % len(MISTAKES)](town)
    before, asked = list(town.broker.messages), len(town.line.asked)
    with pytest.raises(refused) as error:
        await start(town, monkeypatch)
    assert error.value.exit_code is exit_code
    assert error.value.next_step
    assert town.broker.messages == before
    assert not [one for one in town.line.asked[asked:] if "query Page" in one]
    town.restart_line()
    town.broker.messages = kept
    town.shop.store.update("SystemSetting", 1, instance_id=store)
    await start(town, monkeypatch)
    await town.follow()
    await town.assert_topics_tell_sonar()
