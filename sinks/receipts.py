"""Receipt numbers of one payment's documents: itself, its opposite, itself again, and so on."""

import re

RECEIPT_MAX = 32
_MARKED = re.compile(r"(?P<root>.+?)(?:-(?P<mark>[XA])(?P<turn>[0-9]*))?", re.DOTALL)


def receipt_of(receipt: str, revision: int) -> str:
    """The receipt of the n-th document of one payment.

    Two documents never share a receipt, for Splynx takes it as unique among live rows.
    """
    if revision == 0:
        return receipt
    turn = (revision + 1) // 2
    mark = "X" if revision % 2 else "A"
    return f"{receipt}-{mark}" + ("" if turn == 1 else str(turn))


def revision_of(receipt: str) -> tuple[str, int]:
    """The payment's own receipt, and which of its documents this one is.

    >>> revision_of("SP10-R5-X2")
    ('SP10-R5', 3)
    """
    found = _MARKED.fullmatch(receipt)
    if found is None or found["mark"] is None:
        return receipt, 0
    turn = int(found["turn"] or 1)
    return found["root"], 2 * turn - (found["mark"] == "X")
