"""What the invented ISP sells: services with their details, packages, a usage policy, and the taxes on them.

Access to the internet is not taxed, telephony and equipment are. All amounts are cents, list prices net of tax.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sandbox.sonar.store import Store
from sandbox.world.catalogue import Catalogue
from sandbox.world.people import PRICES
from sandbox.world.registry import Row

BUSINESS_FACTOR = 3
"""Business plans cost so many times what the same speed costs at home."""

SPEEDS = (25_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000)
"""Kilobits per second of the plans, in the order of their prices."""


class Offer(NamedTuple):
    """One service beside the plans. `taxes` are keys of `TAXES`; `detail` are the columns of its detail row."""

    name: str
    type: str
    amount: int | None
    taxes: tuple[str, ...] = ()
    application: str = "DEBIT"
    ledger: str = "4000"
    enabled: bool = True
    detail: dict[str, Any] | None = None


TAXES = {
    "state": ("State telecommunications tax", 7.0, "PERCENTAGE", "GLOBAL"),
    "city": ("City utility tax", 0.0, "PERCENTAGE", "GEOGRAPHICAL"),
    "emergency": ("911 surcharge", 1.5, "FLAT", "GLOBAL"),
    "odd": ("Universal service fund", 6.4375, "PERCENTAGE", "GLOBAL"),
}
"""`{key: (name, percent or whole currency units, application, type)}`."""

ZONES = (("Lantern Falls", "60990", 2.5), ("Old Mill", "60991", 1.25), ("Everywhere else", None, 0.75))

LEDGER = {"4000": "Internet revenue", "4100": "Voice revenue", "4200": "Equipment and fees", "4900": "Discounts given"}

MONTHLY = {"billing_frequency": 1}

OFFERS: dict[str, Offer] = {
    "router": Offer("Router rental", "RECURRING", 500, ("state", "city"), ledger="4200", detail=MONTHLY),
    "address": Offer("Static IP address", "RECURRING", 1000, ledger="4200", detail=MONTHLY),
    "paper": Offer("Paper invoice", "RECURRING", 200, ("state",), ledger="4200", detail=MONTHLY),
    "hosting": Offer("Domain hosting, yearly", "RECURRING", 2400, ("state",), detail={"billing_frequency": 12}),
    "phone": Offer("Home phone", "VOICE", 2495, ("state", "odd", "emergency"), ledger="4100"),
    "pbx": Offer("Hosted PBX", "VOICE", 4995, ("state", "odd", "emergency"), ledger="4100"),
    "install": Offer(
        "Installation in six parts", "EXPIRING", 1650, ("state",), detail={"billing_frequency": 1, "times_to_run": 6}
    ),
    "promotion": Offer(
        "Welcome, 3 months", "EXPIRING", 1000, (), "CREDIT", "4900", detail={"billing_frequency": 1, "times_to_run": 3}
    ),
    "loyalty": Offer("Loyalty discount", "RECURRING", 500, (), "CREDIT", "4900", detail=MONTHLY),
    "bundle": Offer("Phone with internet discount", "RECURRING", 300, ("state",), "CREDIT", "4900", detail=MONTHLY),
    "visit": Offer("Technician's visit", "ONETIME", 7500, ("state",), ledger="4200"),
    "fee": Offer("Late fee", "ONETIME", 1000, ledger="4200"),
    "overage": Offer("Another 50 GB", "OVERAGE", 1000, detail={"gigabytes": 50}),
    "goodwill": Offer("Goodwill", "ADJUSTMENT", None, (), "CREDIT", "4900", detail={"amount": 10_000, "days": 30}),
    "correction": Offer("Correction", "ADJUSTMENT", None, ("state",), ledger="4200", detail={"amount": None}),
    # What a mapping has to get over: a name twice, one too long, one with a space, nothing to pay, sold no more.
    "twin": Offer("Static IP address", "RECURRING", 1500, ledger="4200", detail=MONTHLY),
    "long": Offer("Managed Wi-Fi with mesh points, " * 4, "RECURRING", 1295, ("state",), detail=MONTHLY),
    "free": Offer("Parental control ", "RECURRING", 0, detail=MONTHLY),
    "gone": Offer("Dial-up", "DATA", 1995, enabled=False),
}


def open_counter(store: Store, catalogue: Catalogue, at: datetime) -> None:
    """Write all that is sold as of `at`."""
    ledger = {
        code: store.insert("GeneralLedgerCode", at=at, code=code, description=text) for code, text in LEDGER.items()
    }
    taxes = {
        key: store.insert("Tax", at=at, name=name, rate=rate, application=application, type=kind)
        for key, (name, rate, application, kind) in TAXES.items()
    }
    for city, zip_code, rate in ZONES:
        store.insert(
            "GeoTaxZone",
            at=at,
            name=city,
            city=city if zip_code else None,
            country="US",
            rate=rate,
            subdivision="US_IL",
            tax_id=taxes["city"],
            zip=zip_code,
            zip_partial_match=False,
        )
    policy = store.insert(
        "UsageBasedBillingPolicy",
        at=at,
        allow_purchase_of_additional_capacity_during_billing_period=True,
        assess_charges_at_end_of_billing_period=False,
        cap_in_gigabytes=500,
        name="500 GB, nights free",
        rollover_enabled=True,
        rollover_expiration_enabled=True,
        rollover_expiration_months=2,
    )
    for day in ("SATURDAY", "SUNDAY"):
        store.insert(
            "UsageBasedBillingPolicyFreePeriod",
            at=at,
            day=day,
            start="00:00:00",
            end="06:00:00",
            usage_based_billing_policy_id=policy,
        )
    for factor, group in ((1, "Home"), (BUSINESS_FACTOR, "Business")):
        for price, speed in zip(PRICES, SPEEDS, strict=True):
            name = f"{group} {speed // 1000} Mbit/s"
            plan = _service(store, ledger, Offer(name, "DATA", price * factor), at)
            _data_detail(store, plan, speed, policy if factor == 1 and speed <= 50_000 else None, at)
    services = {key: _offered(store, ledger, taxes, offer, at) for key, offer in OFFERS.items()}
    _data_detail(store, services["gone"], 56, None, at)
    store.update("UsageBasedBillingPolicy", policy, at=at, service_id=services["overage"])
    store.attach("Service", services["loyalty"], "account_groups", catalogue.groups[2], at=at)
    for key in ("phone", "pbx"):
        _voice(store, services[key], key, taxes["odd"], at)
    _packages(store, catalogue, services, at)
    _engines(store, services["pbx"], at)
    for key, name in (("router", "Serial number"), ("address", "Reverse name")):
        store.insert("ServiceMetadata", at=at, name=name, service_id=services[key])


def _offered(store: Store, ledger: dict[str, int], taxes: dict[str, int], offer: Offer, at: datetime) -> int:
    service = _service(store, ledger, offer, at)
    for key in offer.taxes:
        exemption = 500 if key == "odd" else 0
        store.insert("ServiceTax", at=at, service_id=service, tax_id=taxes[key], exemption_amount=exemption)
    if offer.detail is not None:
        store.insert(f"{offer.type.title()}ServiceDetail", at=at, service_id=service, **offer.detail)
    return service


def _service(store: Store, ledger: dict[str, int], offer: Offer, at: datetime) -> int:
    return store.insert(
        "Service",
        at=at,
        amount=offer.amount,
        application=offer.application,
        display_if_zero=offer.amount == 0,
        enabled=offer.enabled,
        general_ledger_code_id=ledger[offer.ledger],
        name=offer.name,
        type=offer.type,
    )


def _data_detail(store: Store, service: int, speed: int, policy: int | None, at: datetime) -> None:
    store.insert(
        "DataServiceDetail",
        at=at,
        service_id=service,
        billing_frequency=1,
        download_speed_kilobits_per_second=speed,
        upload_speed_kilobits_per_second=speed if speed > 100_000 else speed // 5,
        technology_code="FIBER" if speed > 100_000 else "UNLICENSEDTERRESTRIALFIXEDWIRELESS",
        usage_based_billing_policy_id=policy,
    )


def _voice(store: Store, service: int, key: str, tax: int, at: datetime) -> None:
    detail = store.insert(
        "VoiceServiceDetail",
        at=at,
        service_id=service,
        billing_frequency=1,
        cost_per_minute_local_in_thousandths=None,
        cost_per_minute_long_distance_in_thousandths=2750,
        country="US",
        first_interval_in_seconds=30,
        inbound_toll_free_rate_per_minute_in_thousandths=3900,
        long_distance_minutes=100,
        rollup_generic_parameters=False,
        show_call_detail_records_on_invoice=True,
        sub_interval_in_seconds=6,
        sub_type="HOSTED_PBX" if key == "pbx" else "VOICE",
        unlimited_local_minutes=True,
        unlimited_long_distance_minutes=False,
    )
    for prefix in ("815", "779"):
        store.insert("LocalPrefix", at=at, prefix=prefix, voice_service_detail_id=detail)
    for kind, text, price in (("PBX_SEATS", "Seat", 1295), ("OTHER", "Fax to mail", 495)):
        parameter = store.insert(
            "VoiceServiceGenericParameter",
            at=at,
            description=text,
            price=price,
            proratable=True,
            type=kind if key == "pbx" else "OTHER",
            voice_service_detail_id=detail,
        )
        store.insert(
            "VoiceServiceGenericParameterTax",
            at=at,
            exemption_amount=0,
            tax_id=tax,
            voice_service_generic_parameter_id=parameter,
        )


def _packages(store: Store, catalogue: Catalogue, services: dict[str, int], at: datetime) -> None:
    plans = [row["id"] for row in plans_of(store, business=False)]
    for name, members, rollup, company in (
        ("Surf and talk", (plans[2], services["phone"], services["bundle"]), True, None),
        ("Fiber at home", (plans[4], services["router"]), False, catalogue.companies[0]),
    ):
        package = store.insert("Package", at=at, name=name, enabled=True, rollup_services=rollup, company_id=company)
        for service in members:
            store.insert("PackageService", at=at, package_id=package, service_id=service, quantity=1)


def _engines(store: Store, service: int, at: datetime) -> None:
    """The tax engines, and the one definition of an outer one that is in use."""
    for name, kind in (("Our own rates", "MANUAL"), ("Avalara (trial)", "AVALARA")):
        store.insert("TaxProvider", at=at, name=name, type=kind, enabled=kind == "MANUAL", subdivisions=["US_IL"])
    definition = store.insert(
        "AvalaraTaxDefinition",
        at=at,
        archived=False,
        is_custom=False,
        service_name="VoIP",
        service_type=49,
        transaction_name="VoIP access",
        transaction_type=19,
    )
    store.insert(
        "ServiceTaxDefinition",
        at=at,
        discount=False,
        service_id=service,
        taxdefinitionable_id=definition,
        taxdefinitionable_type="AvalaraTaxDefinition",
    )
    store.insert("VoiceProvider", at=at, name="Prairie Voice Wholesale")


def plans_of(store: Store, *, business: bool) -> list[Row]:
    """The plans on sale, cheapest first."""
    group = "Business" if business else "Home"
    found = [
        row
        for row in store.table("Service").values()
        if row["type"] == "DATA" and row["enabled"] and row["name"].startswith(group)
    ]
    return sorted(found, key=lambda row: row["id"])


def named(store: Store, key: str) -> Row:
    """The service of a key of `OFFERS`; of two with one name, the first."""
    return next(row for _, row in sorted(store.table("Service").items()) if row["name"] == OFFERS[key].name)
