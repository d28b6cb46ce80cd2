"""All tables of the stand-in, parents before children."""

from sandbox.splynx.tables import (
    accounting,
    custom,
    documents,
    finance,
    inventory,
    links,
    messages,
    network,
    papers,
    people,
    scheduling,
    services,
    support,
    system,
    tariffs,
    usage,
)
from sandbox.splynx.tables.model import Column, Table

_ROOMS = (
    system,
    people,
    tariffs,
    finance,
    documents,
    accounting,
    services,
    links,
    network,
    inventory,
    papers,
    scheduling,
    support,
    usage,
    messages,
    custom,
)

TABLES: dict[str, Table] = {made.name: made for room in _ROOMS for made in room.TABLES}

__all__ = ["TABLES", "Column", "Table"]
