"""A pair whose stages are ended and started again, with what a test sees of both ends meanwhile."""

import signal
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx2
import pymysql

from console.progress import Progress
from plumbing.settings import load_settings
from processors.context import load_context, newest_rules
from sandbox.local.sandboxes import SplynxSandbox
from tests.integration import behind
from tests.integration.console.conftest import Ended, Site
from tests.integration.reconciliation.conftest import Pair, is_copied

_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_MANY = 1_000_000


class Writes:
    """Counts what is asked of Splynx's REST API but reads, and sums up what its database and the ledger hold."""

    def __init__(self, pair: Pair) -> None:
        self._site = pair.site
        self._site.tell(self._site.splynx.control, "faults", method="DELETE")
        for method in _WRITES:  # a delay of no time at all, which counts
            self._site.tell(
                self._site.splynx.control, "faults", {"kind": "delay_before", "method": method, "times": _MANY}
            )
        self.before = self.sums()

    def requests(self) -> int:
        """Since it was made."""
        left = httpx2.get(f"{self._site.splynx.control}/faults").json()
        return sum(_MANY - int(one["times"]) for one in left)

    def sums(self) -> list[tuple[str, Any]]:
        """A checksum of each of Splynx's tables, of the crosswalk and of the journal."""
        names = [next(iter(row.values())) for row in self._site.rows("SHOW TABLES")]
        # Counters of requests and the time of the last are kept there; a read moves them, too.
        ours = [f"`{name}`" for name in names if name not in {"api_keys", "permissions_api_key", "admin_api_keys"}]
        rows = self._site.rows(f"CHECKSUM TABLE {', '.join([*ours, '{ledger}.crosswalk', '{ledger}.journal'])}")
        return [(row["Table"], row["Checksum"]) for row in rows]


def settle(pair: Pair, holds: Callable[[], object] = lambda: True, seconds: float = 90) -> None:
    """Wait until the stages have nothing before them, and something holds."""
    deadline = time.monotonic() + seconds
    with closing(Progress(load_settings(pair.site.config))) as progress:
        while not (is_copied(progress) and holds()):
            for name, process in pair.stages.items():
                assert process.poll() is None, f"{name} has ended"
            assert time.monotonic() < deadline
            time.sleep(0.5)


def document(ended: Ended, code: int = 0) -> dict[str, Any]:
    """What a command printed that ended as it should."""
    assert ended.code == code, (ended.out, ended.err)
    return ended.document


def change(pair: Pair, account: int, **columns: Any) -> None:
    """Change an account in Sonar."""
    pair.site.tell(
        pair.site.sonar.control, "store", {"action": "update", "type": "Account", "id": account, "columns": columns}
    )


def target(site: Site, splynx: SplynxSandbox) -> dict[str, Any]:
    """What Splynx and the ledger have of ours, record for record, without ids and times."""

    def rows(sql: str) -> list[dict[str, Any]]:
        return behind.rows(site.mariadb, splynx, sql)

    try:
        return {
            "records": rows(
                "SELECT entity, record_key, hash, document FROM {ledger}.crosswalk WHERE state = 'live'"
                " AND aggregate <> 'built_in' ORDER BY entity, record_key"
            ),
            "customers": rows("SELECT login, name, status, category, email, phone, city FROM customers ORDER BY login"),
            "fields": rows(
                "SELECT c.login, v.name, v.value FROM customers_values v JOIN customers c ON c.id = v.id"
                " WHERE v.value <> '' ORDER BY 1, 2"
            ),
            "payments": rows(
                "SELECT c.login, p.receipt_number, p.amount, p.date, p.payment_type FROM payments p"
                " JOIN customers c ON c.id = p.customer_id WHERE p.deleted = '0' ORDER BY p.receipt_number"
            ),
            "deposits": rows(
                "SELECT c.login, b.deposit FROM customers c JOIN customer_billing b ON b.customer_id = c.id ORDER BY 1"
            ),
        }
    except pymysql.err.ProgrammingError:
        return {}  # the ledger is not made yet


def stop(pair: Pair, stage: str) -> None:
    """End a stage."""
    process = pair.stages[stage]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in {0, 143}


def restart(pair: Pair, stage: str) -> None:
    """End a stage and start it again, as its supervisor does."""
    stop(pair, stage)
    pair.start(stage)
    if stage == "process":
        settle(pair, lambda: uses_the_rules(pair))


def uses_the_rules(pair: Pair) -> bool:
    """Whether the processors that run have told that they map with the rules file as it is now."""
    settings = load_settings(pair.site.config)
    with closing(load_context(settings, None)) as context:
        known = newest_rules(settings)
        return known is not None and known.version == context.rules.version
