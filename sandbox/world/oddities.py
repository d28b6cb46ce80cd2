"""What real data does to software. Each oddity is planted on an ordinary draft; `census` finds them in the store."""

from __future__ import annotations

from datetime import timedelta

from sandbox.world import money_oddities, names
from sandbox.world.drafts import Account, PastAddress, Payment, Phone
from sandbox.world.planter import Oddity, Planter

MANY_CONTACTS = 104
"""More than one page of a nested connection at a hundred a page."""


def _no_email(p: Planter, at: list[int]) -> None:
    for contact in p.drafts[at[0]].contacts:
        contact.email = contact.username = None


def _shared_email(p: Planter, at: list[int]) -> None:
    for index in at:
        p.drafts[index].contacts[0].email = "the.whole.family@example.net"


def _bad_email(p: Planter, at: list[int]) -> None:
    for index, email in zip(at, ("no-at-sign.example.com", "two words@example.org"), strict=True):
        p.drafts[index].contacts[0].email = email


def _four_byte_name(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.name = "Luna 🌙 Starling & the 𝒲renfield Twins 👩‍👧‍👧"
    draft.contacts[0].name = "Luna 🌙 Starling"


def _overlong_name(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.name = "The Honourable Association of " + ", ".join(names.FAMILY[:40]) + " and Friends"
    draft.contacts[0].name = "Ōkami " + " ".join(names.GIVEN[:60])


def _overlong_city(p: Planter, at: list[int]) -> None:
    p.physical(p.drafts[at[0]]).city = "Saint Bartholomew-upon-the-Windmill Junction Heights"


def _overlong_street(p: Planter, at: list[int]) -> None:
    address = p.physical(p.drafts[at[0]])
    address.line1 = "Past " + ", then past ".join(
        f"the {street} {names.SUFFIXES[i % 9]}" for i, street in enumerate(names.STREETS[:16])
    )
    address.line2 = "second gate behind the silo, ring twice"


def _decomposed_name(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.name = "Zoe\u0308 Mu\u0308hlenbru\u0308ck"
    draft.contacts[0].name = "Rene\u0301 Mu\u0308hlenbru\u0308ck"


def _stray_spaces(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.name = "  Otis   Sweetapple "
    draft.contacts[0].name = "Otis  Sweetapple  "
    p.physical(draft).city = " Kettle Bend "


def _text_null(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.name = "null"
    draft.contacts[0].name = "Null"
    draft.custom = [("old_id", "null", draft.created)]


def _foreign_address(p: Planter, at: list[int]) -> None:
    for index, town in zip(at, names.ABROAD, strict=True):
        address = p.physical(p.drafts[index])
        address.city, address.subdivision, address.zip = town.city, town.subdivision, town.zip
        address.country, address.latitude, address.longitude = town.country, town.latitude, town.longitude


def _no_subdivision(p: Planter, at: list[int]) -> None:
    address = p.physical(p.drafts[at[0]])
    address.subdivision, address.country, address.city, address.zip = None, "DE", "Krähwinkel", "01990"


def _no_address(p: Planter, at: list[int]) -> None:
    draft = p.activate(p.drafts[at[0]])
    draft.addresses, draft.past_addresses = [], []


def _only_past_address(p: Planter, at: list[int]) -> None:
    draft = _closed(p, at[0])
    draft.addresses = []


def _closed(p: Planter, index: int) -> Account:
    """Disconnect an account and take its serviceable addresses away; their history stays."""
    draft = p.activate(p.drafts[index])
    draft.status, draft.delinquent = "disconnected", False
    end = p.drafter.calendar.today - timedelta(days=20)
    kept = [address for address in draft.addresses if address.type == "PHYSICAL"]
    for address in kept:
        start = min(address.since or end, end)
        draft.past_addresses.append(PastAddress(address, start, end))
    draft.addresses = [address for address in draft.addresses if address.type != "PHYSICAL"]
    return draft


def _archived(p: Planter, at: list[int]) -> None:
    draft = _closed(p, at[0])
    draft.payments, draft.archived = [], p.ago(9)


def _archived_with_payments(p: Planter, at: list[int]) -> None:
    draft = _closed(p, at[0])
    draft.payments = [Payment(p.ago(days), draft.price, "CHECK", reference=str(days)) for days in (200, 170)]
    draft.archived = p.ago(8)


def _parent_chain(p: Planter, at: list[int]) -> None:
    top, middle, bottom = at
    p.drafts[top].parent, p.drafts[middle].parent, p.drafts[bottom].parent = None, top, middle


def _parent_younger_than_child(p: Planter, at: list[int]) -> None:
    child, parent = at
    p.drafts[parent].parent = None
    p.drafts[child].parent = parent


def _several_primaries(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.contacts = [p.drafter.contact(None, "Partridge", primary=True) for _ in range(3)]


def _no_primary(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.contacts = [p.drafter.contact(None, "Skylark", primary=False) for _ in range(2)]


def _no_contact(p: Planter, at: list[int]) -> None:
    p.drafts[at[0]].contacts = []


def _many_contacts(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.type, draft.name = "government", "Three Barns Union High School, all of it"
    draft.contacts = [p.drafter.contact(None, "Meadowcroft", primary=i == 0) for i in range(MANY_CONTACTS)]


def _delinquent(p: Planter, at: list[int]) -> None:
    for index, status in zip(at, ("walled", "suspended"), strict=True):
        draft = p.activate(p.drafts[index])
        draft.status, draft.delinquent = status, True


def _lead(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    draft.status, draft.activated, draft.archived, draft.delinquent = "lead", None, None, False
    draft.payments, draft.card, draft.bank = [], False, False


def _phones(p: Planter, at: list[int]) -> None:
    p.drafts[at[0]].contacts[0].phones = [
        Phone("8155550142", 2, extension="12"),
        Phone("4165550123", 1, country="CA", sms_opt_in=True),
        Phone("0305550199", 0, country="DE"),
        Phone("5550101", 0),
        Phone("8155550142", 0),
    ]


def _billing(p: Planter, at: list[int]) -> None:
    for index, terms in zip(
        at, ({"bill_day": 31, "invoice_day": 30}, {"months_to_bill": 0}, {"months_to_bill": 24}), strict=True
    ):
        p.drafts[index].billing.update(terms)


def _custom_values(p: Planter, at: list[int]) -> None:
    draft = p.drafts[at[0]]
    later = draft.created + timedelta(minutes=5)
    draft.custom = [
        ("gate_code", "#1111", draft.created),
        ("gate_code", "#2222", later),
        ("old_id", "legacy " + ", ".join(names.FAMILY[:40]), draft.created),
    ]


def _disabled_company(p: Planter, at: list[int]) -> None:
    p.drafts[at[0]].company = 2


ODDITIES = (
    Oddity(money_oddities.descriptions, old=True),
    Oddity(money_oddities.credit_balance, old=True),
    Oddity(money_oddities.amounts, old=True),
    Oddity(money_oddities.failed, old=True),
    Oddity(money_oddities.pending, 2, old=True),
    Oddity(money_oddities.reversals, 3, old=True),
    Oddity(money_oddities.refunds, 2, old=True),
    Oddity(money_oddities.voided, old=True),
    Oddity(money_oddities.moments, old=True),
    Oddity(_archived, old=True),
    Oddity(_archived_with_payments, old=True),
    Oddity(_only_past_address, old=True),
    Oddity(_delinquent, 2, old=True),
    Oddity(_lead),
    Oddity(_no_email),
    Oddity(_shared_email, 2),
    Oddity(_bad_email, 2),
    Oddity(_four_byte_name),
    Oddity(_overlong_name),
    Oddity(_overlong_city),
    Oddity(_overlong_street),
    Oddity(_decomposed_name),
    Oddity(_stray_spaces),
    Oddity(_text_null),
    Oddity(_foreign_address, 3),
    Oddity(_no_subdivision),
    Oddity(_no_address),
    Oddity(_parent_chain, 3),
    Oddity(_parent_younger_than_child, 2),
    Oddity(_several_primaries),
    Oddity(_no_primary),
    Oddity(_no_contact),
    Oddity(_many_contacts),
    Oddity(_phones),
    Oddity(_billing, 3),
    Oddity(_custom_values),
    Oddity(_disabled_company),
)
