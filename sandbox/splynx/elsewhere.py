"""What the description knows and the stand-in does not model: each path answers as the product does where it is off.

A module that is switched off answers 405 to every method; pages for people answer 403 to a key; two lists of the
recorded installation are broken and answer 500. Anything else is 404, as every path that nobody documents.
"""

import re

from sandbox.splynx.problems import Problem, forbidden, method_disabled, not_found, server_error

FOR_PEOPLE = """
admin/auth/trusted-devices
admin/auth/trusted-devices/{}
admin/auth/sessions
admin/dashboard/dashboard
"""
"""Besides everything below `portal/`: these need somebody's session."""

BROKEN = "admin/logs/pending-services"
"""A list that the recorded installation answered with 500."""

SWITCHED_OFF = """
admin/tariffs/tariffs-for-change
admin/tariffs/change-tariff/{}
admin/fup/counter
admin/fup/counter/{}
admin/fup/compiler
admin/fup/compiler/{}
admin/fup/policies
admin/fup/policies/{}
admin/fup/usage/{}
admin/customers/send-documents
admin/customers/cap-history/{}
admin/customers/prepaid-cards-series
admin/customers/prepaid-cards-series/{}
admin/customers/prepaid-cards
admin/customers/prepaid-cards/{}
admin/customers/prepaid-cards-statistics
admin/customers/prepaid-cards-statistics/{}
admin/crm/leads-notes
admin/crm/leads-documents/{}
admin/crm/leads-documents
admin/crm/leads-documents/{}--upload
admin/crm/quotes
admin/crm/quotes/{}
admin/customers/customer-internet-services-rrd/{}--{}
admin/finance/calculate-finance
admin/finance/to-bill/{}--{}
admin/finance/to-bill-requests/{}--{}
admin/finance/cancel-last-charge/{}
admin/finance/bank-statements
admin/finance/bank-statements/{}
admin/finance/bank-statements-import
admin/finance/bank-statements-records
admin/finance/bank-statements-records/{}
admin/finance/refill-cards
admin/finance/refill-cards/{}
admin/finance/refill-cards/0
admin/finance/refill-cards-series
admin/finance/refill-cards-series/{}
admin/inventory/items-rent
admin/inventory/items-sell
admin/networking/acs-devices
admin/networking/acs-devices/{}
admin/networking/acs-devices/{}--provisioning
admin/networking/mikrotik-sectors/{}
admin/networking/ipv6-ip/{}--{}--{}
admin/networking/traffic-accounting/{}
admin/networking/routers-mikrotik/{}
admin/networking/cpe
admin/networking/cpe/{}
admin/networking/cpe-ap
admin/networking/cpe-ap/{}
admin/networking/cpe-qos
admin/networking/cpe-qos/{}
admin/networking/cpe-dhcp/{}
admin/support/ticket-feedbacks
admin/support/ticket-feedbacks/{}
admin/scheduling/related-tasks
admin/scheduling/task-timer/{}
admin/scheduling/tasks-comment-toggle-pin/{}
admin/scheduling/tasks-activity
admin/voice/statistics
admin/config/modules
admin/config/modules/{}
admin/config/module/{}
admin/config/module/{}--{}
admin/config/entry-points
admin/config/entry-points/{}
admin/config/templates
admin/config/templates/{}
admin/config/templates/{}-render-{}
admin/config/cdr-import
admin/config/crm-pipeline
admin/config/crm-pipeline/{}
admin/messengers/messenger-chats/{}
"""
"""By path, placeholders as `{}`."""


def answer(path: str) -> Problem:
    """The error for a path that is not served."""
    if path.startswith("portal/") or _among(path, FOR_PEOPLE):
        return forbidden()
    if path == BROKEN:
        return server_error()
    return method_disabled() if _among(path, SWITCHED_OFF) else not_found()


def _among(path: str, known: str) -> bool:
    return any(re.fullmatch(form.replace("{}", "[^/]+"), path) for form in known.split())
