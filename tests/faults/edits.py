"""What people type into Splynx while it is filled, and what Sonar sends after that."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.bundle import Bundle
from schemas.records import SplynxRecord
from tests.faults.history import Happening, history, town_of
from tests.faults.sink_site import SinkSite

_TOP = 1000
"""Sequences above those of any history."""


@dataclass(frozen=True)
class Edit:
    """A value typed into one field of one row. `entity`, `row` and `field`: as the ledger calls them."""

    entity: str
    row: int
    field: str
    table: str
    column: str
    where: str
    value: str


def renamed(seed: int, count: int = 2) -> list[Happening]:
    """The newest bundles of some customers with another status text: something of ours changes on them."""
    newest = {one.sonar_id: one for one in history(seed) if one.aggregate == "account"}
    found = []
    for place, one in enumerate(random.Random(seed).sample(sorted(newest.values(), key=lambda o: o.sonar_id), count)):
        (customer,) = one.bundle.records["customer"] or ()
        records = {**one.bundle.records, "customer": [customer.model_copy(update={"sonar_status": f"Later {seed}"})]}
        bundle = type(one.bundle)(records=records)
        found.append(Happening(one.aggregate, one.sonar_id, one.owner, bundle, _TOP + place))
    return found


def signed_up(seed: int, number: int) -> Happening:
    """An account that signs up when all of a history has happened."""
    town = town_of(seed)
    town.account(number)
    return town.told[-1]


def twice_changed(one: Happening) -> list[Happening]:
    """Two later bundles of a customer, each with another status text."""
    (customer,) = one.bundle.records["customer"] or ()
    return [
        replace(
            one,
            bundle=Bundle(
                records={**one.bundle.records, "customer": [customer.model_copy(update={"sonar_status": text})]}
            ),
            sequence=_TOP + place,
        )
        for place, text in enumerate(("First", "Second"))
    ]


def of_somebody(seed: int) -> Happening:
    """The newest bundle of a customer."""
    newest = {one.sonar_id: one for one in history(seed) if one.aggregate == "account"}
    return newest[random.Random(seed).choice(sorted(newest))]


def made_by_hand(site: SinkSite, login: str, like: int) -> int:
    """A live customer that somebody makes in Splynx, whose row is like another's but for this log-in; its id."""
    columns = [row["Field"] for row in site.rows("SHOW COLUMNS FROM customers") if row["Field"] not in {"id", "login"}]
    own = ", ".join(f"`{name}`" for name in columns)
    site.change(f"INSERT INTO customers (login, {own}) SELECT %s, {own} FROM customers WHERE id = %s", login, like)
    return int(site.rows("SELECT MAX(id) AS id FROM customers")[0]["id"])


def everybody_changed(seed: int) -> list[Happening]:
    """The newest bundle of every plan, account and payment, with something of ours changed in each record."""
    changing = {"service", "account", "payment"}
    newest = {(one.aggregate, one.sonar_id): one for one in history(seed) if one.aggregate in changing}
    found = []
    for place, one in enumerate(newest.values()):
        if one.bundle.deleted:
            continue
        records = {entity: _changed(entity, some, seed) for entity, some in one.bundle.records.items()}
        bundle = replace(one.bundle, records=records)
        found.append(Happening(one.aggregate, one.sonar_id, one.owner, bundle, _TOP + place))
    return found


def _changed(entity: str, some: Sequence[SplynxRecord] | None, seed: int) -> list[SplynxRecord] | None:
    members = {
        "customer": {"sonar_status": f"Later {seed}"},
        "customer_info": {"contact_person": f"Later {seed}"},
        "customer_billing": {"billing_city": f"Later {seed}"},
        "internet_tariff": {"sonar_technology": f"Later {seed}"},
        "internet_service": {"discount_text": f"Later {seed}"},
        "payment": {"field_1": f"later {seed}"},
    }
    return None if some is None else [one.model_copy(update=members[entity]) for one in some]


_COLUMNS = {
    "customer": ("customers", "id", ("name", "email", "phone", "street_1", "zip_code", "city", "gps", "login")),
    "customer_info": ("customer_info", "customer_id", ("birthday", "passport", "vat_id", "contact_person")),
    "customer_billing": ("customer_billing", "customer_id", ("billing_person", "billing_city", "billing_zip_code")),
    "internet_tariff": ("tariffs_internet", "id", ("title", "service_name")),
    "internet_service": ("services_internet", "id", ("description", "login", "discount_text")),
    "payment": ("payments", "id", ("comment", "memo", "field_1", "field_3", "receipt_number")),
}
_VALUES = {
    "customer": ("customers_values", ("sonar_status", "sonar_account_number", "sonar_contacts", "sonar_id")),
    "internet_tariff": ("tariffs_internet_values", ("sonar_technology", "sonar_id")),
    "internet_service": ("services_internet_values", ("sonar_start_date", "sonar_id")),
}


def random_edits(site: SinkSite, seed: int, count: int) -> list[Edit]:
    """So many, each of another field: of plans, customers, their parts and additional fields, of both payment rows."""
    chance = random.Random(seed)
    possible: list[Edit] = []
    links = site.rows("SELECT entity, target_id FROM {ledger}.crosswalk WHERE state = 'live'")
    for link in links:
        entity, row = str(link["entity"]), int(link["target_id"])
        if entity not in _COLUMNS:
            continue
        table, key, columns = _COLUMNS[entity]
        possible += [
            Edit(entity, row, one, table, one, f"`{key}` = {row}", f"edit {chance.random():.4f}") for one in columns
        ]
        if entity in _VALUES:
            table, names = _VALUES[entity]
            possible += [
                Edit(entity, row, one, table, "value", f"id = {row} AND name = '{one}'", f"by hand {row}")
                for one in names
                if site.rows(f"SELECT 1 AS there FROM {table} WHERE id = {row} AND name = '{one}'")
            ]
        if entity == "payment":
            amount = f"{chance.randrange(1, 999)}.5000"
            possible += [
                Edit(entity, row, "amount", "payments", "amount", f"id = {row}", amount),
                Edit(entity, row, "ledger_date", "billing_transactions", "date", f"payment_id = {row}", "2001-02-03"),
            ]
    return chance.sample(possible, min(count, len(possible)))
