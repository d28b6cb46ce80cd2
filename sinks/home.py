"""Whose a ledger is: its checkpoints are offsets of one deployment's topics, as they were made, and of no others."""

from clients.mysql import Transaction
from sinks.ledger_errors import HistoryLost, LedgerTaken
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


async def places_of(tx: Transaction, ledger: Ledger, aggregate: str, topic: str, topic_id: str) -> dict[int, int]:
    """`{partition: offset to go on from}` of an aggregate's topic. A ledger that has no id beside them keeps this one.

    Raises:
        HistoryLost: they are of a topic with another id: this one was made since, and its offsets count anew.
    """
    done = await ledger.checkpoints(tx, topic)
    name = f"topic {aggregate}"  # the topic's own name may be longer than a name there
    if not done:
        await ledger.set_meta(tx, name, topic_id)
    elif (kept := await ledger.first_meta(tx, name, topic_id)) != topic_id:
        raise HistoryLost(f"{topic} was made anew: the ledger goes on in that of id {kept}, and this is {topic_id}")
    return done
