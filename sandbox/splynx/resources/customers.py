"""Customers, with their facts and how they are billed."""

from sandbox.splynx.resources.model import Resource
from sandbox.splynx.resources.model import resource as _resource

PERSON = """
category string Category
name string! Full name
email string Email
billing_email string Billing email
phone string Phone number
street_1 string Street
zip_code string ZIP Code
city string City
subdivision_id integer State/Province
status string Status
date_add date Date added
"""
"""What customers and leads have in common."""
_CUSTOMER = f"""
mrr_total string Monthly recurring revenue
gdpr_agreed string GDPR agreement
parent_id integer Main account
id integer ID
billing_type string Billing type
partner_id string Partner
location_id string Location
added_by string Added by
added_by_id string Added by ID
login string Portal login
{PERSON}
last_online string Last online
last_update string Last update
daily_prepaid_cost float Daily prepaid cost
gps string Geo data
conversion_date datetime Convert date
"""
_CUSTOMER_INFO = """
id integer ID
birthday string Date of birth
passport string Passport
company_id string Company ID
vat_id string VAT ID
contact_person string Contact person
updated_at string Updated_at
"""
_CUSTOMER_BILLING = """
customer_id integer Customer ID
enabled boolean Billing enabled
type integer Payment period
deposit string Account balance
billing_date integer Billing day
billing_due integer Payment due
blocking_period integer Blocking period
grace_period integer Deactivation period
make_invoices boolean Create invoices
payment_method integer Payment method
min_balance string Minimum balance
request_auto_enable boolean Auto create proforma invoices
request_auto_day integer Day of generation
request_auto_period integer Payment period
request_auto_type integer Type of generation
request_auto_next date Next proforma invoice
reminder_enable boolean Enable reminders
reminder_day_1 integer Reminder 1 day
reminder_day_2 integer Reminder 2 day
reminder_day_3 integer Reminder 3 day
reminder_payment boolean Attach payment
reminder_payment_value string Payment amount
reminder_payment_comment string Payment comment
reminder_type integer Message type
billing_person string Billing name
billing_street_1 string Billing street
billing_zip_code string Billing ZIP code
billing_city string Billing city
sub_billing_mode string Sub billing mode
send_finance_notification boolean Send finance notifications
partner_percent string Partner percent
"""

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "customers/customer",
        "customers",
        "customers\\Customer",
        _CUSTOMER,
        module="customers",
        also_required=("partner_id", "location_id", "category"),
        unique=("login",),
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
        _CUSTOMER_INFO,
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
        _CUSTOMER_BILLING,
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
)
