"""What the description knows and the stand-in does not model: each path answers as the product does where it is empty.

A list has no rows, and nothing can be made. One module is switched off, as on the recorded installation, and answers
405 to every method; pages for people answer 403 to a key; a list that is broken there answers 500. Anything else is
404, as every path that nobody documents.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.splynx.problems import Invalid, Problem, forbidden, method_disabled, not_found, server_error

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
admin/networking/cpe
admin/networking/cpe/{}
admin/networking/cpe-ap
admin/networking/cpe-ap/{}
admin/networking/cpe-qos
admin/networking/cpe-qos/{}
admin/networking/cpe-dhcp/{}
"""
"""By path, placeholders as `{}`."""

UNUSED = """
admin/tariffs/tariffs-for-change GET
admin/tariffs/change-tariff/{} GET PUT
admin/fup/counter GET
admin/fup/counter/{} GET PUT
admin/fup/compiler GET
admin/fup/compiler/{} GET PUT
admin/fup/policies GET
admin/fup/policies/{} GET PUT
admin/fup/usage/{} GET
admin/customers/send-documents POST
admin/customers/cap-history/{} GET
admin/customers/prepaid-cards-series GET POST
admin/customers/prepaid-cards-series/{} GET PUT DELETE
admin/customers/prepaid-cards GET
admin/customers/prepaid-cards/{} GET PUT DELETE
admin/customers/prepaid-cards-statistics GET
admin/customers/prepaid-cards-statistics/{} GET
admin/crm/leads-notes GET POST
admin/crm/leads-documents/{} GET PUT DELETE
admin/crm/leads-documents POST
admin/crm/leads-documents/{}--upload POST
admin/crm/quotes GET POST
admin/crm/quotes/{} GET PUT DELETE
admin/customers/customer-internet-services-rrd/{}--{} POST
admin/finance/calculate-finance POST
admin/finance/to-bill/{}--{} POST
admin/finance/to-bill-requests/{}--{} POST
admin/finance/cancel-last-charge/{} GET DELETE
admin/finance/bank-statements GET POST
admin/finance/bank-statements/{} GET PUT DELETE
admin/finance/bank-statements-import POST
admin/finance/bank-statements-records GET POST
admin/finance/bank-statements-records/{} GET PUT DELETE
admin/finance/refill-cards POST
admin/finance/refill-cards/{} PUT DELETE
admin/finance/refill-cards-series GET POST
admin/finance/refill-cards-series/{} GET PUT DELETE
admin/inventory/items-rent POST
admin/inventory/items-sell POST
admin/networking/acs-devices GET
admin/networking/acs-devices/{} GET PUT DELETE
admin/networking/acs-devices/{}--provisioning PUT
admin/networking/mikrotik-sectors/{} GET
admin/networking/ipv6-ip/{}--{}--{} GET
admin/networking/traffic-accounting/{} PUT
admin/networking/routers-mikrotik/{} GET
admin/support/ticket-feedbacks GET POST
admin/support/ticket-feedbacks/{} GET PUT DELETE
admin/scheduling/related-tasks GET POST DELETE
admin/scheduling/task-timer/{} PUT
admin/scheduling/tasks-comment-toggle-pin/{} POST
admin/scheduling/tasks-activity GET
admin/voice/statistics GET
admin/config/modules GET POST
admin/config/modules/{} GET PUT DELETE
admin/config/module/{} GET POST
admin/config/module/{}--{} GET PUT DELETE
admin/config/entry-points GET
admin/config/entry-points/{} GET
admin/config/templates GET POST
admin/config/templates/{} GET PUT DELETE
admin/config/templates/{}-render-{} GET
admin/config/cdr-import POST
admin/config/crm-pipeline GET POST
admin/config/crm-pipeline/{} GET PUT DELETE
admin/messengers/messenger-chats/{} GET PUT
"""
"""Path, and the methods that are documented besides HEAD and OPTIONS."""


@dataclass(frozen=True)
class Unused:
    """A documented path of which nothing is kept here. `path`: with its placeholders."""

    path: str
    methods: tuple[str, ...]

    @property
    def resource(self) -> str:
        """What it is of."""
        return self.path.partition("/{")[0]

    @property
    def controller(self) -> str:
        """As rights name it."""
        *rooms, name = self.resource.split("/")
        words = ("IP" if word == "ip" else word.capitalize() for word in name.split("-"))
        return "\\".join(["api", *rooms, "".join(words)])

    @property
    def is_item(self) -> bool:
        """Whether it means a row, of which there is none."""
        return self.path != self.resource

    def read(self) -> list[object]:
        """The rows.

        Raises:
            Problem: 404, no such row.
        """
        if self.is_item:
            raise not_found()
        return []

    def refusal(self, method: str) -> Problem:
        """What becomes of a write."""
        if method == "POST" and not self.is_item:
            return Invalid([("", "Nothing of this resource is kept here.")])
        return not_found()


def unused() -> Iterator[Unused]:
    """All of them, those with a word behind the id before the others."""
    lines = [line.split() for line in UNUSED.strip().splitlines()]
    return (Unused(path, tuple(methods)) for path, *methods in sorted(lines, key=lambda line: line[0].endswith("}")))


def find(path: str) -> Unused | None:
    """The documented path that a path has the form of."""
    return next((one for one in unused() if _among(path, one.path)), None)


def answer(path: str) -> Problem:
    """The error for a path that is not served."""
    if path.startswith("portal/") or _among(path, FOR_PEOPLE):
        return forbidden()
    if path == BROKEN:
        return server_error()
    return method_disabled() if _among(path, SWITCHED_OFF) else not_found()


def _among(path: str, known: str) -> bool:
    return any(re.fullmatch(form.replace("{}", "[^/]+"), path) for form in known.split())
