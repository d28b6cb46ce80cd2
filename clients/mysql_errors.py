"""What MySQL and MariaDB refuse, by error number: one table, and the errors that are not the servers' own."""

import asyncio

import pymysql

from plumbing.errors import Action, DependencyRefused, DependencyUnreachable, ExitCode, SyncError
from plumbing.settings import MysqlSettings


class TransactionLost(SyncError):
    """A deadlock, a lock wait or a statement that was ended from outside: the whole transaction is tried again."""

    code = "mysql.transaction_lost"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "It is repeated by itself; when it lasts, see who holds the locks (SHOW ENGINE INNODB STATUS)."


class StatementRefused(SyncError):
    """The database refuses a statement as such: a value out of range, a duplicate key, a column that is not there."""

    code = "mysql.statement_refused"
    action = Action.HALT
    remedy = "Compare Splynx's tables with the approved ones; the error number tells which rule was broken."

    def __init__(self, errno: int, at: MysqlSettings) -> None:
        # The server's text quotes values, which may be personal data.
        super().__init__(f"the database {at.where} refused a statement with error {errno}")
        self.errno = errno


class ValueRefused(StatementRefused):
    """The database refuses a value of a record: out of range, too long or of the wrong kind for its column."""

    code = "mysql.value_refused"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = (
        "Compare the record in Sonar with the columns of Splynx's table (1264 out of range, 1406 too long, 1265, 1292"
        " and 1366 not of its kind). Correct it in Sonar, which sends it again; or mend the column or the rules, and"
        " send it again."
    )


class OtherServer(SyncError):
    """Another database server answers than the one that answered first: a fail-over, or a balancer before several.

    It may lack what the first one had committed, so what this process believes is done may not be.
    """

    code = "mysql.other_server"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = (
        "Start it again: it goes on from what the ledger of the server of now says. Let splynx.db (and ledger) lead to"
        " one server at a time, the one that takes writes; if a fail-over lost transactions, run `crossfade reconcile`."
    )


class IdsUnknown(SyncError):
    """The server numbered new rows in another way than it says. Nothing of that batch is committed."""

    code = "mysql.ids_unknown"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = (
        "See whether a proxy changes statements, or auto_increment_increment of open sessions was changed; then start"
        " the sink again."
    )


_RETRY = frozenset({1020, 1205, 1213, 1317, 1969, 3024})
"""Also a row changed since the snapshot (MariaDB's innodb_snapshot_isolation), and a statement that was ended from
outside: KILL QUERY, max_statement_time, max_execution_time."""
_GONE = frozenset({0, 1053, 1077, 1079, 1927, 2002, 2003, 2006, 2013, 2055, 1040, 1203, 1226, 4031})
"""Also where there are too many connections: of all (1040), of one user as the server limits each (1203), or this one
(1226, which may be of its statements in an hour, too)."""
_DENIED = frozenset({1044, 1045, 1049, 1142, 1143, 1227, 1698})
_TOO_LONG = 1153
DUPLICATE = 1062
"""A key that is there already."""
_VALUE = frozenset({1264, 1265, 1292, 1366, 1406})
_READ_ONLY = frozenset({1021, 1114, 1290, 1836, 1792})


def error_of(exc: BaseException, at: MysqlSettings) -> SyncError:
    """The one table of database errors. `at`: whose answer it was; ledger and Splynx may lie on two servers."""
    errno = int(exc.args[0]) if exc.args and isinstance(exc.args[0], int) else 0
    if errno in _RETRY:
        return TransactionLost(f"the database {at.where} rolled the transaction back with error {errno}")
    if errno in _DENIED:
        return DependencyRefused(
            f"the database {at.where} refuses this user or schema with error {errno}",
            remedy="Run `crossfade doctor`: it prints the GRANTs that are needed.",
        )
    if errno == _TOO_LONG:
        return DependencyRefused(
            f"the database {at.where} takes no statement of this length, error 1153",
            remedy="One row is longer: raise max_allowed_packet on the database server to 16 MiB or more.",
        )
    if errno in _READ_ONLY:
        return DependencyUnreachable(f"the database {at.where} takes no writes now, error {errno}")
    if errno in _GONE or isinstance(exc, OSError | asyncio.IncompleteReadError | pymysql.err.InterfaceError):
        return DependencyUnreachable(f"the connection to the database {at.where} is lost, error {errno}")
    return (ValueRefused if errno in _VALUE else StatementRefused)(errno, at)
