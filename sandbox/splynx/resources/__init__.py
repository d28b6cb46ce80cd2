"""The resources served: path, table, controller of the rights, attributes, methods. One declaration each."""

from sandbox.splynx.resources import (
    belongings,
    customers,
    foundation,
    inventory,
    money,
    network,
    offers,
    papers,
    scheduling,
    services,
    support,
    usage,
)
from sandbox.splynx.resources.model import Attribute, Link, Parts, Resource
from sandbox.splynx.resources.routes import routes

_ROOMS = (
    foundation,
    customers,
    money,
    services,
    offers,
    papers,
    network,
    inventory,
    belongings,
    support,
    scheduling,
    usage,
)

RESOURCES: dict[str, Resource] = {made.path: made for room in _ROOMS for made in room.RESOURCES}
"""By path."""

ROUTES = routes(RESOURCES.values())
"""Each path served, with its placeholders, and its methods besides HEAD and OPTIONS."""

__all__ = ["RESOURCES", "ROUTES", "Attribute", "Link", "Parts", "Resource"]
