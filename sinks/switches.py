"""The switches of Splynx that must be as given while Sonar bills, and which of our topics each one concerns.

Source: mapping, 1.3. A violated switch holds up what belongs to customers: money, status, and what customers are told.
What is only referred to, such as a partner, a label or a tariff, goes on.
"""

from dataclasses import dataclass

from schemas.aggregate import DeletePolicy, Target
from schemas.catalogue import AGGREGATES


@dataclass(frozen=True)
class Switch:
    """Where it is in Splynx's pages with what it must be, and what it concerns."""

    where: str
    tables: tuple[str, ...] = ()
    """Beginnings of names of Splynx's tables. Empty: all that belongs to customers."""

    def concerns(self, target: Target) -> bool:
        """Whether records of this kind wait while it is not as it must be."""
        if self.tables:
            return target.table.startswith(self.tables)
        return target.delete is not DeletePolicy.KEEP  # catalogue objects go by themselves


TIME_ZONE = "time_zone"
SWITCHES: dict[str, Switch] = {
    "automatic_issuing": Switch("Config > Finance > Automation > Enable automatic issuing: off"),
    "billing_due": Switch("Config > Finance > Automation > Enable processing of Billing Due: off"),
    "deactivation": Switch("Config > Finance > Automation > Deactivation period (recurring and prepaid): off"),
    "block_by_one_time_invoices": Switch("Config > Finance > Automation > Block customers by one-time invoices: off"),
    "reminders": Switch("Config > Finance > Automation > Reminders 1 to 3: off"),
    "auto_proforma": Switch("Config > Finance > Automation > Automatic proforma invoices: off"),
    "remove_ips": Switch("Config > Finance > Automation > Enable removing IPs for disabled services: off"),
    "auto_charge": Switch("Config > Finance > Automation > Charging of invoices, by payment add-ons too: off"),
    "invoice_notification": Switch("Config > Finance > Notifications > Invoices: off"),
    "payment_notification": Switch("Config > Finance > Notifications > Payments: off"),
    "auto_associate": Switch("Config > Finance > Settings > Auto associate payments to invoice: off"),
    "pay_from_balance": Switch("Config > Finance > Settings > Auto pay from account balance: off"),
    "force_to_invoice": Switch(
        "Config > Finance > Settings > Force creating an invoice for To invoice transactions: off"
    ),
    "welcome_message": Switch("Config > Main > Customers > Welcome message: off"),
    TIME_ZONE: Switch("Config > Main > Localization > Timezone: as target.timezone in the rules"),
    "provisioning": Switch(
        "Config > Networking > Routers and Radius: no production device is written", ("services_", "ipv4_", "ipv6_")
    ),
    "helpdesk_assign": Switch("Config > Helpdesk > Auto-assign: off", ("ticket",)),
    "helpdesk_notifications": Switch("Config > Helpdesk > Notifications: off", ("ticket",)),
    "helpdesk_replies": Switch("Config > Helpdesk > Auto replies: off", ("ticket",)),
    "helpdesk_feedback": Switch("Config > Helpdesk > Feedback widget: off", ("ticket",)),
    "scheduling_notifications": Switch("Config > Scheduling > Notifications: off", ("scheduling_",)),
}
"""By name, as the guards file has them."""


def concerned(switch: Switch) -> frozenset[str]:
    """The aggregates that wait while a switch is not as it must be; none where nothing that it concerns is written."""
    return frozenset(one.name for one in AGGREGATES if any(switch.concerns(target) for target in one.targets))


def needed() -> dict[str, Switch]:
    """The switches that concern something that is written."""
    return {name: switch for name, switch in SWITCHES.items() if concerned(switch)}
