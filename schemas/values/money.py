"""Currencies: how many digits of the smallest unit lie behind the point (ISO 4217)."""

from decimal import ROUND_HALF_EVEN, Decimal

from plumbing.errors import ConfigurationError

_ZERO = {
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
}  # fmt: skip
_TWO = {
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND",
    "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUC", "CUP", "CVE",
    "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ",
    "GYD", "HKD", "HNL", "HRK", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
    "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR",
    "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN",
    "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SLL", "SOS", "SRD", "SSP",
    "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS",
    "VED", "VES", "WST", "XCD", "YER", "ZAR", "ZMW", "ZWL",
}  # fmt: skip
_THREE = {
    "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND",
}  # fmt: skip


_PRICE = Decimal("0.0001")


def is_currency(code: str) -> bool:
    """Whether ISO 4217 has this code, and we its exponent."""
    return code in _ZERO or code in _TWO or code in _THREE


def exponent_of(currency: str) -> int:
    """Digits behind the point: USD 2, JPY 0, KWD 3.

    Raises:
        ConfigurationError: this is no currency whose exponent we know; a guess would be wrong by powers of ten.
    """
    if not is_currency(currency):
        raise ConfigurationError(
            "Sonar's currency is no ISO 4217 code that we know",
            remedy="Look at Sonar's system settings; write the right code into the rules: source.currency.",
        )
    if currency in _ZERO:
        return 0
    return 3 if currency in _THREE else 2


def money(minor: int, exponent: int) -> Decimal:
    """The amount in the main unit, exact.

    >>> money(-1250, 2)
    Decimal('-12.50')
    """
    return Decimal(minor).scaleb(-exponent)


def a_month(minor: int, exponent: int, months: int) -> Decimal:
    """What an amount for so many months is for one, with four decimals, half to even as Splynx keeps prices.

    >>> a_month(10000, 2, 12)
    Decimal('8.3333')
    """
    return (money(minor, exponent) / months).quantize(_PRICE, ROUND_HALF_EVEN)
