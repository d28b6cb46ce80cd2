"""Which resource a path means: composite ids with two hyphens, services below a customer, the odd ones out."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.splynx import configuration, fields
from sandbox.splynx.customers import CustomerBilling, CustomerInfo, Customers
from sandbox.splynx.documents import Invoices, Transactions
from sandbox.splynx.entity import Entity
from sandbox.splynx.foundation import Categories, Foundation
from sandbox.splynx.labels import Labels
from sandbox.splynx.payments import Payments
from sandbox.splynx.problems import not_found
from sandbox.splynx.resources import ROUTES
from sandbox.splynx.services import Services
from sandbox.splynx.tariffs import InternetTariffs


def _entities() -> Mapping[str, Entity]:
    of_customers = (("customers", "partner_id"),)
    all_of_them: tuple[Entity, ...] = (
        Customers(),
        CustomerInfo(),
        CustomerBilling(),
        Labels(),
        Payments(),
        Transactions(),
        Invoices(),
        InternetTariffs(),
        Services("internet"),
        Services("voice"),
        Services("custom"),
        Foundation("admin/administration/partners", used_by=of_customers),
        Foundation("admin/administration/locations", used_by=(("customers", "location_id"),)),
        Foundation("admin/administration/administrators"),
        Foundation("admin/config/taxes"),
        Foundation("admin/config/states-provinces"),
        Foundation("admin/finance/payment-methods", unique=("name",), used_by=(("payments", "payment_type"),)),
        Categories(
            "admin/finance/transaction-categories", unique=("name",), used_by=(("billing_transactions", "category"),)
        ),
        Foundation("admin/logs/changes"),
    )
    return {entity.resource.path: entity for entity in all_of_them}


ENTITIES = _entities()


@dataclass(frozen=True)
class Target:
    """What a path means. `methods` are those of its form, collection or item; `other` names a special resource."""

    path: str
    methods: tuple[str, ...]
    controller: str
    entity: Entity | None = None
    row_id: str | None = None
    customer_id: int = 0
    other: str = ""


def resolve(path: str) -> Target:
    """Read a path below `/api/2.0/`.

    Raises:
        Problem: 404, no such controller, as for `admin/services/internet`.
    """
    path = path.strip("/")
    parts = path.split("/")
    if path == "admin/api/check":
        return Target(path, ("GET",), "", other="check")
    if path == "admin/config/config":
        return Target(path, ROUTES[path], configuration.CONTROLLER, other="config")
    if parts[:3] == ["admin", "config", "additional-fields"] and len(parts) == 4:
        module, _, name = parts[3].partition("--")
        form = "admin/config/additional-fields/{module}" + ("--{name}" if name else "")
        return Target(
            form.split("/{")[0], ROUTES[form], fields.CONTROLLER, row_id=name or None, other=f"fields:{module}"
        )
    if parts[:3] == ["admin", "customers", "billing-info"] and len(parts) == 4 and parts[3].isdigit():
        return Target(
            "admin/customers/billing-info",
            ("GET",),
            "api\\admin\\customers\\BillingInfo",
            customer_id=int(parts[3]),
            other="billing-info",
        )
    if parts[:3] == ["admin", "customers", "customer"] and len(parts) == 5 and parts[3].isdigit():
        return _below_customer(int(parts[3]), parts[4])
    if path in ENTITIES:
        entity = ENTITIES[path]
        return Target(path, entity.resource.on_collection, entity.resource.controller, entity)
    parent, _, row_id = path.rpartition("/")
    if parent in ENTITIES and ENTITIES[parent].resource.on_item:
        entity = ENTITIES[parent]
        return Target(parent, entity.resource.on_item, entity.resource.controller, entity, row_id)
    raise not_found()


def _below_customer(customer: int, rest: str) -> Target:
    name, _, row_id = rest.partition("--")
    if name == "logs-changes":
        if row_id not in ("", "first-activation", "last-activation"):
            raise not_found()
        controller = "api\\admin\\customers\\CustomerLogsChanges"
        return Target("admin/customers/customer", ("GET",), controller, customer_id=customer, other=f"history:{row_id}")
    entity = ENTITIES.get(f"admin/customers/customer/{{customer_id}}/{name}")
    if entity is None:
        raise not_found()
    resource = entity.resource
    methods = resource.on_item if row_id else resource.on_collection
    return Target(resource.path, methods, resource.controller, entity, row_id or None, customer)


def controllers() -> list[str]:
    """All controllers that rights can name, for a key with full access."""
    names = {entity.resource.controller for entity in ENTITIES.values()}
    names |= {configuration.CONTROLLER, fields.CONTROLLER}
    names |= {"api\\admin\\customers\\BillingInfo", "api\\admin\\customers\\CustomerLogsChanges"}
    return sorted(names)
