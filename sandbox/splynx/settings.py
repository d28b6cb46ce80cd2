"""Settings that the stand-in obeys.

What the product calls these switches in its API is not public. The names below are the stand-in's own; nothing but the
sandbox may rely on them. An operator finds the real ones by comparing the configuration before and after a switch.
"""

from typing import Any, NamedTuple


class Setting(NamedTuple):
    """A row of `config`: where it is, the type it is read in, and its value on a fresh system."""

    module: str
    path: str
    key: str
    type: str
    value: str


TIMEZONE = ("main", "localization", "timezone")
CURRENCY = ("main", "localization", "currency")
WELCOME_MESSAGE = ("main", "customers", "welcome_message")
LOGIN_LENGTH = ("main", "customers", "login_length")
BILLING_TYPE = ("main", "customers", "billing_type")
AUTO_ISSUING = ("finance", "automation", "enable_automatic_issuing")
BILLING_DUE = ("finance", "automation", "enable_processing_billing_due")
DEACTIVATION = ("finance", "automation", "enable_deactivation_period")
BLOCK_ONE_TIME = ("finance", "automation", "block_by_one_time_invoices")
REMINDERS = ("finance", "automation", "enable_reminders")
AUTO_PROFORMA = ("finance", "automation", "enable_auto_proforma")
REMOVE_IPS = ("finance", "automation", "remove_ips_of_disabled_services")
AUTO_CHARGE = ("finance", "automation", "enable_auto_charge")
INVOICE_NOTIFICATION = ("finance", "notifications", "invoice_created")
PAYMENT_NOTIFICATION = ("finance", "notifications", "payment_received")
AUTO_ASSOCIATE = ("finance", "settings", "auto_associate_payments")
PAY_FROM_BALANCE = ("finance", "settings", "auto_pay_from_account_balance")
PROVISIONING = ("main", "networking", "write_to_devices")
FORCE_TO_INVOICE = ("finance", "settings", "force_invoice_of_future_items")
TICKET_AUTO_ASSIGN = ("helpdesk", "automation", "auto_assign")
TICKET_NOTIFICATIONS = ("helpdesk", "notifications", "enabled")
TICKET_AUTO_REPLY = ("helpdesk", "automation", "auto_reply")
TICKET_FEEDBACK = ("helpdesk", "feedback", "enabled")
TASK_NOTIFICATIONS = ("scheduling", "notifications", "enabled")

GUARDS: dict[tuple[str, str, str], bool] = dict.fromkeys(
    (
        AUTO_ISSUING,
        BILLING_DUE,
        DEACTIVATION,
        BLOCK_ONE_TIME,
        REMINDERS,
        AUTO_PROFORMA,
        REMOVE_IPS,
        AUTO_CHARGE,
        INVOICE_NOTIFICATION,
        PAYMENT_NOTIFICATION,
        AUTO_ASSOCIATE,
        PAY_FROM_BALANCE,
        FORCE_TO_INVOICE,
        WELCOME_MESSAGE,
        PROVISIONING,
        TICKET_AUTO_ASSIGN,
        TICKET_NOTIFICATIONS,
        TICKET_AUTO_REPLY,
        TICKET_FEEDBACK,
        TASK_NOTIFICATIONS,
    ),
    False,
)
"""Switches that must be off while another system bills: (module, path, key) and the value they must have."""


def fresh(*, timezone: str, currency: str) -> list[Setting]:
    """The settings of a fresh system: every switch of `GUARDS` is on."""

    def one(where: tuple[str, str, str], kind: str, value: str) -> Setting:
        return Setting(*where, kind, value)

    return [
        one(TIMEZONE, "string", timezone),
        one(CURRENCY, "string", currency),
        one(LOGIN_LENGTH, "integer", "6"),
        one(BILLING_TYPE, "string", "recurring"),
        Setting("main", "information", "title", "string", "Splynx sandbox"),
        Setting("main", "portal", "ask_password", "boolean", "1"),
        Setting("main", "portal", "top_up_enabled", "boolean", "0"),
        Setting("finance", "customer", "billing_date", "integer", "1"),
        Setting("finance", "customer", "billing_due", "integer", "15"),
        Setting("finance", "customer", "blocking_period", "integer", "1"),
        Setting("finance", "customer", "grace_period", "integer", "5"),
        Setting("finance", "customer", "payment_method", "integer", "1"),
        Setting("finance", "customer", "make_invoices", "integer", "1"),
        Setting("finance", "customer", "enabled", "integer", "1"),
        Setting("finance", "customer", "send_finance_notification", "integer", "1"),
        *(one(where, "boolean", "1") for where in GUARDS),
    ]


def on(values: dict[tuple[str, str], dict[str, Any]], where: tuple[str, str, str]) -> bool:
    """Whether a switch is on."""
    module, path, key = where
    return bool(values.get((module, path), {}).get(key))
