"""Which deployment a ledger belongs to: its checkpoints are offsets of that one's topics, and of no other's."""

from clients.mysql import Transaction
from sinks.ledger_errors import LedgerTaken
from sinks.store import Ledger

HOME = "home"
"""Its name among the ledger's named values."""


async def check_home(tx: Transaction, ledger: Ledger, home: str) -> None:
    """Take a ledger that is nobody's yet. `home`: `<Kafka's cluster id>/<instance>`.

    Raises:
        LedgerTaken: it is of another deployment.
    """
    kept = await ledger.first_meta(tx, HOME, home)
    if kept != home:
        raise LedgerTaken(f"the ledger {ledger.schema} is kept by {kept}, and this is {home}")
