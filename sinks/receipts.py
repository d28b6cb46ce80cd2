"""Receipt numbers of one payment's documents: itself, its opposite, itself again, and so on."""

import re
from collections.abc import Collection, Mapping

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


def granted(wanted: Mapping[int, str], holders: Mapping[str, Collection[int]]) -> set[int]:
    """The payments that may take the receipt that they want, when all that may do it at once: a swap is two of them.

    Args:
        wanted: `{id of a payment: receipt}` of those that change theirs; of two that want one, the first gets it.
        holders: `{receipt: ids of the live payments that have it}`.

    >>> granted({1: "B", 2: "A"}, {"A": [1], "B": [2]}) == {1, 2}
    True
    >>> granted({1: "B", 2: "C"}, {"A": [1], "B": [2], "C": [3]})  # 3 keeps its own, so 2 does, so 1 does
    set()
    """
    first: dict[str, int] = {}
    for id, receipt in wanted.items():
        first.setdefault(receipt, id)
    moving = {id for receipt, id in first.items() if len(receipt) <= RECEIPT_MAX}
    while stuck := {id for id in moving if any(one != id and one not in moving for one in holders.get(wanted[id], ()))}:
        moving -= stuck
    return moving
