"""Links that say to whom a tariff is offered, and what a bundle consists of. No primary keys, as in the product."""

from sandbox.splynx.tables.model import Table, table

_TO_WHOM = {
    "partners": "partner_id uint",
    "locations": "location_id uint",
    "customer_categories": "customer_category str(32) null",
    "billing_types": "billing_type str(32)",
}


def _link(owner: str, key: str, to: str, column: str) -> Table:
    return table(f"{owner}_to_{to}", f"{key} uint\n{column}", primary=(), indexes=(f"(`{key}`)",))


def _part(kind: str, *, exact: bool) -> Table:
    if not exact:
        return _link("bundle", "bundle_id", f"tariffs_{kind}", "tariff_id uint")
    return table(
        f"bundle_to_tariffs_{kind}",
        "bundle_id uint index\ntariff_id uint index",
        primary=(),
        foreign={"bundle_id": "bundle.id", "tariff_id": f"tariffs_{kind}.id"},
        exact=True,
    )


TABLES = (
    *(
        _link(owner, "bundle_id" if owner == "bundle" else "tariff_id", to, column)
        for owner in ("tariffs_internet", "tariffs_voice", "tariffs_custom", "tariffs_one_time", "bundle")
        for to, column in _TO_WHOM.items()
        if not (owner == "tariffs_one_time" and to == "billing_types")  # a one-time plan has no billing type
    ),
    _part("internet", exact=True),
    _part("custom", exact=True),
    _part("voice", exact=False),
)
