"""A service as capture reads it: what is sold, at its list price, with all details and taxes (mapping F11-F15)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.entities.catalogued import Catalogued
from schemas.entities.service.details import (
    AdjustmentDetail,
    DataDetail,
    ExpiringDetail,
    OverageDetail,
    RecurringDetail,
    VoiceDetail,
)
from schemas.entities.service.tax import TaxOf
from schemas.records import Few, MinorUnits, SonarRecord


class CompanyOf(SonarRecord):
    """The company that sells a service. Source: Sonar schema, type Company."""

    id: int
    enabled: bool


class ServiceTax(Catalogued):
    """That a service is taxed; up to `exemption_amount` it is not. Source: Sonar schema, type ServiceTax."""

    service_id: int | None = None
    tax_id: int
    exemption_amount: MinorUnits
    tax: TaxOf | None = None


class TaxDefinition(Catalogued):
    """How an outer tax engine is to see a service. Source: Sonar schema, type ServiceTaxDefinition."""

    service_id: int | None = None
    discount: bool | None = None
    taxdefinitionable_id: int
    taxdefinitionable_type: str


class Metadatum(Catalogued):
    """What is to be told of each sale of a service. Source: Sonar schema, type ServiceMetadata."""

    service_id: int | None = None
    name: str


class GroupGiven(SonarRecord):
    """A group that an account joins with the service. Source: Sonar schema, type AccountGroup."""

    id: int
    name: str


class Service(Catalogued):
    """`amount` is the list price, net of tax. Source: Sonar schema, type Service."""

    left_out: ClassVar[Mapping[str, str]] = {
        "custom_field_data": "the mapping takes the values of customers, sites, jobs and tickets, and of no service"
    }

    name: str
    type: str
    application: str
    enabled: bool
    amount: MinorUnits | None = None
    company_id: int | None = None
    display_if_zero: bool | None = None
    general_ledger_code_id: int | None = None
    tax_definition_id: int | None = None
    reverse_tax_definition_id: int | None = None
    company: CompanyOf | None = None
    data_service_detail: DataDetail | None = None
    voice_service_detail: VoiceDetail | None = None
    recurring_service_detail: RecurringDetail | None = None
    expiring_service_detail: ExpiringDetail | None = None
    adjustment_service_detail: AdjustmentDetail | None = None
    overage_service_detail: OverageDetail | None = None
    service_taxes: list[ServiceTax] | None = None
    tax_definitions: Annotated[list[TaxDefinition] | None, Few(5)] = None
    service_metadata: list[Metadatum] | None = None
    account_groups: Annotated[list[GroupGiven] | None, Few(5)] = None
