"""Seeded histories of a small ISP: what happened in Sonar, as the bundles that the mappers make of it.

Each seed is another life of the same town: sign-ups, moves, status changes, payments that are corrected, reversed or
fail, plans that are sold at another price, for a price of their own, or no more. Every bundle comes from the real
mappers, so a history follows the declarations.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from schemas.bundle import Bundle, Origin, StampedBundle, bundle_hash
from schemas.catalogue import aggregate
from schemas.entities.labels import AccountGroup, AccountType
from schemas.records import SonarRecord
from tests.builders import (
    NOON,
    RULES,
    a_company,
    a_contact,
    a_payment,
    a_reversal,
    a_service,
    a_sold_service,
    a_status,
    an_account,
    an_account_service,
)

STATUSES = (a_status(), a_status(id=2, name="Suspended", activates_account=False))
NAMES = ("Ada Example", "Bo \U0001f600 Example", "Eda  Example ", "O'Neil-\u00c5s \u4f8b", "a" * 60)

PLANS = {101: {"name": "Fiber 100", "amount": 6_000}, 102: {"name": "Fiber \U0001f680 500", "amount": 9_000}}

ACCOUNTS = 4
FIRST_LOAD = 3 + len(PLANS) + 2 * ACCOUNTS
"""So many bundles come first: what is shared, and each account with a plan and a payment that counts."""


@dataclass(frozen=True)
class Happening:
    """One bundle of a history. `owner` is the account whose partition it belongs to."""

    aggregate: str
    sonar_id: int
    owner: int
    bundle: Bundle
    sequence: int

    def stamped(self, topic: str) -> StampedBundle:
        """As a processor sends it."""
        return StampedBundle(
            aggregate=self.aggregate, sonar_id=self.sonar_id, owner_id=self.owner, bundle=self.bundle,
            sequence=self.sequence, rules_version="v", rules_generation=1, origin=Origin(topic, 0, 0), source_ts_ms=0,
            read_ts_ms=0, run_id="r", hash=bundle_hash(self.bundle),
        )  # fmt: skip


class Town:
    """The ISP as it is at one moment."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.accounts: dict[int, dict[str, Any]] = {}
        self.payments: dict[int, dict[str, Any]] = {}
        self.plans: dict[int, dict[str, Any]] = {}
        self.sold: dict[int, dict[str, Any]] = {}
        """What accounts have of plans now, `{id: account, plan, price}`."""
        self._sales = 500
        self.told: list[Happening] = []
        self.newest: dict[tuple[str, int], SonarRecord] = {}
        """What Sonar has in the end, `{(aggregate, id): record}`."""

    def tell(self, name: str, sonar_id: int, owner: int, bundle: Bundle) -> None:
        self.told.append(Happening(name, sonar_id, owner, bundle, sequence=len(self.told) + 1))

    def mapped(self, name: str, sonar_id: int, owner: int, record: Any) -> None:
        mapper = aggregate(name).mapper
        assert mapper is not None
        self.newest[name, sonar_id] = record
        self.tell(name, sonar_id, owner, mapper(record, RULES))

    def account(self, number: int, **changes: Any) -> None:
        """Sign up, or change."""
        known = self.accounts.setdefault(number, {"name": NAMES[number % len(NAMES)]})
        known.update(changes)
        contact = a_contact(id=100 + number, email_address=f"person{number}@example.com")
        values = {"id": number, "contacts": [contact], "account_services": self._services_of(number)} | known
        self.mapped("account", number, number, an_account(**values))

    def _services_of(self, number: int) -> list[dict[str, Any]]:
        return [
            an_account_service(
                id=id,
                service_id=one["plan"],
                price_override=one["price"],
                service=a_sold_service(id=one["plan"], **self.plans[one["plan"]]),
            )
            for id, one in sorted(self.sold.items())
            if one["account"] == number
        ]

    def plan(self, number: int, **changes: Any) -> None:
        """Offer a plan, or change it: whoever has it is read again."""
        known = self.plans.setdefault(number, {})
        known.update(changes)
        self.mapped("service", number, number, a_service(id=number, **known))
        for account in sorted({one["account"] for one in self.sold.values() if one["plan"] == number}):
            self.account(account)

    def sell(self, account: int) -> None:
        """A plan to an account, which is told with it."""
        self._sales += 1
        self.sold[self._sales] = {"account": account, "plan": self.random.choice(sorted(PLANS)), "price": None}

    def _sell_another(self, account: int) -> None:
        self.sell(account)
        self.account(account)

    def _reprice(self, sale: int) -> None:
        self.sold[sale]["price"] = self.random.choice([None, self.random.randrange(1_000, 9_999)])
        self.account(self.sold[sale]["account"])

    def _end(self, sale: int) -> None:
        self.account(self.sold.pop(sale)["account"])

    def payment(self, number: int, **changes: Any) -> None:
        """Pay, or change what was paid."""
        known = self.payments.setdefault(number, {})
        known.update(changes)
        self.mapped("payment", number, known["account_id"], a_payment(id=number, **known))

    def delete(self, name: str, number: int, owner: int) -> None:
        del self.newest[name, number]
        targets = aggregate(name).targets
        self.tell(name, number, owner, Bundle(records={one.entity: [] for one in targets}, deleted=True, reason="gone"))

    def live(self) -> None:
        """One thing that happens."""
        number = self.random.choice(sorted(self.accounts))
        paid = self.random.choice(sorted(self.payments))
        events: list[Callable[[], None]] = [
            lambda: self.account(number, name=f"{self.random.choice(NAMES)} {self.random.randrange(100)}"),
            lambda: self._status(number),
            lambda: self.payment(200 + len(self.payments), account_id=number, amount=self.random.randrange(1, 99_999)),
            lambda: self.payment(paid, amount=self.random.randrange(1_000, 99_999), reversed_payments=[]),
            lambda: self.payment(paid, reversed_payments=[a_reversal(id=1000 + paid, amount=5)]),
            lambda: self.payment(paid, successful=not self.payments[paid].get("successful", True)),
        ]
        if self.sold:
            sale = self.random.choice(sorted(self.sold))
            events += [lambda: self._reprice(sale), lambda: self._end(sale)]
        events += [
            lambda: self._sell_another(number),
            lambda: self.plan(self.random.choice(sorted(PLANS)), amount=self.random.randrange(1_000, 9_999)),
        ]
        self.random.choice(events)()

    def _status(self, number: int) -> None:
        status = self.random.choice(STATUSES)
        self.account(number, account_status_id=status["id"], account_status=status)


def history(seed: int) -> list[Happening]:
    """All that happened in the town of a seed."""
    return town_of(seed).told


def town_of(seed: int, *, accounts: int = ACCOUNTS, events: int = 20) -> Town:
    """A first load in load order, then `events` things that happen, the first payment deleted at the end.

    No account is deleted: whether one that signs up and leaves at once ever comes to Splynx depends on where a batch
    ends, with a fault or without.
    """
    town = Town(seed)
    town.mapped("company", 3, 3, a_company())
    town.mapped("account_group", 4, 4, AccountGroup(id=4, updated_at=NOON, name="Wireless"))
    town.mapped("account_type", 2, 2, AccountType(id=2, updated_at=NOON, name="Home"))
    for plan, told in PLANS.items():
        town.plan(plan, **told)
    for number in range(1, accounts + 1):
        town.sell(number)
        town.account(number, parent_account_id=1 if number > 2 else None)
        town.payment(200 + len(town.payments), account_id=number, amount=town.random.randrange(1, 99_999))
    for _ in range(events):
        town.live()
    town.delete("payment", 200, town.payments[200]["account_id"])
    return town


def twice(told: list[Happening], picked: Callable[[Happening], bool] = lambda _: True) -> list[Happening]:
    """The history with those it picks sent again behind it, as they were."""
    return [*told, *(one for one in told if picked(one))]


def shuffled(told: list[Happening], seed: int) -> list[Happening]:
    """In any order: out of order within a key, children before their parents."""
    return random.Random(seed).sample(told, len(told))


def emptied(told: list[Happening], name: str) -> list[Happening]:
    """A later bundle for each account or payment of `name` that owns nothing: what mistaken rules would make."""
    newest = {one.sonar_id: one for one in told if one.aggregate == name}
    top = max(one.sequence for one in told)
    return [
        replace(one, bundle=Bundle(records={key: [] for key in one.bundle.records}), sequence=top + place)
        for place, one in enumerate(newest.values(), 1)
    ]
