"""A service: what is sold. A plan becomes an internet tariff (mapping F12); the rest owns nothing yet (F13-F15)."""

from schemas.aggregate import (
    Aggregate,
    Collection,
    DeletePolicy,
    LookUp,
    Owner,
    SourceRows,
    Target,
    Touch,
    WritePath,
)
from schemas.entities.service.details import DETAIL_TOUCHES
from schemas.entities.service.source import Service
from schemas.entities.service.tariff import PLANS, InternetTariff, map_service
from schemas.entities.service.tax import TAX_COLUMNS

SERVICE = Aggregate(
    name="service",
    root=Collection("services", Service, "Service"),
    touched_by=[
        *DETAIL_TOUCHES,
        Touch("service_taxes", "ServiceTax", [Owner("service_id")]),
        Touch("service_tax_definitions", "ServiceTaxDefinition", [Owner("service_id")]),
        Touch("service_metadata", "ServiceMetadata", [Owner("service_id")]),
    ],
    looks_up=[
        LookUp("taxes", "Tax", relation="service_taxes.tax", fields=TAX_COLUMNS),
        LookUp("account_groups", "AccountGroup", relation="account_groups", fields=("name",)),
        LookUp("companies", "Company", column="company_id", fields=("enabled",)),
    ],
    pivots=["account_groups"],
    targets=[
        Target(
            "internet_tariff",
            InternetTariff,
            table="tariffs_internet",
            path=WritePath.REST,
            delete=DeletePolicy.KEEP,
            endpoint="admin/tariffs/internet",
            module="tariffs_internet",
            natural_key=("title",),
            comes_of=[SourceRows("services", search=PLANS)],
        )
    ],
    mapper=map_service,
    doc="A service that is sold, with its details, its taxes and what is told of each sale. A plan becomes a tariff.",
)
