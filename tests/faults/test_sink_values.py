"""Values at the edge of what a column may hold: each is in Splynx's database as its record has it, or as it fits."""

from collections.abc import Iterator
from decimal import Decimal
from typing import cast

import pytest

from schemas.bundle import Bundle, record_document
from schemas.catalogue import aggregate
from schemas.entities.labels import AccountGroup, AccountType
from schemas.entities.payment import SplynxPayment, map_payment
from tests.builders import NOON, RULES, a_company, a_payment
from tests.faults.alarms import rings
from tests.faults.history import Town
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite

NAMES = (
    "null", "NULL", "None", "0", "\U0001f600 Ada", "\U00020000" * 70, "O'Neil \\ \"x\" %s", "0000-00-00",
    "e\u0301 \u00e9",
)  # fmt: skip
TEXTS = (
    "", "null", "NULL", "None", "0", "trailing  ", " both ends ", "\ttabs\t", "two\nlines", "\U0001f600", "1e3",
    "\U00020000" * 70, "caf\u00e9 \u0416 \U0001f600", "O'Neil \\ \"x\" %s {}", "\u202eabc", "0000-00-00", "'; --",
)  # fmt: skip
"""Empty, what looks like nothing, blanks, four bytes to a character, what SQL escapes, a zero date."""
AMOUNTS = ((10, 2), (20, 2), (1, 4), (1005, 3), (-1005, 3), (8375, 3), (-99_999, 2), (99_999_999_999, 2), (5, 0))
"""`(minor, exponent)`: tenths, which no binary fraction is, three decimals, and more given back than was paid."""
COLUMNS = {"comment": "VARCHAR(256)", "field_1": "VARCHAR(512)", "field_5": "VARCHAR(512)", "memo": "TEXT"}
"""Texts of a payment."""
ACCOUNTS = (1, 2, 3)
NOT_OURS = Decimal("77.7001")
"""Of each deposit: from a time of which Splynx has no rows any more."""


class OddTown(Town):
    """Its people have odd names, and its payments what no mapper would let through."""

    def settle(self) -> None:
        """All sign up."""
        self.mapped("company", 3, 3, a_company())
        self.mapped("account_group", 4, 4, AccountGroup(id=4, updated_at=NOON, name="\U0001f600 'null'"))
        self.mapped("account_type", 2, 2, AccountType(id=2, updated_at=NOON, name="Home"))
        for number in ACCOUNTS:
            self.account(number, name=self.random.choice(NAMES))

    def pay(self) -> list[SplynxPayment]:
        """Each amount, by anybody."""
        made = []
        for number, (minor, exponent) in enumerate(AMOUNTS, 200):
            mapped = map_payment(a_payment(id=number, account_id=self.random.choice(ACCOUNTS)), RULES)
            (record,) = mapped.records["payment"] or ()
            texts = {name: self.random.choice(TEXTS) for name in COLUMNS}
            amount = {"amount_minor": minor, "remind_minor": 0, "exponent": exponent}
            made.append(cast(SplynxPayment, record.model_copy(update=texts | amount)))
        return made

    def send(self, payments: list[SplynxPayment]) -> None:
        """Tell of payments as they are now."""
        for one in payments:
            self.tell("payment", int(one.key), int(one.customer_id.key), Bundle(records={"payment": [one]}))


@pytest.fixture
def charset(sink_site: SinkSite, seed: int) -> Iterator[str]:
    """Of the columns for a payment's texts: on even seeds the one that holds three bytes to a character."""
    chosen = "utf8mb4" if seed % 2 else "utf8mb3"

    def give(name: str) -> None:
        changes = [f"MODIFY {column} {kind} CHARACTER SET {name} NOT NULL" for column, kind in COLUMNS.items()]
        sink_site.change(f"ALTER TABLE payments {', '.join(changes)}")

    sink_site.reset()
    give(chosen)
    yield chosen
    sink_site.reset()
    give("utf8mb4")


def as_it_fits(value: str, charset: str) -> str:
    """A text in a column."""
    return value if charset == "utf8mb4" else "".join("?" if ord(sign) > 0xFFFF else sign for sign in value)


def assert_there(site: SinkSite, town: OddTown, payments: list[SplynxPayment], charset: str) -> None:
    """Names, texts, amounts and deposits are in Splynx, column by column, and nothing is held or taken for an edit.

    Raises:
        AssertionError: something is otherwise.
    """
    mapper = aggregate("account").mapper
    assert mapper is not None
    wanted = {}
    for number in ACCOUNTS:
        (customer,) = mapper(town.newest["account", number], RULES).records["customer"] or ()
        wanted[str(number)] = record_document(customer)["name"]
    found = site.rows(
        "SELECT x.record_key, c.name, b.deposit FROM customers c JOIN {ledger}.crosswalk x ON x.target_id = c.id"
        " JOIN customer_billing b ON b.customer_id = c.id WHERE x.entity = 'customer'"
    )
    assert {row["record_key"]: row["name"] for row in found} == wanted
    deposits = dict.fromkeys(wanted, NOT_OURS)
    for one in payments:
        deposits[one.customer_id.key] += Decimal(one.amount_minor).scaleb(-one.exponent)
    assert {row["record_key"]: row["deposit"] for row in found} == deposits
    rows = site.rows(
        "SELECT p.*, t.total, t.period_from FROM payments p JOIN billing_transactions t ON t.id = p.transaction_id"
    )
    there = {
        row["receipt_number"]: row for row in rows if not row["receipt_number"].rstrip("0123456789").endswith("-X")
    }
    for one in payments:
        row = there[one.receipt_number]
        amount = Decimal(one.amount_minor).scaleb(-one.exponent)
        assert (row["amount"], row["total"], row["period_from"]) == (amount, amount, "0000-00-00")
        assert {name: row[name] for name in COLUMNS} == {
            name: as_it_fits(getattr(one, name), charset) for name in COLUMNS
        }
    assert site.rows("SELECT entity, record_key, code FROM {ledger}.held") == []
    assert site.rows("SELECT entity, record_key, field FROM {ledger}.conflicts") == []


@pytest.mark.fault(29)
@rings(heals="each is written as its column holds it")
@seeds(30, guards={"a text is written as its column holds it": 2, "a deposit moves by differences": 1})
async def test_odd_values_come_through_the_sink_and_are_nobodys_edit(
    sink_site: SinkSite, seed: int, charset: str
) -> None:
    """Written, and changed afterwards: what is read back then is compared with what was written."""
    town = OddTown(seed)
    town.settle()
    sink_site.play(town.told)
    await sink_site.run()
    assert sink_site.change("UPDATE customer_billing SET deposit = deposit + %s", NOT_OURS) == len(ACCOUNTS)

    payments = town.pay()
    town.send(payments)
    sink_site.add(town.told[-len(payments) :])
    await sink_site.run()
    assert_there(sink_site, town, payments, charset)

    changed = [one.model_copy(update={"field_1": town.random.choice(TEXTS)}) for one in payments]
    for number in ACCOUNTS:
        town.account(number, name=town.random.choice(NAMES))
    town.send(changed)
    sink_site.add(town.told[-len(changed) - len(ACCOUNTS) :])
    await sink_site.run()
    assert_there(sink_site, town, changed, charset)
    await sink_site.assert_each_offset_has_one_outcome()
