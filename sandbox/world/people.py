"""Ordinary customers: who they are, where they live and how they are billed. Oddities come later, in `oddities`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sandbox.world import names
from sandbox.world.calendar import Calendar
from sandbox.world.catalogue import BUSINESS, GROUPS, billing_terms
from sandbox.world.drafts import Account, Address, Contact, PastAddress, Phone
from sandbox.world.ledger import draft_payments

LIFETIME_DAYS = 5 * 365

STATUS_WEIGHTS = {
    "active": 82,
    "lead": 3,
    "walled": 2,
    "suspended": 2,
    "disconnected": 6,
    "pending": 1.5,
    "hold": 1.5,
    "courtesy": 1,
    "inactive": 1,
}
TYPE_WEIGHTS = {"residential": 80, "business": 12, "senior": 5, "government": 2, "industrial": 1}
NEVER_ACTIVE = ("lead", "pending")
PRICES = (3995, 4995, 5995, 6500, 7995, 9900, 12900)


def pick(rng: Random, weights: Mapping[str, float]) -> str:
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


class Drafter:
    """Draws drafts from a seeded generator; the same generator state gives the same draft."""

    def __init__(self, rng: Random, calendar: Calendar, payments_per_account: float) -> None:
        self.rng = rng
        self.calendar = calendar
        self.payments_per_account = payments_per_account
        # One account in twelve knows only leads and the like; the others carry their share of payments.
        self._payments_if_active = payments_per_account * 1.12

    def birthdays(self, count: int) -> list[datetime]:
        """When `count` accounts were created, oldest first and evenly over five years."""
        days = (1 + int((LIFETIME_DAYS - 1) * (count - i - self.rng.random()) / count) for i in range(count))
        return sorted(self._office_hours(self.calendar.today - timedelta(days=day)) for day in days)

    def account(self, created: datetime, companies: int, older: Sequence[int] = ()) -> Account:
        """One account created at `created`; `older` are indexes of drafts it may have as a parent."""
        rng = self.rng
        kind = pick(rng, TYPE_WEIGHTS)
        status = pick(rng, STATUS_WEIGHTS)
        family = rng.choice(names.FAMILY)
        name = self.company_name(kind, family) if kind in BUSINESS else f"{rng.choice(names.GIVEN)} {family}"
        draft = Account(
            name=name,
            created=created,
            company=min(int(rng.random() ** 2 * companies), companies - 1),
            status=status,
            type=kind,
            billing=self.billing(kind),
            price=rng.choice(PRICES) * (3 if kind in BUSINESS else 1),
            delinquent=status in ("walled", "suspended") or (status == "active" and rng.random() < 0.04),
        )
        if status not in NEVER_ACTIVE:
            day = min(self.calendar.local_day(created) + timedelta(days=rng.randint(0, 14)), self.calendar.yesterday)
            draft.activated = max(created, self._office_hours(day))
        draft.contacts = self.contacts(draft, family)
        self._settle(draft)
        draft.groups = sorted(rng.sample(range(len(GROUPS)), rng.choices((0, 1, 2, 3), (45, 35, 15, 5))[0]))
        draft.custom = self.custom_values(draft)
        draft.card = status not in NEVER_ACTIVE and rng.random() < 0.7
        draft.bank = status not in NEVER_ACTIVE and rng.random() < 0.12
        if older and rng.random() < 0.04:
            draft.parent = rng.choice(older)
        if status in ("disconnected", "inactive") and rng.random() < 0.35:
            draft.archived = self.between(draft.activated or created)
        draft.payments = draft_payments(draft, rng, self.calendar, self._payments_if_active)
        return draft

    def company_name(self, kind: str, family: str) -> str:
        if kind == "government":
            return f"{self.rng.choice(names.TOWNS).city} {self.rng.choice(names.OFFICES)}"
        return f"{family} {self.rng.choice(names.TRADES)} {self.rng.choice(names.FORMS)}"

    def contacts(self, draft: Account, family: str) -> list[Contact]:
        count = self.rng.choices((1, 2, 3, 4), (78, 16, 4, 2))[0]
        return [
            self.contact(draft.name if i == 0 and draft.type not in BUSINESS else None, family, primary=i == 0)
            for i in range(count)
        ]

    def contact(self, name: str | None, family: str, *, primary: bool) -> Contact:
        """A contact; `name` None draws a given name for `family`."""
        rng = self.rng
        name = name or f"{rng.choice(names.GIVEN)} {family}"
        handle = name.lower().replace(" ", ".").encode("ascii", "ignore").decode()
        email = f"{handle}{rng.randint(1, 9999)}@{rng.choice(names.MAIL_DOMAINS)}" if rng.random() < 0.93 else None
        return Contact(
            name=name,
            email=email,
            primary=primary,
            role=None if primary and rng.random() < 0.7 else rng.choice(names.ROLES),
            username=email if primary and email and rng.random() < 0.5 else None,
            language=rng.choices(("en", "fr", None), (70, 2, 28))[0],
            marketing_opt_in=rng.choice((True, False, None)),
            phones=[self.phone() for _ in range(rng.choices((0, 1, 2, 3), (8, 62, 25, 5))[0])],
        )

    def phone(self) -> Phone:
        rng = self.rng
        kind = rng.choices((0, 1, 2), (20, 65, 15))[0]
        return Phone(
            number=f"{rng.choice(names.AREA_CODES)}55501{rng.randint(0, 99):02d}",
            kind=kind,
            extension=str(rng.randint(1, 999)) if kind == 2 and rng.random() < 0.4 else None,
            sms_opt_in=kind == 1 and rng.random() < 0.6,
        )

    def address(self, kind: str, since: date | None = None) -> Address:
        """A PHYSICAL or MAILING address in one of the ISP's towns."""
        rng = self.rng
        town = rng.choice(names.TOWNS)
        line1 = f"{rng.randint(1, 9899)} {rng.choice(names.STREETS)} {rng.choice(names.SUFFIXES)}"
        if kind == "MAILING" and rng.random() < 0.4:
            line1 = f"PO Box {rng.randint(1, 4000)}"
        # A house lies within about 4 km of its town; digits stay text so that no float reaches a comparison.
        shift = rng.randint(-400, 400)
        return Address(
            type=kind,
            line1=line1,
            line2=f"Apt {rng.randint(1, 40)}" if rng.random() < 0.12 else None,
            city=town.city,
            subdivision=town.subdivision,
            zip=town.zip if rng.random() < 0.9 else f"{town.zip}-{rng.randint(0, 9999):04d}",
            latitude=_shifted(town.latitude, shift) if kind == "PHYSICAL" else None,
            longitude=_shifted(town.longitude, -shift) if kind == "PHYSICAL" else None,
            since=since,
        )

    def billing(self, kind: str) -> dict[str, Any]:
        """An account's billing parameter: mostly the default's terms."""
        rng = self.rng
        bill_day = rng.choices((1, rng.randint(1, 28)), (60, 40))[0]
        return {
            **billing_terms(),
            "bill_day": bill_day,
            "invoice_day": rng.choice((None, None, None, bill_day, rng.randint(1, 28))),
            "bill_day_mode": rng.choice(("FIXED", "FIXED", "ANNIVERSARY_BILL_DAY", "ANNIVERSARY_INVOICE_DAY")),
            "bill_mode": rng.choices(("INVOICE", "STATEMENT"), (9, 1))[0],
            "due_days": rng.choice((0, 10, 14, 15, 15, 15, 21, 28) if kind in BUSINESS else (0, 10, 15, 15, 15, 20)),
            "due_days_day": rng.choices(("INVOICE_DAY", "BILL_DAY"), (8, 2))[0],
            "months_to_bill": rng.choices((1, 2, 3, 6, 12), (90, 2, 3, 2, 3))[0],
            "grace_days": rng.choice((0, 0, 0, 5, 10)),
            "auto_pay_days": rng.choice((0, 0, 5)),
            "print_invoice": rng.random() < 0.06,
            "lifeline": rng.random() < 0.02,
            "tax_exempt": kind == "government",
            "switch_status_after_delinquency": rng.random() < 0.3,
            "grace_until": (self.calendar.today + timedelta(days=rng.randint(-90, 30))).isoformat()
            if rng.random() < 0.02
            else None,
        }

    def custom_values(self, draft: Account) -> list[tuple[str, str, datetime]]:
        """Values of custom fields, at most one for each field."""
        rng, calendar = self.rng, self.calendar
        values = {
            "gate_code": f"#{rng.randint(0, 9999):04d}",
            "birth": date(rng.randint(1938, 2004), rng.randint(1, 12), rng.randint(1, 28)).isoformat(),
            "old_id": f"L-{rng.randint(1000, 99999)}",
            "dog": rng.choice(("1", "0", "true", "false")),
            "heard": rng.choice(("Neighbor", "Radio", "Yard sign", "Web search")),
            "tax_no": f"00-{rng.randint(0, 9999999):07d}",
            "term_ends": (calendar.today + timedelta(days=rng.randint(-400, 700))).isoformat(),
            "news": rng.choice(("1", "0", "yes", "no")),
        }
        chance = {
            "gate_code": 0.08,
            "birth": 0.3,
            "old_id": 0.35,
            "dog": 0.2,
            "heard": 0.15,
            "term_ends": 0.2,
            "news": 0.15,
        }
        chance["tax_no"] = 0.6 if draft.type in BUSINESS else 0.0
        return [
            (key, value, self.between(draft.created)) for key, value in values.items() if rng.random() < chance[key]
        ]

    def between(self, start: datetime) -> datetime:
        """Some moment after `start` and before today."""
        end = self.calendar.instant(self.calendar.yesterday)
        room = int((end - start).total_seconds())
        return start + timedelta(seconds=self.rng.randint(1, room) if room > 1 else 1)

    def _settle(self, draft: Account) -> None:
        """Addresses, present and past. Who was disconnected holds none any more, only their history."""
        rng, calendar = self.rng, self.calendar
        since = calendar.local_day(draft.activated or draft.created)
        if draft.status in ("disconnected", "inactive"):
            end = calendar.local_day(self.between(draft.activated or draft.created))
            draft.past_addresses.append(PastAddress(self.address("PHYSICAL"), since, max(since, end)))
        elif rng.random() < 0.97:
            if rng.random() < 0.08:
                moved = calendar.local_day(self.between(draft.activated or draft.created))
                draft.past_addresses.append(PastAddress(self.address("PHYSICAL"), since, moved))
                since = moved
            draft.addresses.append(self.address("PHYSICAL", since))
            if draft.type in BUSINESS and rng.random() < 0.15:
                draft.addresses.append(self.address("PHYSICAL", since))
        if rng.random() < 0.3:
            draft.addresses.append(self.address("MAILING"))

    def _office_hours(self, day: date) -> datetime:
        return self.calendar.second(day, self.rng.randint(7 * 3600, 21 * 3600))


def _shifted(degrees: str, ten_thousandths: int) -> str:
    """Move a coordinate without a float: "41.8412" and 12 are "41.8424"."""
    whole, _, fraction = degrees.partition(".")
    sign = -1 if whole.startswith("-") else 1
    value = sign * (abs(int(whole)) * 10_000 + int(fraction)) + ten_thousandths
    return f"{'-' if value < 0 else ''}{abs(value) // 10_000}.{abs(value) % 10_000:04d}"
