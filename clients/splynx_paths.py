"""Paths of Splynx's API whose rows lie below a row of another kind. Source: Splynx REST fact sheet, section 2.

An endpoint is a path without id, as declared: `admin/config/labels`, or with the name of the attribute that says below
whose row it lies: `admin/customers/customer/{customer_id}/internet-services`. An item of the first is found by `/`, an
item of the second by two hyphens.
"""

import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"\{(\w+)\}")
_EVERYBODY = "0"


def listing(endpoint: str) -> str:
    """Where every row is listed, whoever's it is.

    >>> listing("admin/customers/customer/{customer_id}/internet-services")
    'admin/customers/customer/0/internet-services'
    """
    return _PLACE.sub(_EVERYBODY, endpoint)


def collection(endpoint: str, row: Mapping[str, Any]) -> str:
    """Where a row is made. `row` has the attributes that the path names.

    Raises:
        KeyError: it lacks one.

    >>> collection("admin/customers/customer/{customer_id}/internet-services", {"customer_id": 5})
    'admin/customers/customer/5/internet-services'
    """
    return _PLACE.sub(lambda match: str(row[match[1]]), endpoint)


def item(endpoint: str, row_id: int, row: Mapping[str, Any]) -> tuple[str, int | str]:
    """Path and id of one row, as the client takes them. `row` and KeyError: as in `collection`.

    >>> item("admin/customers/customer/{customer_id}/internet-services", 12, {"customer_id": 5})
    ('admin/customers/customer/5', 'internet-services--12')
    >>> item("admin/config/labels", 12, {})
    ('admin/config/labels', 12)
    """
    path = collection(endpoint, row)
    if path == endpoint:
        return endpoint, row_id
    above, _, name = path.rpartition("/")
    return above, f"{name}--{row_id}"


def places(endpoint: str) -> list[str]:
    """The attributes that say below whose row an endpoint lies; none for most."""
    return _PLACE.findall(endpoint)
