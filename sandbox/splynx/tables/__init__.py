"""All tables of the stand-in, parents before children."""

from sandbox.splynx.tables import (
    custom,
    finance,
    inventory,
    links,
    messages,
    network,
    papers,
    people,
    proformas,
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
    proformas,
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
