"""Taxes, and the zones in which a geographical one is raised (mapping F7)."""

from schemas.aggregate import Aggregate, Collection, LookUp
from schemas.entities.catalogued import Catalogued
from schemas.records import SonarRecord


class Tax(Catalogued):
    """`rate` is a percentage or, where `application` is FLAT, an amount. Source: Sonar schema, type Tax."""

    name: str
    rate: str
    application: str
    type: str


class TaxOf(SonarRecord):
    """The tax of a zone, of a service, of an account's own rate. Source: Sonar schema, type Tax."""

    id: int
    name: str
    rate: str
    application: str
    type: str


class GeoTaxZone(Catalogued):
    """Where a geographical tax is raised, and how much of it. Source: Sonar schema, type GeoTaxZone."""

    tax_id: int
    name: str
    rate: str
    country: str | None = None
    subdivision: str | None = None
    county: str | None = None
    city: str | None = None
    zip: str | None = None
    zip_partial_match: bool | None = None
    tax: TaxOf | None = None


TAX_COLUMNS = ("name", "rate", "application", "type")
"""Columns of a tax on which what refers to it depends."""

TAX = Aggregate(
    name="tax",
    root=Collection("taxes", Tax, "Tax"),
    doc="A tax, by its rate or by an amount.",
)
GEO_TAX_ZONE = Aggregate(
    name="geo_tax_zone",
    root=Collection("geo_tax_zones", GeoTaxZone, "GeoTaxZone"),
    looks_up=[LookUp("taxes", "Tax", column="tax_id", fields=TAX_COLUMNS)],
    doc="A zone in which a geographical tax is raised at a rate of its own.",
)
