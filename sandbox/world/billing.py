"""What the ISP sells and charges: the domain of billing, and the invoices, discounts and credits of its past.

Payments have been written before, and stay as they are: without `full`, nothing was applied from them to an invoice,
and only discounts pay. With `full`, they pay the invoices of two years, the oldest first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count

from sandbox.world import billing_events, billing_oddities, usage
from sandbox.world.books import Books, Line, months_later
from sandbox.world.domain import Beginning, Domain
from sandbox.world.people import LIFETIME_DAYS
from sandbox.world.registry import Row
from sandbox.world.services import named, open_counter
from sandbox.world.subscriptions import Subscriber, subscribe
from sandbox.world.summary import counts

FULL_DAYS, RECENT_DAYS = 730, 45
"""How far invoices reach back with the whole history, and without."""

DISCOUNTED = 0.15
"""The share of invoices with something taken off beside what the account has for every month."""


def begin(beginning: Beginning) -> None:
    """Write the counter, the subscriptions, and all that came of them until yesterday."""
    store, calendar = beginning.store, beginning.calendar
    open_counter(store, beginning.catalogue, calendar.instant(calendar.today - timedelta(days=LIFETIME_DAYS + 29)))
    exceptions(beginning)
    subscribers = subscribe(beginning)
    Past(beginning).bill(subscribers)
    usage.begin(beginning, subscribers)
    billing_oddities.plant(beginning)
    if beginning.full:
        apply_payments(beginning)


def exceptions(beginning: Beginning) -> None:
    """Accounts with taxes of their own: a rate agreed upon, or an exemption from an outer engine's taxes."""
    store, rng = beginning.store, beginning.rng
    accounts = sorted(store.table("Account"))
    taxes, engines = sorted(store.table("Tax")), sorted(store.table("TaxProvider"))
    for account in rng.sample(accounts, k=max(1, len(accounts) // 40)):
        at = store.table("Account")[account]["created_at"]
        store.insert("TaxOverride", at=at, account_id=account, tax_id=taxes[0], rate=rng.choice((0.0, 3.5)))
    for account in rng.sample(accounts, k=max(1, len(accounts) // 60)):
        at = store.table("Account")[account]["created_at"]
        store.insert(
            "TaxExemption",
            at=at,
            account_id=account,
            jurisdictions=["STATE", "CITY"],
            name="Resale certificate",
            tax_provider_id=engines[0],
        )


class Past:
    """Bills the subscribers for the days that are over."""

    def __init__(self, beginning: Beginning) -> None:
        self.beginning, self.store, self.rng = beginning, beginning.store, beginning.rng
        self.calendar, self.users = beginning.calendar, beginning.catalogue.users
        self.books = Books(self.store, self.store)
        self._newest: dict[int, int] = {}
        self._counter = count()
        self._later: list[tuple[datetime, int, Callable[[datetime], object]]] = []

    def bill(self, subscribers: Sequence[Subscriber]) -> None:
        """Every billing day in turn, and on each the accounts in the order of their ids."""
        days = FULL_DAYS if self.beginning.full else RECENT_DAYS
        first = self.calendar.today - timedelta(days=days)
        runs = sorted(
            (day, one.account["id"], place) for place, one in enumerate(subscribers) for day in self._days(one, first)
        )
        for number, (day, _, place) in enumerate(runs):
            at = max(self.calendar.second(day, 2 * 3600 + number % 7200), subscribers[place].since)
            self._do_what_is_due(at)
            self._run(subscribers[place], day, at)
        self._do_what_is_due(self.calendar.instant(self.calendar.today, time(0)))
        self._loose(subscribers)

    def _do_what_is_due(self, until: datetime) -> None:
        """What became of invoices since, in the order of time; what would come after `until` has not happened yet."""
        while self._later and self._later[0][0] < until:
            at, _, deed = heappop(self._later)
            deed(at)

    def _plan(self, at: datetime, deed: Callable[[datetime], object]) -> None:
        heappush(self._later, (at, next(self._counter), deed))

    def _days(self, one: Subscriber, first: date) -> Iterator[date]:
        if one.account["activation_date"] is None:
            return
        terms = self._terms(one.account)
        months = max(1, terms["months_to_bill"])
        day = self.calendar.today.replace(day=min(terms["bill_day"] or 1, 28))
        last = self.calendar.yesterday if one.keeps else first + timedelta(days=self.rng.randint(0, 200))
        since = max(first, self.calendar.local_day(one.since))
        while day >= since:
            if day <= min(last, self.calendar.yesterday):
                yield day
            day = months_later(day, -months)

    def _terms(self, account: Row) -> Row:
        (id,) = self.store.pointing("AccountBillingParameter", "account_id", account["id"])
        return self.store.table("AccountBillingParameter")[id]

    def _run(self, one: Subscriber, day: date, at: datetime) -> None:
        account, months = one.account, max(1, self._terms(one.account)["months_to_bill"])
        lines = [line if months == 1 else self._for_months(account, line, months) for line in one.lines]
        charges = [line for line in lines if not line.is_discount]
        parent = self._newest.get(account["parent_account_id"] or 0)
        invoice = self.books.invoice(account, day, charges, months=months, parent=parent, at=at)
        self._newest[account["id"]] = invoice
        for line in lines:
            if line.is_discount:
                self.books.apply("Discount", self.books.discount(account, line, at=at), invoice, at=at)
        if self.rng.random() < DISCOUNTED:
            self._discount(account, invoice, at)
        fate, later = self.rng.random(), at + timedelta(days=self.rng.randint(1, 20))
        if fate < 0.01:
            self._plan(later, partial(self.books.void_invoice, invoice))
        elif fate < 0.03:
            self._plan(later, partial(self._reverse, invoice))
        elif fate < 0.05:
            self._plan(later, partial(self._late_fee, account, invoice))

    def _reverse(self, invoice: int, at: datetime) -> None:
        debit = self.store.pointing("Debit", "invoice_id", invoice)[-1]
        self.books.reverse(debit, user=self.rng.choice(self.users), at=at)

    def _late_fee(self, account: Row, invoice: int, at: datetime) -> None:
        """The invoice is overdue; the fee comes on one of its own."""
        day = self.calendar.local_day(at)
        self.store.update("Invoice", invoice, at=at, delinquent=True, delinquency_date=day, late_fee_applied=True)
        fee = self.books.line(account, named(self.store, "fee"), 1000)
        self.books.invoice(account, day, [fee], monthly=False, late_fee_only=True, at=at)

    def _for_months(self, account: Row, line: Line, months: int) -> Line:
        return self.books.line(account, line.service, line.amount * months, quantity=line.quantity, months=months)

    def _discount(self, account: Row, invoice: int, at: datetime) -> None:
        service = named(self.store, self.rng.choice(("promotion", "loyalty", "bundle")))
        discount = self.books.discount(account, self.books.line(account, service, service["amount"]), at=at)
        if self.rng.random() < 0.9:
            self.books.apply("Discount", discount, invoice, at=at)

    def _loose(self, subscribers: Sequence[Subscriber]) -> None:
        """Charges and goodwill that wait for the next invoice."""
        at = self.calendar.second(self.calendar.yesterday, 15 * 3600)
        waiting = [one for one in subscribers if one.keeps and one.since < at]
        for one in self.rng.sample(waiting, k=min(len(waiting), max(1, len(waiting) // 20))):
            visit = named(self.store, "visit")
            self.books.debit(one.account, self.books.line(one.account, visit, visit["amount"]), at=at)
        for one in self.rng.sample(waiting, k=min(len(waiting), max(1, len(waiting) // 50))):
            goodwill = self.books.line(one.account, named(self.store, "goodwill"), self.rng.randint(100, 5000))
            self.books.discount(one.account, goodwill, user=self.rng.choice(self.users), at=at)


def apply_payments(beginning: Beginning) -> None:
    """Pay the open invoices of every account with its payments, the oldest first, as Sonar does by itself."""
    store = beginning.store
    books = Books(store, store)
    invoices: dict[int, list[int]] = defaultdict(list)
    for id, row in sorted(store.table("Invoice").items()):
        invoices[row["account_id"]].append(id)
    for id, row in sorted(store.table("Payment").items()):
        if not counts(row):
            continue
        for invoice in invoices[row["account_id"]]:
            target, payment = store.table("Invoice")[invoice], store.table("Payment")[id]
            if payment["amount_remaining"] == 0:
                break
            at = max(target["updated_at"], payment["updated_at"])
            books.apply("Payment", id, invoice, at=at)


BILLING = Domain(
    name="billing",
    begin=begin,
    indexed=billing_events.INDEXED,
    events=billing_events.EVENTS,
    rate=0.5,
)
