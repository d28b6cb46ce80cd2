"""The rights that are needed in Splynx: of the database user, tried one by one, and of the API key."""

from clients.mysql import Database
from clients.splynx_paths import listing
from plumbing.errors import DependencyRefused
from plumbing.settings import Settings
from reconciliation.rest_rows import TRANSACTIONS
from schemas.catalogue import TARGETS
from sinks import readiness

GIVE = "Give the API key the rights that `crossfade doctor` prints: Administration > API keys."
WRITTEN = {
    "payments": ("INSERT", "UPDATE"),
    "billing_transactions": ("INSERT", "UPDATE"),
    "customer_billing": ("UPDATE",),
}
"""Splynx's tables that are written by SQL, with the rights that this needs besides SELECT."""
_TRIED = {
    "INSERT": "EXPLAIN INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0",
    "UPDATE": "EXPLAIN UPDATE {table} SET deleted = deleted WHERE 1 = 0",
}
"""`{right: a statement that needs it}`: to explain one needs the same rights as to run it, and nothing is run."""


def grants(settings: Settings) -> list[str]:
    """The GRANTs that the database user needs, derived from what is written by SQL."""
    db = settings.splynx.db
    found = []
    if db is not None:
        found.append(f"GRANT SELECT ON `{db.name}`.* TO '{db.user}'@'%';")
    if db is not None and settings.ledger_beside_rows:  # else it is only read
        found += [
            f"GRANT {', '.join(('SELECT', *needed))} ON `{db.name}`.`{table}` TO '{db.user}'@'%';"
            for table, needed in WRITTEN.items()
        ]
    at = settings.ledger_db
    return [*found, f"GRANT ALL PRIVILEGES ON `{at.name}`.* TO '{at.user}'@'%';"]


def endpoints() -> list[str]:
    """The REST endpoints whose index, view, add and update rights the API key needs."""
    used = [listing(target.endpoint) for target in TARGETS.values() if target.endpoint is not None]
    return sorted(
        {*used, TRANSACTIONS, *readiness.LISTS.values(), "admin/config/additional-fields", "admin/config/config"}
    )


async def refused(db: Database, schema: str) -> list[str]:
    """The rights on Splynx's tables that the user lacks, such as `INSERT payments`."""
    found = []
    for table, needed in WRITTEN.items():
        for right in needed:
            try:
                await db.fetch(_TRIED[right].format(table=f"`{schema}`.`{table}`"))
            except DependencyRefused:
                found.append(f"{right} {table}")
    return found
