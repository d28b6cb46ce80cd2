"""The two ways to run a sink: with Splynx's database, and without it, everything over REST and the ledger elsewhere."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.local.sandboxes import SplynxSandbox
from tests.conftest import MariaDbAccess

in_both_modes = pytest.mark.parametrize(
    "by_sql", [pytest.param(True, id="database"), pytest.param(False, id="no-database")]
)
"""Runs a test, or with `pytestmark` all of a module, in either mode; what is not marked has the database."""


@contextmanager
def ledger_alone(mariadb: MariaDbAccess, splynx: SplynxSandbox) -> Iterator[dict[str, str]]:
    """User and password for the ledger's schema alone: whoever looks at Splynx's with them is refused."""
    user, password = f"ledger_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (user, password))
        cursor.execute(f"GRANT ALL ON `{splynx.ledger}`.* TO %s@'%%'", (user,))
        try:
            yield {"user": user, "password": password}
        finally:
            cursor.execute("DROP USER %s@'%%'", (user,))
