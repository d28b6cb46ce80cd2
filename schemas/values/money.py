"""Currencies: how many digits of the smallest unit lie behind the point (ISO 4217)."""

from decimal import Decimal

from plumbing.errors import ConfigurationError

_ZERO = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def exponent_of(currency: str) -> int:
    """Digits behind the point: USD 2, JPY 0, KWD 3.

    Raises:
        ConfigurationError: this is no currency code.
    """
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        raise ConfigurationError("Sonar's currency is no ISO 4217 code", remedy="Look at Sonar's system settings.")
    if currency in _ZERO:
        return 0
    return 3 if currency in _THREE else 2


def money(minor: int, exponent: int) -> Decimal:
    """The amount in the main unit, exact.

    >>> money(-1250, 2)
    Decimal('-12.50')
    """
    return Decimal(minor).scaleb(-exponent)
