"""The beginning: an ISP with five years of customers and eighteen months of money, all from one seed."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from sandbox.sonar.store import Store
from sandbox.world.calendar import Calendar, zone_named
from sandbox.world.catalogue import open_shop
from sandbox.world.domain import Beginning
from sandbox.world.domains import DOMAINS
from sandbox.world.drafts import Account
from sandbox.world.loading import Loader
from sandbox.world.oddities import ODDITIES
from sandbox.world.people import LIFETIME_DAYS, Drafter
from sandbox.world.planter import Planter
from sandbox.world.rows import add_address
from sandbox.world.world import World

FULL_HISTORY_UP_TO = 2000
"""Accounts up to which every account has its whole payment history by default."""


def populate(
    store: Store,
    *,
    seed: int,
    accounts: int,
    payments_per_account: float | None = None,
    poison: bool = False,
    full: bool = False,
) -> World:
    """Fill an empty store; the rows depend on the seed, the sizes and the local day of the store's clock alone.

    Sixty accounts are enough for every oddity; with fewer, those that do not fit are left out. `payments_per_account`
    is a mean, by default 7.5, 2 above 2,000 accounts, and 12 with `full`. `poison` adds a last account that no mapping
    can pass: its name is nothing but spaces. `full` writes what a real instance of the size has, however long that
    takes: years of history, and the contacts and addresses of those who are no customers.

    Raises:
        ValueError: there is not at least one account, or the store's time zone is unknown.
    """
    if accounts < 1:
        raise ValueError("an ISP needs at least one account")
    mean = payments_per_account if payments_per_account is not None else usual_payments(accounts, full=full)
    rng = Random(seed)
    zone = zone_named(str(store.setting("system_setting")["timezone"]))
    calendar = Calendar.at(store.now(), zone)
    catalogue = open_shop(store, calendar.instant(calendar.today - timedelta(days=LIFETIME_DAYS + 30)))
    drafts = draft_accounts(Drafter(rng, calendar, mean), accounts, len(catalogue.companies))
    if poison:
        last = drafts[-1].created + timedelta(minutes=1)
        drafts.append(Account("   ", last, 0, "lead", "residential", dict(drafts[-1].billing), drafts[-1].price))
    Loader(store, catalogue, calendar, rng).load(drafts)
    drafter = Drafter(rng, calendar, mean)
    for _ in range(2 * accounts if full else accounts // 5):
        # Houses that could be served and are not yet: a real ISP of 10,158 accounts has 34,623 addresses.
        add_address(store, catalogue, drafter.address("PHYSICAL"), None, calendar.instant(calendar.history_start))
    for domain in DOMAINS:
        domain.begin(Beginning(store, catalogue, calendar, Random(f"{seed}:{domain.name}"), full))
    return World(store, catalogue, store.now, calendar, rng, seed, DOMAINS)


def usual_payments(accounts: int, *, full: bool) -> float:
    """Payments per account, on average, where nobody has said how many: with `full`, two in three months."""
    if full:
        return 12.0
    return 7.5 if accounts <= FULL_HISTORY_UP_TO else 2.0


def draft_accounts(drafter: Drafter, count: int, companies: int) -> list[Account]:
    """`count` drafts, oldest first, with the oddities planted among them."""
    drafts = [
        # The last company is disabled: only an oddity still belongs to it.
        drafter.account(created, companies - 1, range(index))
        for index, created in enumerate(drafter.birthdays(count))
    ]
    Planter(drafter, drafts).plant(ODDITIES)
    return drafts
