"""`crossfade deadletters dismiss`: letters that are meant to stay where they are are closed, with who and why.

A dismissed letter counts in no alert and holds up no run. Its record stays out of Splynx until something newer comes.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Database
from console.deadletters import about
from console.letter_states import DISMISSED, OPEN, Letter
from console.output import table
from plumbing.errors import ConfigurationError
from plumbing.settings import Settings
from plumbing.whoami import user_name
from sinks.store import Ledger
from sinks.tables.dismissals import Decision

DISMISS, TAKE_BACK, CLOSED, NOTHING = "dismiss", "take back", "closed", "nothing"
"""What is done with a letter; closed: something newer closed it already, nothing: it is so already."""


@dataclass(frozen=True)
class Decided:
    """What was, or would be, decided."""

    applied: bool
    by: str
    reason: str
    actions: list[tuple[Letter, str]]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "applied": self.applied,
            "by": self.by,
            "reason": self.reason,
            "letters": [{**letter.document(), "action": action} for letter, action in self.actions],
        }


def action_of(letter: Letter, *, take_back: bool) -> str:
    """What a decision does to a letter."""
    wanted, already = (DISMISSED, OPEN) if take_back else (OPEN, DISMISSED)
    if letter.state == wanted:
        return TAKE_BACK if take_back else DISMISS
    return NOTHING if letter.state == already else CLOSED


async def dismiss(
    settings: Settings, letters: Sequence[Letter], *, reason: str, by: str | None, take_back: bool, apply: bool
) -> Decided:
    """Close letters, or open dismissed ones again; or show what that would do.

    Raises:
        ConfigurationError: nobody says why.
        SyncError: the ledger cannot be written.
    """
    if not reason.strip():
        raise ConfigurationError("nobody says why", remedy="Give --reason: it is kept beside your name.")
    who = (by or user_name()).strip()[:64]
    actions = [(one, action_of(one, take_back=take_back)) for one in letters]
    mine = [one for one, action in actions if action in {DISMISS, TAKE_BACK}]
    if apply and mine:
        run_id = f"{int(time.time())}-{secrets.token_hex(4)}"
        async with Database(settings.ledger_db) as db:
            ledger = Ledger(db.name, run_id)
            async with db.session() as tx:
                await ledger.create(tx)
            async with db.transaction() as tx:
                decisions = [Decision(one.mark, not take_back, _record(one)) for one in mine]
                await ledger.decide(tx, decisions, by=who, reason=reason.strip()[:512])
    return Decided(apply, who, reason.strip(), actions)


def _record(letter: Letter) -> tuple[str, str, str, int, int] | None:
    if letter.record is None or letter.place is None:
        return None
    return (letter.entity, letter.record, *letter.place)


def text_of(document: dict[str, Any]) -> str:
    """The decision for people."""
    if not document["letters"]:
        return "There are none."
    rows = [["letter", "what is done", "state", "about", "code"]]
    rows += [[one["id"], one["action"], one["state"], about(one), one["code"]] for one in document["letters"]]
    done = f"Kept as decided by {document['by']}." if document["applied"] else "Nothing was changed; --apply does it."
    return f"{table(rows)}\n{done}"
