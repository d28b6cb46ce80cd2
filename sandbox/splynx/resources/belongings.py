"""What hangs on a customer beside services and money: notes, documents, leads' facts, discounts, mails."""

from sandbox.splynx.resources.customers import PERSON
from sandbox.splynx.resources.model import Resource
from sandbox.splynx.resources.model import resource as _resource

_PENDING = """
id integer ID
customer_id integer Customer ID
date date Date
status string Status
done string Done
administrator_id string Administrator ID
"""
_LEADS = f"""
id integer ID
billing_type string Billing type
partner_id string Partner
location_id string Location
added_by string Added by
added_by_id string Added by ID
{PERSON}
last_update string Last update
gps string Geo data
conversion_date datetime Convert date
"""
_LEADS_INFO = """
customer_id integer Customer_id
score integer Score
last_contacted string Last contacted
crm_status string Pipeline status
owner string Owner
source string Source
deal_value float Deal value
deal_comment string Deal comment
last_status_changed datetime Last status changed
status_due_notification_sent boolean Status_due_notification_sent
"""
_CALLS = """
id integer Id
from string! Source
to string! Destination
duration integer! Duration
direction string Direction
comment string Comment
recording_url string Recording url
voice_file_url string Voice_file_url
datetime string Datetime added
ticket_id integer Ticket_id
client_id integer Client_id
agent_id integer Agent_id
added_by string Added_by
added_by_id numeric Added_by_id
"""
_OUTGOING = """
id integer ID
status string Status
datetime_added string Added time
datetime_start_sending string Datetime_start_sending
datetime_sent string Sent time
recipient string! Recipient
message string Message
admin_id string Admin_id
"""
"""What is sent, by mail or by telephone."""
_MAIL = f"""
type string Type
subject string Subject
message_id integer Message_id
bcc string Bcc
cc string Cc
customer_id string Customer
from string From
sendCopy string SendCopy
{_OUTGOING}"""
_SMS = f"""
type string Type
message_id integer Message_id
customer_id string Customer_id
{_OUTGOING}"""
_READ = ("GET",)
_PUT = ("GET", "PUT")
_OF_CUSTOMER = {"customer_id": "customers"}
_SENT = frozenset({"status", "datetime_added", "datetime_sent", "datetime_start_sending"})

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "customers/customer-cap",
        "customer_cap",
        "customers\\CustomerCap",
        on_collection=(),
        on_item=_PUT,
        protected=frozenset({"customer_id"}),
    ),
    _resource(
        "customers/customer-notes",
        "customer_notes",
        "customers\\CustomerNotes",
        on_item=_READ,
        keys=("customer_id", "id"),
        choices={"class": ("default", "primary", "success", "warning", "danger", "info")},
        also_required=("customer_id", "comment"),
        refers=_OF_CUSTOMER,
        stamps={"updated_at": "now"},
    ),
    _resource(
        "customers/customer-documents",
        "customer_documents",
        "customers\\CustomerDocuments",
        module="customer_documents",
        on_collection=("POST",),
        actions={"upload": ("POST",)},
        # A GET of an item lists the documents of the customer with that id.
        forms={"/{customer_id}": ("GET",), "/{id}": ("PUT", "DELETE")},
        also_required=("customer_id", "type", "title"),
        refers=_OF_CUSTOMER,
        stamps={"created_at": "now", "updated_at": "now", "added_by": "api", "added_by_id": "key"},
        protected=frozenset({"hash_id", "filename_original", "filename_uploaded", "status"}),
    ),
    _resource(
        "customers/customer-payment-accounts",
        "payment_account_data",
        "customers\\CustomerPaymentAccounts",
        on_collection=("GET", "PUT", "DELETE"),
        on_item=(),
        keys=("customer_id", "account_id"),
        id_in_query=True,
        protected=frozenset({"customer_id", "account_id"}),
    ),
    _resource(
        "customers/customer-payment-account-data",
        "payment_account_data",
        "customers\\CustomerPaymentAccountData",
        on_collection=_READ,
        on_item=(),
    ),
    _resource(
        "customers/additional-discounts",
        "service_additional_discount",
        "customers\\AdditionalDiscounts",
        item_path="customers/customer/additional-discounts",
        also_required=("service_type", "service_id", "enabled", "percent", "start_date"),
    ),
    _resource(
        "logs/pending-statuses",
        "statuses_pending",
        "logs\\PendingStatuses",
        _PENDING,
        also_required=("customer_id", "date", "status"),
        choices={"status": ("new", "active", "blocked", "disabled")},
        refers=_OF_CUSTOMER,
        protected=frozenset({"done"}),
        stamps={"administrator_id": "key"},
    ),
    _resource(
        "crm/leads",
        "customers",
        "crm\\Leads",
        _LEADS,
        module="customers",
        actions={"convert-to-customer-simple": ("PUT",)},
        refers={"partner_id": "partners", "location_id": "locations"},
        stamps={"added_by": "api", "added_by_id": "key", "last_update": "now"},
        hidden=frozenset(
            {"login", "password", "last_online", "mrr_total", "daily_prepaid_cost", "gdpr_agreed", "parent_id"}
        ),
    ),
    _resource(
        "crm/leads-info",
        "leads_info",
        "crm\\LeadsInfo",
        _LEADS_INFO,
        on_collection=_READ,
        on_item=_PUT,
        protected=frozenset({"customer_id"}),
    ),
    _resource(
        "communications/calls",
        "calls",
        "communications\\Calls",
        _CALLS,
        stamps={"added_by": "api", "added_by_id": "key"},
    ),
    _resource("config/mail", "mail_pool", "config\\Mail", _MAIL, actions={"send": _READ}, protected=_SENT),
    _resource("config/sms", "sms_pool", "config\\Sms", _SMS, actions={"send": _READ}, protected=_SENT),
    _resource(
        "config/company-info",
        "finance_template_values",
        "config\\CompanyInfo",
        on_collection=_READ,
        on_item=_READ,
        computed=("file_logo", "tax_id", "iso_country_code"),
        hidden=frozenset({"bank_id"}),
    ),
)
