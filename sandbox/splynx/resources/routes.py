"""The paths served, with their placeholders, and the methods of each besides HEAD and OPTIONS."""

from collections.abc import Iterable

from sandbox.splynx.resources.model import Resource

OTHERS: dict[str, tuple[str, ...]] = {
    "admin/auth/tokens": ("POST",),
    "admin/auth/tokens/{token}": ("GET", "DELETE"),
    "admin/auth/two-factor-status": ("POST",),
    "admin/api/check": ("GET",),
    "admin/config/config": ("GET", "PUT"),
    "admin/config/additional-fields/{module}": ("GET", "POST"),
    "admin/config/additional-fields/{module}--{name}": ("GET", "PUT", "DELETE"),
    "admin/config/download/{module}--{id}": ("GET",),
    "admin/customers/billing-info/{customer_id}": ("GET",),
    "admin/customers/customer/{customer_id}/logs-changes": ("GET",),
    "admin/customers/customer/{customer_id}/logs-changes--first-activation": ("GET",),
    "admin/customers/customer/{customer_id}/logs-changes--last-activation": ("GET",),
    "admin/customers/customer/{customer_id}/bundle-services--{service_id}-cancel": ("PUT",),
    "admin/customers/customer/{customer_id}/bundle-services--{service_id}-reactivate": ("PUT",),
}
"""Paths that are no rows of one table, or have a form of their own."""


def routes(resources: Iterable[Resource]) -> dict[str, tuple[str, ...]]:
    """Each path and its methods; the id's form follows from the declaration."""
    made = dict(OTHERS)
    for resource in resources:
        joint = "--" if "{customer_id}" in resource.path else "/"
        where = resource.item_path or resource.path
        if resource.on_collection:
            made[resource.path] = resource.on_collection
        item = "{a}--{b}" if len(resource.id_columns) > 1 else "{id}"
        forms = resource.forms or ({joint + item: resource.on_item} if resource.on_item else {})
        for form, methods in forms.items():
            made[where + form] = methods
        for word, methods in resource.actions.items():
            made[f"{where}{joint}{{id}}--{word}"] = methods
    return made
