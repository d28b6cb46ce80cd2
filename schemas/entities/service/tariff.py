"""The internet tariff that a plan becomes, and which tariff an account's service has (mapping F12)."""

from decimal import Decimal
from typing import Annotated

from schemas.bundle import Bundle
from schemas.entities.service.source import Service
from schemas.records import AdditionalField, MaxLength, OnCreate, Ref, SplynxRecord, StaysOnAdoption, To
from schemas.rules import Rules, RulesFile
from schemas.values.errors import OutOfRange, RequiredValueMissing, UnmappedValue
from schemas.values.money import a_month
from schemas.values.text import fitted_name, one_line, required_text

TARIFF_CHARACTERS = 64
PLAN = "DATA"
"""Sonar's type of the services that become internet tariffs."""
CHARGE = "DEBIT"
"""Sonar's application of what is charged; the other one, CREDIT, is a discount."""

PLANS = [
    {
        "string_fields": [
            {"attribute": attribute, "search_value": value, "match": True, "partial_matching": False}
            for attribute, value in (("type", PLAN), ("application", CHARGE))
        ]
    }
]
"""Sonar's search for the services that become internet tariffs."""


class InternetTariff(SplynxRecord):
    """Source: Splynx REST, admin/tariffs/internet. Queue parameters and portals are Splynx's own to set."""

    title: Annotated[str, MaxLength(TARIFF_CHARACTERS)]
    service_name: Annotated[str, MaxLength(TARIFF_CHARACTERS)]
    price: Annotated[str, StaysOnAdoption()]
    """Of a month, four decimals, net of tax."""
    speed_download: int
    """Kilobits per second, as `speed_upload`."""
    speed_upload: int
    with_vat: bool
    tax_id: Annotated[int, OnCreate()]
    partners_ids: Annotated[list[Ref | int], To("partner")]
    available_for_locations: list[int]
    customer_categories: list[str]
    billing_types: list[str]
    available_for_services: bool
    sonar_technology: Annotated[str, AdditionalField("Technology in Sonar")]
    sonar_unique_id: Annotated[str, AdditionalField("Sonar unique id")]


def tariff_title(id: int, name: str, file: RulesFile, notes: list[str]) -> str:
    """The title of a service's tariff: the rules' own, else the service's name.

    Raises:
        RequiredValueMissing: the service has no name.
    """
    chosen = file.tariffs.names.get(id)
    return chosen or fitted_name(required_text("name", one_line(name)), TARIFF_CHARACTERS, id, notes)


def left_to_splynx(service_id: int, file: RulesFile) -> str | None:
    """Why no tariff is made of a plan; None where one is."""
    rule = file.tariffs.map.get(service_id)
    if rule == "ignore":
        return "the rules leave this service out"
    if rule is not None:
        return f"the rules map this service to internet tariff {rule.internet}"
    if file.tariffs.mode == "map_only":
        return "tariffs.mode is map_only and tariffs.map does not name this service"
    return None


def map_service(service: Service, rules: Rules) -> Bundle:
    """The internet tariff of a plan, unless the rules name one that exists already; other services own none here.

    Raises:
        RequiredValueMissing: the plan has no name, or its speeds could not be read.
        OutOfRange: a price below 0, or a speed that is none while the rules name no least speed.
    """
    reason: str | None
    if service.type != PLAN or service.application != CHARGE:
        reason = "only plans that are charged become internet tariffs"
    else:
        reason = left_to_splynx(service.id, rules.file)
    if reason is not None:
        return Bundle(records={"internet_tariff": []}, reason=reason)
    detail = service.data_service_detail
    if detail is None:
        raise RequiredValueMissing("data_service_detail")
    notes: list[str] = []
    title = tariff_title(service.id, service.name, rules.file, notes)
    tariff = InternetTariff(
        key=str(service.id),
        title=title,
        # Splynx refuses a second tariff of one service name, as of one title.
        service_name=title,
        price=f"{price_of(service.amount or 0, detail.billing_frequency, rules):f}",
        speed_download=_speed("download_speed_kilobits_per_second", detail.download_speed_kilobits_per_second, rules),
        speed_upload=_speed("upload_speed_kilobits_per_second", detail.upload_speed_kilobits_per_second, rules),
        with_vat=False,
        tax_id=_tax(service, rules, notes),
        partners_ids=_partners(service, rules, notes),
        available_for_locations=_locations(rules.file),
        customer_categories=["person", "company"],
        billing_types=["recurring"],
        available_for_services=service.enabled,
        sonar_technology=detail.technology_code or "",
        sonar_unique_id=service.sonar_unique_id or "",
    )
    return Bundle(records={"internet_tariff": [tariff]}, notes=tuple(notes))


def is_left_out(service_id: int, file: RulesFile) -> bool:
    """Whether the rules say that a plan becomes nothing."""
    return file.tariffs.map.get(service_id) == "ignore"


def tariff_of(service_id: int, file: RulesFile) -> Ref | int:
    """The tariff that a plan is on accounts, where it is not left out.

    Raises:
        UnmappedValue: only what the rules map has one, and this plan is not among it.
    """
    rule = file.tariffs.map.get(service_id)
    if rule is not None and rule != "ignore":
        return rule.internet
    if file.tariffs.mode == "map_only":
        raise UnmappedValue("service_id")
    return Ref(entity="internet_tariff", key=str(service_id))


def price_of(amount: int, months: int, rules: Rules) -> Decimal:
    """The price of a month, of an amount that is charged every so many months.

    Raises:
        OutOfRange: it is below 0, or is charged never.
    """
    if amount < 0:
        raise OutOfRange("amount")
    if months < 1:
        raise OutOfRange("billing_frequency")
    return a_month(amount, rules.exponent, months)


def _speed(field: str, value: int, rules: Rules) -> int:
    least = rules.file.tariffs.min_speed
    if value > 0:
        return value
    if least is None:
        raise OutOfRange(field)
    return least


def _tax(service: Service, rules: Rules, notes: list[str]) -> int:
    """The tax that the rules name for the service's taxes; 0 where it has none, or where they name not exactly one."""
    taxes = [rules.file.taxes.map.get(one.tax_id) for one in service.service_taxes or []]
    found = set(taxes)
    if len(found) == 1 and taxes[0] is not None:
        return taxes[0]
    if found:
        notes.append("default:tax_id")
    return 0


def _partners(service: Service, rules: Rules, notes: list[str]) -> list[Ref | int]:
    """Whom a plan is offered to: its company's partner; where it has none, the default one and all that the rules name.

    A mapper sees one record only, so it does not know of companies that the rules do not name.
    """
    chosen = rules.file.partners
    if service.company_id is None:
        named = [_partner(company, rules) for company in sorted(chosen.by_company)]
        return list(dict.fromkeys([chosen.default, *named]))
    own = _partner(service.company_id, rules)
    if isinstance(own, Ref) and service.company is not None and not service.company.enabled:
        # It becomes no partner, and the plan would wait for one for ever.
        notes.append("default:partner")
        return [chosen.default]
    return [own]


def _partner(company_id: int, rules: Rules) -> Ref | int:
    configured = rules.partner_of(company_id)
    return Ref(entity="partner", key=str(company_id)) if configured is None else configured


def _locations(file: RulesFile) -> list[int]:
    """Every location that the rules put customers into."""
    return sorted({file.locations.default, *(rule.use.id for rule in file.locations.rules)})
