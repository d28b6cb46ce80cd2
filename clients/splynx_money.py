"""Money in rows of Splynx, exact whatever way they are read.

Its API shows totals of documents as JSON numbers, and all other money as the text of a column (fact sheet, section 6).
"""

import json
from decimal import Decimal
from typing import Any

_DOCUMENTS = "admin/finance/"
_TOTALS = ("amount", "total", "due")
_STEP = Decimal("0.0001")
"""Of every column of money."""


def parsed(answer: bytes) -> Any:
    """What an answer says, its numbers with a fraction digit by digit: a float has no room for all that a column has.

    Raises:
        ValueError: it is no JSON.

    >>> parsed(b'{"total": 123456789012345.6789}')
    {'total': Decimal('123456789012345.6789')}
    """
    return json.loads(answer, parse_float=Decimal)


def as_in_column(path: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row with its totals as the database has them: who reads it otherwise is told the same.

    >>> as_in_column("admin/finance/payments", {"id": 7, "amount": 760})
    {'id': 7, 'amount': Decimal('760.0000')}
    """
    if not path.startswith(_DOCUMENTS):
        return row
    numbers = {name: row[name] for name in _TOTALS if isinstance(row.get(name), int | Decimal)}
    # What PHP adds up may be off by less than a column holds.
    return row | {name: Decimal(value).quantize(_STEP) for name, value in numbers.items()}
