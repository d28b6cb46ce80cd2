"""Random histories of events, edits, kills and replays: whichever run is taken back, every column of ours returns."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from console.rollback import run_rollback, text_of
from plumbing.errors import ConfigurationError, ExitCode
from schemas.entities.payment import PAYMENT
from sinks.rollback import Writes
from sinks.undo import AS_WANTED
from tests.faults.alarms import RESTARTED, rings
from tests.faults.history import Happening, Town, town_of
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import Killed, after, at_turn, before, die
from tests.faults.target import TABLES, Picture, assert_same

PERIODS = 3
Kill = tuple[str, Callable[..., None], int]
"""`(step, where, at the latest at which turn)`"""
KILLS: tuple[Kill, ...] = (
    ("sinks.writer.Writer.write", after, 3),
    ("sinks.writer.Writer._commit", before, 3),
    # A customer is made or changed, and nobody has noted it: whoever heals the call does.
    ("clients.splynx.SplynxClient.post", after, 1),
    ("clients.splynx.SplynxClient.put", after, 3),
)
OVER_REST: tuple[Kill, ...] = (
    *KILLS[:1],
    # Payments too are made, changed and taken back so: not sent, not answered, answered and not noted.
    ("clients.splynx.SplynxClient.post", before, 4),
    ("clients.splynx.SplynxClient.post", after, 4),
    ("clients.splynx.SplynxClient.put", after, 3),
    ("sinks.entries.Entries.keep", before, 4),
)
TAKING_BACK: tuple[Kill, ...] = (
    ("clients.splynx.SplynxClient.post", before, 3),
    ("clients.splynx.SplynxClient.post", after, 3),
    ("clients.splynx.SplynxClient.put", after, 3),
    ("sinks.rollback_writes.RollbackWrites._enter", before, 3),
    ("sinks.rollback_writes.RollbackWrites._enter", after, 3),
)
OPEN = "SELECT id FROM {ledger}.intents WHERE state = 'open'"
UNTOUCHED = ("labels", "partners")
"""Kept although nobody asks for them any more: catalogue objects."""
OF_NOBODY = ("tariffs_internet", "tariffs_internet_values")
"""Of no customer, and all there before the first period."""


def ours(picture: Picture, logins: set[Any]) -> Picture:
    """What a picture tells of these customers, and of plans."""
    return {
        name: [row for row in picture[name] if name in OF_NOBODY or row.get("login") in logins]
        for name in TABLES
        if name not in UNTOUCHED
    }


def runs_of(site: SinkSite) -> list[str]:
    """Everything that wrote, the oldest first."""
    return [
        str(row["run_id"]) for row in site.rows("SELECT run_id FROM {ledger}.journal GROUP BY run_id ORDER BY MIN(id)")
    ]


async def live(
    site: SinkSite, told: list[Happening], chance: random.Random, patches: pytest.MonkeyPatch, kills: tuple[Kill, ...]
) -> None:
    """A few events are written, through a kill; some of them come twice; somebody edits what is not ours."""
    site.add(told)
    step, place, latest = chance.choice(kills)
    with patches.context() as killed:
        place(killed, step, at_turn(chance.randint(1, latest), die))
        await site.run_through()
    if chance.random() < 0.5:
        site.add(chance.sample(told, len(told) // 2))
        await site.run()
    site.change("UPDATE customers SET gdpr_agreed = 'accept' WHERE MOD(id, 2) = %s", chance.randint(0, 1))


@dataclass(frozen=True)
class Period:
    """What wrote in it, in its order, and Splynx before it."""

    runs: list[str]
    before: Picture


async def periods_of(
    site: SinkSite,
    town: Town,
    chance: random.Random,
    patches: pytest.MonkeyPatch,
    kills: tuple[Kill, ...],
    happen: Callable[[], None],
) -> list[Period]:
    """A first load, and some periods of a town's life; `happen`: what happens in one, after somebody signed up."""
    site.play(town.told)
    await site.run()
    found = []
    for number in range(PERIODS):
        known, picture, begun = runs_of(site), site.picture(), len(town.told)
        town.account(10 + number)
        happen()
        await live(site, town.told[begun:], chance, patches, kills)
        found.append(Period([run for run in runs_of(site) if run not in known], picture))
    return found


async def all_taken_back(
    site: SinkSite,
    periods: list[Period],
    take: Callable[[str], Awaitable[None]],
    excepted: frozenset[str] = frozenset(),
) -> None:
    """Run by run, the newest first. After each period every column of ours is as before it, but those of payments that
    are `excepted`."""
    for period in reversed(periods):
        edited = site.rows("SELECT login, gdpr_agreed FROM customers ORDER BY login")
        for run in reversed(period.runs):
            await take(run)
        logins = {row["login"] for row in period.before["customers"]}
        # What we do not own is as somebody left it, before and after.
        assert site.rows("SELECT login, gdpr_agreed FROM customers ORDER BY login") == edited
        now = site.picture()
        found, wanted = ours(now, logins), ours(period.before, logins)
        # Whom a period signed up is withdrawn, as the delete policy says.
        assert {row["status"] for row in now["customers"] if row["login"] not in logins} == {"disabled"}
        for side in (found, wanted):
            for row in side["customers"]:
                del row["gdpr_agreed"]
            side["payments"] = [
                {name: value for name, value in row.items() if name not in excepted} for row in side["payments"]
            ]
        assert_same(found, wanted)


async def rolled_back(site: SinkSite, run: str) -> None:
    """As the command does it."""
    done = await run_rollback(site.settings, Writes(run_id=run), apply=True, values=False, tell=lambda *_: None)
    assert done.exit_code is ExitCode.DONE, text_of(done.document())


@pytest.mark.fault(5)
@pytest.mark.fault(27)
@rings(RESTARTED)
@seeds(30, guards={"the earliest image of a column counts": 1, "what is found to be done is noted": 3})
async def test_any_run_of_a_random_history_is_taken_back_column_by_column(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that a run writes a record several times, and has several images of it.
    sink = sink_site.settings.sink.model_copy(update={"batch": 2})
    monkeypatch.setattr(sink_site, "settings", sink_site.settings.model_copy(update={"sink": sink}))
    chance = random.Random(seed)
    town = town_of(seed, accounts=3, events=0)

    def happen() -> None:
        for _ in range(10):
            town.live()

    periods = await periods_of(sink_site, town, chance, monkeypatch, KILLS, happen)
    await all_taken_back(sink_site, periods, lambda run: rolled_back(sink_site, run))


@pytest.mark.fault(6)
@rings(RESTARTED)
@seeds(
    30,
    guards={
        "the earliest image of a column counts": 1,
        "what is found to be done is noted": 1,
        "what a rollback did before it died is its undoing": 2,
    },
)
async def test_any_run_that_paid_over_rest_is_taken_back_to_the_deposit(
    impatient: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without database access, where a payment can be half made, and half taken back: the rollback dies as well.

    Then it is gone on with, perhaps after a sink was started in between.
    """
    sink = impatient.settings.sink.model_copy(update={"batch": 2})
    splynx = impatient.settings.splynx.model_copy(update={"db": None})
    without = impatient.settings.model_copy(update={"sink": sink, "splynx": splynx})
    monkeypatch.setattr(impatient, "settings", without)
    chance = random.Random(seed)
    town = town_of(seed, accounts=3, events=0)

    def pay() -> None:
        paid = chance.choice(sorted(town.payments))
        events: list[Callable[[], None]] = [
            town.live,
            lambda: town.payment(paid, account_id=chance.choice(sorted(town.accounts))),
            lambda: town.payment(paid, amount=chance.randrange(1_000, 99_999)),
            lambda: town.payment(200 + len(town.payments), account_id=1, amount=chance.randrange(1, 99_999)),
        ]
        chance.choice(events)()

    def happen() -> None:
        for _ in range(8):
            pay()

    async def through_a_kill(run: str) -> None:
        step, place, latest = chance.choice(TAKING_BACK)
        died = False
        with monkeypatch.context() as killed:
            place(killed, step, at_turn(chance.randint(1, latest), die))
            while True:
                try:
                    return await rolled_back(impatient, run)
                except Killed:
                    died = True
                    if chance.random() < 0.4:  # a sink is started before it is gone on with
                        await impatient.run(until=lambda: impatient.is_caught_up() and not impatient.rows(OPEN))
                except ConfigurationError as exc:
                    # Where it died behind the last of it nothing is left to take back.
                    if not (died and any(words in str(exc) for words in AS_WANTED)):
                        raise
                    return None

    periods = await periods_of(impatient, town, chance, monkeypatch, OVER_REST, happen)
    not_ours = frozenset(PAYMENT.targets[0].record.not_over_rest)
    await all_taken_back(impatient, periods, through_a_kill, not_ours)
    assert impatient.rows(OPEN) == []
