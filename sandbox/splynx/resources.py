"""The resources served: path, table, controller of the rights, attributes, methods. One declaration each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sandbox.splynx import attributes
from sandbox.splynx.tables import TABLES, Table


class Attribute(NamedTuple):
    """How OPTIONS describes an attribute."""

    title: str
    type: str


@dataclass(frozen=True)
class Resource:
    """A resource of the API.

    Attributes:
        path: below `/api/2.0/`, without an id.
        controller: name that `permissions_api_key` uses.
        module: the module of its additional fields; empty when it takes none.
        on_collection, on_item: methods besides HEAD and OPTIONS, which all of them have.
        computed: attributes of answers that are no columns.
        protected: columns that a request cannot set.
        numbers: decimals that answers show as a JSON number instead of a text with four decimals.
        texts: integers and flags that answers show as text.
        integers: flags that answers show as an integer.
        booleans: flags that answers show as true or false.
        hidden: columns that no answer shows, besides `deleted`.
    """

    path: str
    table: Table
    controller: str
    notation: str
    on_collection: tuple[str, ...] = ("GET", "POST")
    on_item: tuple[str, ...] = ("GET", "PUT", "DELETE")
    module: str = ""
    computed: tuple[str, ...] = ()
    protected: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    integers: frozenset[str] = frozenset()
    booleans: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    @cached_property
    def _parsed(self) -> list[tuple[str, str, bool, str]]:
        lines = [line.split(" ", 2) for line in self.notation.splitlines() if line]
        return [(name, type_.rstrip("!"), type_.endswith("!"), title) for name, type_, title in lines]

    @cached_property
    def attributes(self) -> Mapping[str, Attribute]:
        return {name: Attribute(title, type_) for name, type_, _, title in self._parsed}

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, _, required, _ in self._parsed if required)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that answers show."""
        left_out = self.hidden | {"deleted"}
        return tuple(column.name for column in self.table.columns if column.name not in left_out)

    @cached_property
    def visible(self) -> tuple[str, ...]:
        return (*self.columns, *self.computed)

    @property
    def key(self) -> str:
        return self.table.primary[0]

    @property
    def soft_delete(self) -> bool:
        return "deleted" in self.table.by_name


def _resource(path: str, table: str, controller: str, notation: str, **more: object) -> Resource:
    return Resource(f"admin/{path}", TABLES[table], f"api\\admin\\{controller}", notation, **more)  # type: ignore[arg-type]


_READ = ("GET",)
_SERVICE_PATH = "customers/customer/{customer_id}/"

RESOURCES: dict[str, Resource] = {
    made.path: made
    for made in (
        _resource(
            "administration/partners",
            "partners",
            "administration\\Partners",
            attributes.PARTNERS,
            module="partners",
        ),
        _resource(
            "administration/locations",
            "locations",
            "administration\\Locations",
            attributes.LOCATIONS,
            module="locations",
        ),
        _resource(
            "administration/administrators",
            "admins",
            "administration\\Administrators",
            attributes.ADMINISTRATORS,
            module="admins",
            on_collection=_READ,
            on_item=_READ,
            computed=("filter_partner_id",),
            hidden=frozenset({"password", "otp_secret", "photo_version", "default_photo"}),
        ),
        _resource(
            "customers/customer",
            "customers",
            "customers\\Customer",
            attributes.CUSTOMER,
            module="customers",
            computed=("customer_labels",),
            protected=frozenset(
                {
                    "id",
                    "added_by",
                    "added_by_id",
                    "last_update",
                    "last_online",
                    "mrr_total",
                    "daily_prepaid_cost",
                    "deleted",
                }
            ),
        ),
        _resource(
            "customers/customer-info",
            "customer_info",
            "customers\\CustomerInfo",
            attributes.CUSTOMER_INFO,
            on_collection=(),
            on_item=("GET", "PUT"),
            computed=("id",),
            protected=frozenset({"customer_id", "updated_at"}),
            hidden=frozenset({"customer_id"}),
        ),
        _resource(
            "customers/customer-billing",
            "customer_billing",
            "customers\\CustomerBilling",
            attributes.CUSTOMER_BILLING,
            on_collection=(),
            on_item=("GET", "PUT"),
            protected=frozenset(
                {"customer_id", "deposit", "month_price", "partner_percent", "request_auto_next", "deleted"}
            ),
            integers=frozenset({"enabled"}),
            texts=frozenset(
                [
                    "type",
                    "billing_date",
                    "billing_due",
                    "blocking_period",
                    "grace_period",
                    "payment_method",
                    "request_auto_day",
                    "request_auto_period",
                    "reminder_day_1",
                    "reminder_day_2",
                    "reminder_day_3",
                    "reminder_type",
                ]
            ),
        ),
        _resource(
            "tariffs/internet",
            "tariffs_internet",
            "tariffs\\Internet",
            attributes.TARIFFS_INTERNET,
            module="tariffs_internet",
            computed=(
                "partners_ids",
                "available_for_locations",
                "customer_categories",
                "billing_types",
                "custom_period",
            ),
            protected=frozenset({"id", "deleted", "updated_at"}),
            booleans=frozenset(
                {"with_vat", "available_for_services", "show_on_customer_portal", "hide_on_admin_portal"}
            ),
        ),
        _resource("config/labels", "labels", "config\\Labels", attributes.LABELS, computed=("textColor",)),
        _resource("config/taxes", "tax", "config\\Taxes", attributes.TAXES, on_collection=_READ, on_item=_READ),
        _resource(
            "config/states-provinces",
            "subdivisions",
            "config\\StatesProvinces",
            attributes.STATES_PROVINCES,
            on_collection=_READ,
            on_item=("GET", "PUT"),
        ),
        _resource(
            "finance/payment-methods",
            "payments_types",
            "finance\\PaymentMethods",
            attributes.PAYMENT_METHODS,
        ),
        _resource(
            "finance/transaction-categories",
            "billing_transactions_categories",
            "finance\\TransactionCategories",
            attributes.TRANSACTION_CATEGORIES,
            protected=frozenset({"id", "is_base", "deleted"}),
        ),
        _resource(
            "finance/payments",
            "payments",
            "finance\\Payments",
            attributes.PAYMENTS,
            module="payments",
            numbers=frozenset({"amount"}),
            protected=frozenset(
                {
                    "id",
                    "transaction_id",
                    "real_create_datetime",
                    "remind_amount",
                    "added_by",
                    "added_by_id",
                    "deleted",
                    "updated_at",
                }
            ),
        ),
        _resource(
            "finance/transactions",
            "billing_transactions",
            "finance\\Transactions",
            attributes.TRANSACTIONS,
            module="billing_transactions",
            numbers=frozenset({"total"}),
            protected=frozenset({"id", "total", "deleted", "updated_at"}),
        ),
        _resource(
            "finance/invoices",
            "invoices",
            "finance\\Invoices",
            attributes.INVOICES,
            module="invoices",
            computed=("items",),
            numbers=frozenset({"total", "due"}),
            protected=frozenset(
                {"id", "total", "due", "real_create_datetime", "date_updated", "added_by", "added_by_id", "deleted"}
            ),
        ),
        _resource(
            _SERVICE_PATH + "internet-services",
            "services_internet",
            "customers\\CustomerInternetServices",
            attributes.INTERNET_SERVICES,
            module="services_internet",
            protected=frozenset({"customer_id", "deleted"}),
            computed=("type",),
        ),
        _resource(
            _SERVICE_PATH + "voice-services",
            "services_voice",
            "customers\\CustomerVoiceServices",
            attributes.VOICE_SERVICES,
            module="services_voice",
            protected=frozenset({"customer_id", "deleted"}),
            computed=("type", "phone"),
        ),
        _resource(
            _SERVICE_PATH + "recurring-services",
            "services_custom",
            "customers\\CustomerCustomServices",
            attributes.RECURRING_SERVICES,
            module="services_custom",
            protected=frozenset({"customer_id", "deleted"}),
            computed=("type",),
        ),
        _resource("logs/changes", "logs_changes", "logs\\Changes", "", on_collection=_READ, on_item=()),
    )
}
"""By path."""


def _routes() -> dict[str, tuple[str, ...]]:
    routes: dict[str, tuple[str, ...]] = {
        "admin/auth/tokens": ("POST",),
        "admin/auth/tokens/{token}": ("GET", "DELETE"),
        "admin/api/check": ("GET",),
        "admin/config/config": ("GET", "PUT"),
        "admin/config/additional-fields/{module}": ("GET", "POST"),
        "admin/config/additional-fields/{module}--{name}": ("GET", "PUT", "DELETE"),
        "admin/customers/billing-info/{customer_id}": ("GET",),
        "admin/customers/customer/{customer_id}/logs-changes": ("GET",),
        "admin/customers/customer/{customer_id}/logs-changes--first-activation": ("GET",),
        "admin/customers/customer/{customer_id}/logs-changes--last-activation": ("GET",),
    }
    for resource in RESOURCES.values():
        item = "--{service_id}" if "{customer_id}" in resource.path else "/{id}"
        if resource.on_collection:
            routes[resource.path] = resource.on_collection
        if resource.on_item:
            routes[resource.path + item] = resource.on_item
    return routes


ROUTES = _routes()
"""Each path served, with its placeholders, and its methods besides HEAD and OPTIONS."""
