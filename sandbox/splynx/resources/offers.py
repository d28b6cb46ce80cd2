"""Tariffs and bundles: what is offered, and to whom."""

from sandbox.splynx.resources.model import Link, Resource
from sandbox.splynx.resources.model import resource as _resource

_SOLD = """
id integer ID
title string! Title
price float Price
transaction_category_id integer Transaction category
vat_percent float Tax %
with_vat boolean Tax included
show_on_customer_portal boolean Show tariff on Customer portal
hide_on_admin_portal boolean Hide tariff on Admin portal
available_for_locations array! Available locations
customer_categories array! Customer category
partners_ids array! Partners
tax_id integer Tax name
"""
"""What every plan has, but for bundles."""
_BILLED = f"""
services string Services
service_name string Service description
billing_days_count string Days
available_for_services boolean Enabled
billing_types array! Types of billing
custom_period integer Prepaid period
{_SOLD}"""
"""What plans have that are billed again and again."""
_INTERNET = """
speed_download integer! Download speed (kbps)
speed_upload integer! Upload speed (kbps)
speed_limit_type string Speed limit type
speed_limit_at integer Guaranteed speed limit at
speed_limit_fixed_up integer Guaranteed upload speed limit
speed_limit_fixed_down integer Guaranteed download speed limit
aggregation integer Aggregation
burst_type string Burst type
burst_limit integer Burst limit
burst_limit_fixed_up integer Upload burst limit
burst_limit_fixed_down integer Download burst limit
burst_threshold integer Burst threshold
burst_threshold_fixed_up integer Upload burst threshold
burst_threshold_fixed_down integer Download burst threshold
burst_time integer Burst time
priority string Priority
exclude_traffic_classes array Exclude traffic classes from accounting
"""
_VOICE = """
type string! Type
customer_rate_table_id integer Rate table
buy_price_increase integer Buy price increase
connection_cost_included boolean Included pricing should cover the connection cost
transaction_category_id_for_calls integer Transaction category for calls
transaction_category_id_for_messages integer Transaction category for messages
transaction_category_id_for_data integer Transaction category for data
"""
_ONE_TIME = """
service_description string Service description
enabled boolean Enabled
"""
_BUNDLE = """
service_description string Service description
billing_days_count string Days
customers string Customers
billing_types array! Types of billing
activation_fee float Activation fee
get_activation_fee_when string Get activation fee when
issue_invoice_while_service_creation boolean Issue an invoice
contract_duration integer Contract duration
automatic_renewal boolean Automatic renewal
auto_reactivate boolean Auto reactivate
cancellation_fee string Cancellation fee
prior_cancellation_fee float Prior cancellation fee
change_to_other_bundle_fee float Change to other bundle fee
discount_period integer Discount period
discount_value float Discount value
discount_type string Discount type
available_for_services boolean Enabled
internet_tariffs array Internet tariffs plans
voice_tariffs array Voice tariffs plans
custom_tariffs array Recurring tariffs plans
custom_period string Prepaid period
services string Services
id integer ID
title string! Title
price float Price
transaction_category_id integer Transaction category
vat_percent float Tax
with_vat boolean Tax included
show_on_customer_portal boolean Show tariff on Customer portal
hide_on_admin_portal boolean Hide tariff on Admin portal
available_for_locations array! Available locations
customer_categories array! Customer category
partners_ids array! Partners
deleted string Deleted
tax_id integer Tax name
"""
_FLAGS = frozenset({"with_vat", "available_for_services", "show_on_customer_portal", "hide_on_admin_portal", "enabled"})


def _offered(owner: str, key: str, *, billed: bool = True) -> dict[str, Link]:
    """To whom a tariff is offered: four arrays, each with a table beside it."""
    links = {
        "partners_ids": Link(f"{owner}_to_partners", key, "partner_id", "partners"),
        "available_for_locations": Link(f"{owner}_to_locations", key, "location_id", "locations"),
        "customer_categories": Link(
            f"{owner}_to_customer_categories", key, "customer_category", members=("person", "company")
        ),
    }
    if billed:
        links["billing_types"] = Link(
            f"{owner}_to_billing_types", key, "billing_type", members=("recurring", "prepaid", "prepaid_monthly")
        )
    return links


_REFERS = {"tax_id": "tax", "transaction_category_id": "billing_transactions_categories"}


def _tariff(path: str, kind: str, controller: str, notation: str = "", **more: object) -> Resource:
    """A plan whose services are billed again and again."""
    table = f"tariffs_{kind}"
    return _resource(
        f"tariffs/{path}",
        table,
        f"tariffs\\{controller}",
        notation,
        module=table,
        unique=("title", "service_name"),
        refers=_REFERS,
        used_by=((f"services_{kind}", "tariff_id"),),
        links=_offered(table, "tariff_id"),
        computed=("custom_period", "services"),
        stamps={"updated_at": "now"},
        booleans=_FLAGS,
        **more,
    )


RESOURCES: tuple[Resource, ...] = (
    _tariff("internet", "internet", "Internet", _INTERNET + _BILLED),
    _tariff("voice", "voice", "Voice", _VOICE + _BILLED),
    _tariff(
        "recurring",
        "custom",
        "Custom",
        also_required=("title", "partners_ids", "available_for_locations", "customer_categories", "billing_types"),
    ),
    _resource(
        "tariffs/one-time",
        "tariffs_one_time",
        "tariffs\\OneTime",
        _ONE_TIME + _SOLD,
        module="tariffs_one_time",
        unique=("title", "service_description"),
        refers=_REFERS,
        links=_offered("tariffs_one_time", "tariff_id", billed=False),
        booleans=_FLAGS,
    ),
    _resource(
        "tariffs/bundle",
        "bundle",
        "tariffs\\Bundle",
        _BUNDLE,
        module="bundle",
        unique=("title", "service_description"),
        refers=_REFERS,
        used_by=(("services_bundle", "bundle_id"),),
        links=_offered("bundle", "bundle_id")
        | {
            "internet_tariffs": Link("bundle_to_tariffs_internet", "bundle_id", "tariff_id", "tariffs_internet"),
            "voice_tariffs": Link("bundle_to_tariffs_voice", "bundle_id", "tariff_id", "tariffs_voice"),
            "custom_tariffs": Link("bundle_to_tariffs_custom", "bundle_id", "tariff_id", "tariffs_custom"),
        },
        computed=("custom_period", "services"),
        booleans=_FLAGS,
    ),
)
