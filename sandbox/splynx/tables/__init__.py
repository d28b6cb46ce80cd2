"""All tables of the stand-in, parents before children."""

from sandbox.splynx.tables import custom, finance, links, people, services, system, tariffs
from sandbox.splynx.tables.model import Column, Table

TABLES: dict[str, Table] = {
    made.name: made for room in (system, people, tariffs, finance, services, links, custom) for made in room.TABLES
}

__all__ = ["TABLES", "Column", "Table"]
