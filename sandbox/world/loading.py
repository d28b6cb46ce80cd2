"""Drafts become rows, each dated when it happened. The order of ids is the order of time, as in a Sonar that grew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from sandbox.world.calendar import Calendar
from sandbox.world.catalogue import BUSINESS, Catalogue
from sandbox.world.drafts import Account, Address, Payment
from sandbox.world.rows import Writer, add_address, add_bank, add_card, add_contact, add_custom_value, payment_columns


class Loader:
    """Writes drafts and remembers the ids that later rows refer to."""

    def __init__(self, store: Writer, catalogue: Catalogue, calendar: Calendar, rng: Random) -> None:
        self.store, self.catalogue, self.calendar, self.rng = store, catalogue, calendar, rng
        self._cards: dict[int, int] = {}
        self._banks: dict[int, int] = {}

    def load(self, drafts: Sequence[Account]) -> None:
        """Write all drafts, which stand in the order of their creation."""
        accounts: list[int] = []
        for draft in drafts:
            known = draft.parent is not None and draft.parent < len(accounts)
            accounts.append(self.account(draft, accounts[draft.parent] if known and draft.parent is not None else None))
        for index, draft in enumerate(drafts):
            # A parent that joined later than its child is linked once it exists.
            if draft.parent is not None and draft.parent >= index:
                at = drafts[draft.parent].created + timedelta(minutes=10)
                self.store.update("Account", accounts[index], at=at, parent_account_id=accounts[draft.parent])
        self._payments(drafts, accounts)
        for account, draft in zip(accounts, drafts, strict=True):
            if draft.archived is not None:
                self.store.update(
                    "Account",
                    account,
                    at=draft.archived,
                    archived_at=draft.archived,
                    archived_by_user_id=self.catalogue.users[1],
                    is_eligible_for_archive=False,
                )

    def account(self, draft: Account, parent: int | None) -> int:
        """Write one account with all it has but payments; `parent` is an account id."""
        store, catalogue, at = self.store, self.catalogue, draft.created
        local = draft.activated.astimezone(self.calendar.zone) if draft.activated else None
        home = next((address for address in draft.addresses if address.latitude), None)
        account = store.insert(
            "Account",
            at=at,
            account_status_id=catalogue.statuses["pending" if local else draft.status],
            account_type_id=catalogue.types[draft.type],
            company_id=catalogue.companies[draft.company],
            geopoint=f"{home.latitude},{home.longitude}" if home else None,
            is_delinquent=False if local else draft.delinquent,
            is_eligible_for_archive=False,
            name=draft.name,
            parent_account_id=parent,
        )
        store.insert("AccountBillingParameter", at=at, account_id=account, **self._billing(draft))
        for contact in draft.contacts:
            add_contact(store, catalogue, account, contact, at)
        for past in draft.past_addresses:
            self._past_address(account, past.address, past.start.isoformat(), past.end.isoformat(), draft)
        for address in draft.addresses:
            self._address(account, address, draft)
        for group in draft.groups:
            store.attach("Account", account, "account_groups", catalogue.groups[group], at=at)
        for key, value, moment in draft.custom:
            add_custom_value(store, account, catalogue.fields[key], value, moment)
        if draft.card:
            self._cards[account] = add_card(store, catalogue, account, draft.name, self.rng, draft.activated or at)
        if draft.bank:
            self._banks[account] = add_bank(store, catalogue, account, draft.name, self.rng, draft.activated or at)
        if draft.activated and local:
            serving = draft.status in ("active", "walled", "courtesy")
            store.update(
                "Account",
                account,
                at=draft.activated,
                account_status_id=catalogue.statuses[draft.status],
                activation_date=local.date().isoformat(),
                activation_time=local.strftime("%H:%M:%S"),
                is_delinquent=draft.delinquent,
                is_eligible_for_archive=draft.status in ("disconnected", "inactive"),
                next_bill_date=self._next_bill_date(draft) if serving else None,
                next_recurring_charge_amount=draft.price if serving else None,
            )
        return account

    def _billing(self, draft: Account) -> dict[str, Any]:
        statuses = self.catalogue.statuses
        key = "business" if draft.type in BUSINESS else "residential"
        terms = {**draft.billing, "billing_default_id": self.catalogue.billing_defaults[key]}
        if terms["switch_status_after_delinquency"]:
            terms["days_of_delinquency_for_status_switch"] = 5
            terms["delinquency_account_status_id"] = statuses["walled" if draft.status != "suspended" else "suspended"]
            terms["delinquency_removal_account_status_id"] = statuses["active"]
        return terms

    def _next_bill_date(self, draft: Account) -> str:
        day = draft.billing["bill_day"]
        month = self.calendar.today.replace(day=1) + timedelta(days=32)
        return month.replace(day=min(day if isinstance(day, int) else 1, 28)).isoformat()

    def _address(self, account: int, address: Address, draft: Account) -> None:
        address_id = add_address(self.store, self.catalogue, address, account, draft.created)
        if address.since is not None:
            self.store.insert(
                "ServiceableAddressAccountAssignmentHistory",
                at=draft.created,
                account_id=account,
                address_id=address_id,
                start_date=address.since.isoformat(),
            )

    def _past_address(self, account: int, address: Address, start: str, end: str, draft: Account) -> None:
        address_id = add_address(self.store, self.catalogue, address, None, draft.created)
        self.store.insert(
            "ServiceableAddressAccountAssignmentHistory",
            at=draft.created,
            account_id=account,
            address_id=address_id,
            start_date=start,
            end_date=end,
        )

    def _payments(self, drafts: Sequence[Account], accounts: Sequence[int]) -> None:
        dated = sorted(
            (
                (payment.at, index, place)
                for index, draft in enumerate(drafts)
                for place, payment in enumerate(draft.payments)
            ),
        )
        ids: dict[tuple[int, int], int] = {}
        for at, index, place in dated:
            account, payment = accounts[index], drafts[index].payments[place]
            ids[index, place] = self.store.insert(
                "Payment",
                at=at,
                account_id=account,
                company_id=self.catalogue.companies[drafts[index].company],
                credit_card_id=self._cards.get(account) if payment.instrument == "card" else None,
                bank_account_id=self._banks.get(account) if payment.instrument == "bank" else None,
                **payment_columns(payment, self.rng),
            )
        for index, place in sorted(ids, key=lambda key: ids[key]):
            self._taken_back(ids[index, place], drafts[index].payments[place])

    def _taken_back(self, payment_id: int, payment: Payment) -> None:
        remaining = payment.amount
        for reversal in payment.reversals:
            self.store.insert(
                "ReversedPayment",
                at=reversal.at,
                amount=reversal.amount,
                description=reversal.description,
                payment_id=payment_id,
            )
            remaining -= reversal.amount
            self.store.update("Payment", payment_id, at=reversal.at, amount_remaining=remaining)
        for type_name, rows in (("RefundedPayment", payment.refunds), ("VoidedPayment", payment.voids)):
            for row in rows:
                self.store.insert(
                    type_name,
                    at=row.at,
                    amount=row.amount,
                    description=row.description,
                    payment_id=payment_id,
                    transaction_id=f"demo-{type_name[:3].lower()}-{payment_id}",
                )
