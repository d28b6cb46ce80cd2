"""Packages: services that are sold together (mapping F16)."""

from schemas.aggregate import Aggregate, Collection, Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.entities.service.sold import SoldService, sold


class PackageService(Catalogued):
    """Source: Sonar schema, type PackageService."""

    package_id: int | None = None
    service_id: int
    quantity: int
    service: SoldService | None = None


class Package(Catalogued):
    """Source: Sonar schema, type Package."""

    name: str
    enabled: bool
    rollup_services: bool
    company_id: int | None = None
    package_services: list[PackageService] | None = None


PACKAGE = Aggregate(
    name="package",
    root=Collection("packages", Package, "Package"),
    touched_by=[Touch("package_services", "PackageService", [Owner("package_id")])],
    looks_up=sold("package_services.service"),
    doc="A package with the services in it.",
)
