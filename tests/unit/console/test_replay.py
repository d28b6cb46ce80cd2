"""The live engine begins again only when nobody is in its group: one that has just ended is waited for, and told."""

from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from console import replay
from console.replay_scope import Scope
from plumbing.errors import ExitCode
from plumbing.settings import KafkaSettings
from processors.batch import GroupTaken


class Group:
    """Has members until a moment; its clock goes on only while somebody sleeps."""

    def __init__(self, until: float) -> None:
        self.now, self.until = 0.0, until

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def has_members(self, *_: object) -> bool:
        return self.now < self.until


def wait(group: Group, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged meanwhile."""
    monkeypatch.setattr(replay, "has_members", group.has_members)
    monkeypatch.setattr(replay, "time", SimpleNamespace(monotonic=lambda: group.now, sleep=group.sleep))
    with capture_logs() as logs:
        replay.wait_until_free(KafkaSettings(bootstrap="127.0.0.1:1"), "crossfade.main.process", 60)
    return [one["event"] for one in logs]


def test_a_replay_of_nothing_says_so() -> None:
    """Such as of an account that Sonar never had."""
    nothing = replay.Replay(False, "batch", Scope((), 999, {("t", 0): 0}, {("t", 0): 9}))
    assert replay.text_of(nothing.document()).startswith("No event that is kept is of what was chosen.")


def test_a_free_group_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(until=0)
    assert wait(group, monkeypatch) == []
    assert group.now == 0


def test_a_live_engine_that_has_just_ended_is_waited_for_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(until=20)
    assert wait(group, monkeypatch) == ["replay.waits_for_group"]
    assert group.now == 20


def test_a_live_engine_that_runs_is_told_to_try_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GroupTaken) as caught:
        wait(Group(until=float("inf")), monkeypatch)
    assert caught.value.exit_code is ExitCode.TRY_LATER
