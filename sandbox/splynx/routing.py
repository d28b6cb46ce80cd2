"""Which resource a path means: composite ids with two hyphens, services below a customer, the odd ones out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.splynx import configuration, elsewhere, fields, files
from sandbox.splynx.belongings import Documents, Leads, LeadsInfo, Notes, PaymentAccounts
from sandbox.splynx.bundles import Bundles
from sandbox.splynx.checklists import Checklists
from sandbox.splynx.customers import CustomerBilling, CustomerInfo, Customers
from sandbox.splynx.documents import Invoices, Transactions
from sandbox.splynx.entity import Entity, OfCustomer
from sandbox.splynx.foundation import Administrators, Categories, CompanyInfo
from sandbox.splynx.inventory import Items, WithPhoto
from sandbox.splynx.labels import Labels
from sandbox.splynx.networks import Ipv4Addresses, Ipv4Networks, Ipv6Addresses, Ipv6Networks
from sandbox.splynx.papers import CreditNotes, Proformas
from sandbox.splynx.payments import Payments
from sandbox.splynx.php import Tree
from sandbox.splynx.places import Geo
from sandbox.splynx.pools import Pool
from sandbox.splynx.problems import not_found
from sandbox.splynx.resources import RESOURCES, ROUTES
from sandbox.splynx.services import Services
from sandbox.splynx.tariffs import InternetTariffs, Tariffs
from sandbox.splynx.tasks import Comments, TaskFiles, Tasks, Worklogs
from sandbox.splynx.tickets import Attachments, Messages, Tickets
from sandbox.splynx.usage import Counter, Online, Records

_CANCELLED = re.compile(r"^(\d+)-(cancel|reactivate)$")


def _entities() -> Mapping[str, Entity]:
    with_habits: tuple[Entity, ...] = (
        Customers(),
        CustomerInfo(),
        CustomerBilling(),
        Labels(),
        Payments(),
        Transactions(),
        Invoices(),
        Proformas(),
        CreditNotes(),
        InternetTariffs(),
        *(Tariffs(f"admin/tariffs/{kind}") for kind in ("voice", "recurring", "one-time", "bundle")),
        *(Services(kind) for kind in ("internet", "voice", "custom")),
        Bundles(),
        Geo(),
        Administrators(),
        Categories(),
        CompanyInfo(),
        Ipv4Networks(),
        Ipv4Addresses(),
        Ipv6Networks(),
        Ipv6Addresses(),
        WithPhoto("admin/inventory/products"),
        WithPhoto("admin/inventory/supplier-invoices"),
        Items(),
        Notes(),
        Documents(),
        PaymentAccounts(),
        Leads(),
        LeadsInfo(),
        Pool("mail"),
        Pool("sms"),
        Tickets(),
        Messages(),
        Attachments(),
        Tasks(),
        Comments(),
        Checklists(),
        Worklogs(),
        TaskFiles(),
        Counter("admin/customers/customer-traffic-counter"),
        Counter("admin/customers/customer-bonus-traffic-counter"),
        *(Records(f"admin/voice/{kind}") for kind in ("calls", "data", "messages")),
        Online(),
    )
    found = {entity.resource.path: entity for entity in with_habits}
    for path, resource in RESOURCES.items():
        if path not in found:
            found[path] = (OfCustomer if "customer_id" in resource.table.by_name else Entity)(resource)
    return found


ENTITIES = _entities()
_ITEMS = {entity.resource.item_path or path: entity for path, entity in ENTITIES.items()}


@dataclass(frozen=True)
class Target:
    """What a path means. `methods` are those of its form, collection or item; `other` names a special resource.

    `action` is what is done to the item: `upload`, say.
    """

    path: str
    methods: tuple[str, ...]
    controller: str
    entity: Entity | None = None
    row_id: str | None = None
    customer_id: int = 0
    other: str = ""
    action: str = ""
    unused: elsewhere.Unused | None = None
    """Set where nothing of it is kept."""


def resolve(path: str, query: Tree | None = None) -> Target:
    """Read a path below `/api/2.0/`; a few resources have the id in the query.

    Raises:
        Problem: 404, no such controller, as for `admin/services/internet`; what `elsewhere` says of others.
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
    if parts[:3] == ["admin", "config", "download"] and len(parts) == 4:
        return Target("admin/config/download", ("GET",), files.CONTROLLER, other=f"download:{parts[3]}")
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
        resource = ENTITIES[path].resource
        row_id = (query or {}).get("id") if resource.id_in_query else None
        return Target(
            path,
            resource.on_collection,
            resource.controller,
            ENTITIES[path],
            row_id if isinstance(row_id, str) else None,
        )
    parent, _, row_id = path.rpartition("/")
    if parent in _ITEMS:
        return _item(_ITEMS[parent], row_id)
    if (unused := elsewhere.find(path)) is not None:
        row_id = parts[-1] if unused.is_item else None
        return Target(unused.resource, unused.methods, unused.controller, row_id=row_id, unused=unused)
    raise elsewhere.answer(path)


def _item(entity: Entity, row_id: str) -> Target:
    resource = entity.resource
    for word, methods in resource.actions.items():
        if row_id.endswith(f"--{word}"):
            row_id = row_id.removesuffix(f"--{word}")
            return Target(resource.path, methods, resource.controller, entity, row_id, action=word)
    if not resource.on_item:
        raise not_found()
    return Target(resource.path, resource.on_item, resource.controller, entity, row_id)


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
    # The one sub-action that is written with a single hyphen.
    if name == "bundle-services" and (found := _CANCELLED.match(row_id)):
        return Target(resource.path, ("PUT",), resource.controller, entity, found[1], customer, action=found[2])
    methods = resource.on_item if row_id else resource.on_collection
    return Target(resource.path, methods, resource.controller, entity, row_id or None, customer)


def controllers() -> list[str]:
    """All controllers that rights can name, for a key with full access."""
    names = {entity.resource.controller for entity in ENTITIES.values()}
    names |= {configuration.CONTROLLER, fields.CONTROLLER, files.CONTROLLER}
    names |= {"api\\admin\\customers\\BillingInfo", "api\\admin\\customers\\CustomerLogsChanges"}
    names |= {one.controller for one in elsewhere.unused()}
    return sorted(names)
