"""The SQL user for Crossfade, with what it needs and no more: `python -m sandbox.splynx.grants --help`."""

import argparse
from pathlib import Path

from sandbox.splynx.database import Server
from sandbox.splynx.install import connect

# Soft deletes only: no DELETE but on links, which have no `deleted`. Payments and the ledger are written by SQL.
WRITTEN = {
    "payments": "SELECT, INSERT, UPDATE",
    "payments_values": "SELECT, INSERT, UPDATE",
    "billing_transactions": "SELECT, INSERT, UPDATE",
    "billing_transactions_values": "SELECT, INSERT, UPDATE",
    "customer_billing": "SELECT, UPDATE",
    "invoice_payers": "SELECT, INSERT, UPDATE, DELETE",
    "invoices_cache": "SELECT, DELETE",
    "accounting_customers": "SELECT, UPDATE",
    "accounting_invoices": "SELECT, UPDATE",
}


def statements(schema: str, ledger: str, user: str, *, host: str = "%") -> list[str]:
    """GRANTs: own the ledger's schema, read everything in Splynx's schema, write the tables above."""
    account = f"'{user}'@'{host}'"
    return [
        *ledger_alone(ledger, user, host=host),
        f"GRANT SELECT ON `{schema}`.* TO {account}",
        *(f"GRANT {rights} ON `{schema}`.`{table}` TO {account}" for table, rights in WRITTEN.items()),
    ]


def ledger_alone(ledger: str, user: str, *, host: str = "%") -> list[str]:
    """GRANTs where Splynx's database is not given away: own the ledger's schema, and see nothing else."""
    return [
        f"CREATE DATABASE IF NOT EXISTS `{ledger}` CHARACTER SET utf8mb4",
        f"GRANT ALL PRIVILEGES ON `{ledger}`.* TO '{user}'@'{host}'",
    ]


def create_user(
    server: Server,
    user: str,
    password: str,
    *,
    ledger: str = "crossfade",
    host: str = "%",
    database_access: bool = True,
) -> None:
    """Create the user, or set its password, and grant; without `database_access` nothing of Splynx's.

    Repeating it changes nothing.
    """
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", (user, host, password))
        cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s", (user, host, password))
        if database_access:
            granted = statements(server.name, ledger, user, host=host)
        else:
            granted = ledger_alone(ledger, user, host=host)
        for statement in granted:
            cursor.execute(statement)
        connection.commit()


def main() -> None:
    """Create the user on a server."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_server_arguments(parser)
    parser.add_argument("--user", default="crossfade")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--ledger", default="crossfade", help="schema of the ledger")
    given = parser.parse_args()
    create_user(server_of(given), given.user, given.password_file.read_text().strip(), ledger=given.ledger)


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--db-host", default="127.0.0.1")
    parser.add_argument("--db-port", type=int, default=3306)
    parser.add_argument("--db-user", default="root")
    parser.add_argument("--db-password-file", type=Path)
    parser.add_argument("--db-name", default="splynx")


def server_of(given: argparse.Namespace) -> Server:
    password = given.db_password_file.read_text().strip() if given.db_password_file else ""
    return Server(given.db_host, given.db_port, given.db_user, password, given.db_name)


if __name__ == "__main__":
    main()
