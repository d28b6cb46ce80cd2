"""Sonar's newer generation: what its later schemas have beside those of the first.

With "additional services" an account may have several data services, and what hangs on a line names which one.
Source: the mapping's table of generations, the notes on how Sonar's schema drifts, and the field listing of a live
Sonar. Whether a column may be null is not known; here all may. ScheduledEvent.additional_service_action is an enum of
which nothing tells the values, and text here.
"""

from dataclasses import replace

from graphql import GraphQLObjectType

from sandbox.sonar.declarations import STANDARD_COLUMNS, Declarations, parse
from sandbox.sonar.schema import build_schema
from sandbox.sonar.types import SERVED

_OF_A_SERVICE = """account_service_id:Int64Bit
    account_service -> AccountService by account_service_id"""
"""What hangs on a line names its service."""
_PERIOD = "service_period_duration:String service_period_offset:String"
_ADDED = parse(f"""
type AccountService = account_services
    is_additional:Boolean data_usage_percentage:Int
    ip_assignments => IpAssignment by account_service_id
    ip_assignment_histories => IpAssignmentHistory by account_service_id
    radius_accounts => RadiusAccount by account_service_id
    uninventoried_mac_addresses => UninventoriedMacAddress by account_service_id
    data_usage_histories => DataUsageHistory by account_service_id

type IpAssignment = ip_assignments
    {_OF_A_SERVICE}

type IpAssignmentHistory = ip_assignment_histories
    {_OF_A_SERVICE}

type RadiusAccount = radius_accounts
    {_OF_A_SERVICE}

type UninventoriedMacAddress = uninventoried_mac_addresses
    {_OF_A_SERVICE}

type DataUsageHistory = data_usage_histories
    {_OF_A_SERVICE}

type AccountBillingParameter = account_billing_parameters
    {_PERIOD}

type BillingDefault = billing_defaults
    {_PERIOD}

type NetworkSite = network_sites
    company_id:Int64Bit
    company -> Company by company_id

type Company = companies
    network_sites => NetworkSite by company_id

type Job = jobs
    created_by_user_id:Int64Bit
    created_by_user -> User by created_by_user_id

type Debit = debits
    service_override_name:String

type CreditCard = credit_cards
    token_id:String

type BankAccount = bank_accounts
    token_id:String

type RefundedPayment = refunded_payments
    transaction_successful:Boolean

type Service = services
    custom_field_data => CustomFieldData as customfielddataable

type ScheduledEvent = scheduled_events
    additional_service_action:String

type Ticket = tickets
    originating_emails <> Email with produced_tickets

type Email = emails
    produced_tickets <> Ticket with originating_emails

type Account = accounts
    disconnection_reason_id:Int64Bit

type SystemSetting = a singleton
    enable_additional_services:Boolean
""")
_NOT_SERVED = {
    "DataUsage": {"account_service_id": "Int64Bit"},
    "DataUsageTotal": {"account_service_id": "Int64Bit"},
    "CoreCreditCard": {"token_id": "String"},
    "Disbursement": {"merchant_id": "String"},
    "FibermapIntegration": dict.fromkeys(("api_token_name", "api_version", "zone_status_attribute_name"), "String"),
}
"""What grew of types that the sandbox does not serve, for Sonar itself has it."""


def _grown() -> Declarations:
    types = dict(SERVED.types)
    for name, added in _ADDED.items():
        columns = {key: one for key, one in added.columns.items() if key not in STANDARD_COLUMNS}
        types[name] = replace(
            types[name],
            columns={**types[name].columns, **columns},
            relations={**types[name].relations, **added.relations},
        )
    return Declarations(types, SERVED.enums)


NEWER = _grown()
GENERATIONS = {"first": SERVED, "newer": NEWER}
"""By the name that the command knows."""


def extension() -> str:
    """What the newer generation adds to object types, as SDL that extends the first one's schema."""
    first, newer = build_schema(SERVED).type_map, build_schema(NEWER).type_map
    found = []
    for name in _ADDED:
        kind, before = newer[name], first[name]
        assert isinstance(kind, GraphQLObjectType)
        assert isinstance(before, GraphQLObjectType)
        lines = []
        for field, one in kind.fields.items():
            if field not in before.fields:
                arguments = ", ".join(f"{argument}: {each.type}" for argument, each in one.args.items())
                lines.append(f"  {field}{f'({arguments})' if arguments else ''}: {one.type}")
        found.append("\n".join([f"extend type {name} {{", *lines, "}"]))
    for name, columns in _NOT_SERVED.items():
        found.append("\n".join([f"extend type {name} {{", *(f"  {key}: {one}" for key, one in columns.items()), "}"]))
    return "\n".join(found)
