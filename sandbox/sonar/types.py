"""Everything the sandbox serves, read from its compact declarations."""

from collections.abc import Iterator

from sandbox.sonar.declarations import STANDARD_COLUMNS, Column, Declarations, ObjectType, parse
from sandbox.sonar.declared import (
    billing,
    customers,
    inventory,
    jobs,
    money,
    network,
    office,
    papers,
    services,
    tickets,
)
from sandbox.sonar.enums import ENUMS

_DOMAINS = (customers, money, office, services, billing, network, inventory, tickets, jobs, papers)

SERVED = Declarations({name: kind for domain in _DOMAINS for name, kind in parse(domain.TYPES).items()}, ENUMS)

SINGLETONS = {"system_setting": "SystemSetting", "billing_setting": "BillingSetting"}
"""Root query → its type; each is one row with id 1."""


def with_extra_types(declarations: Declarations, count: int) -> Declarations:
    """Add `count` types that nobody asks for, so that a client meets a schema as large as the real one's."""
    if not count:
        return declarations  # by which the schema and what was asked of it are known again
    return Declarations({**declarations.types, **dict(_extra_types(count))}, declarations.enums)


def _extra_types(count: int) -> Iterator[tuple[str, ObjectType]]:
    spellings = {
        **STANDARD_COLUMNS,
        "name": "String!",
        "amount": "Int",
        "position": "Int64Bit",
        "active": "Boolean!",
        "ends_on": "Date",
        "remarks": "Text",
        "ratio": "Float",
        "color": "HtmlHexColor",
    }
    columns = {
        name: Column(name, spelling.removesuffix("!"), spelling.endswith("!")) for name, spelling in spellings.items()
    }
    for number in range(1, count + 1):
        name = f"Accessory{number:04}"
        yield name, ObjectType(name, f"accessory_{number:04}s", ("LoggableInterface",), columns, {})
