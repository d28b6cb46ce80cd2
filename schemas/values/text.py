"""Texts: one line, from HTML, cut at a word, phone numbers, e-mail addresses (mapping 5.7-5.9)."""

import html
import re
import unicodedata
from collections.abc import Iterable

from schemas.values.errors import LooksSecret, RequiredValueMissing

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BREAKS = re.compile(r"<\s*(?:br|/p|/div|/li|/tr|/h[1-6])\b[^>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")
_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
)
UTF8MB4 = "utf8mb4"
_CODECS = {"latin1": "cp1252", "ascii": "ascii"}
"""Character sets with less than three bytes to a character, by MySQL's name and by Python's."""
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")


def clean(value: str | None) -> str:
    """NFC, without NUL and control characters (tab and newline stay), trimmed; empty for None."""
    return _CONTROL.sub("", unicodedata.normalize("NFC", value or "").replace("\r\n", "\n")).strip()


def one_line(value: str | None) -> str:
    """`clean`, with every run of white space one space."""
    return " ".join(clean(value).split())


def required_text(field: str, value: str) -> str:
    """The value.

    Raises:
        RequiredValueMissing: it is empty.
    """
    if not value:
        raise RequiredValueMissing(field)
    return value


def cut(value: str, characters: int) -> str:
    """At most so many characters; at the last word boundary when one lies in the final tenth.

    >>> cut("Saint Georgetown-on-the-Water", 22)
    'Saint Georgetown-on-th'
    """
    if len(value) <= characters:
        return value
    head = value[:characters]
    space = head.rfind(" ")
    return (head[:space] if space >= characters * 9 // 10 else head).rstrip()


def fitted(field: str, value: str, characters: int, notes: list[str]) -> str:
    """`cut`, noting `truncated:<field>` where something was taken away."""
    kept = cut(value, characters)
    if kept != value:
        notes.append(f"truncated:{field}")
    return kept


def fitted_name(name: str, characters: int, id: int, notes: list[str]) -> str:
    """A name that Splynx's rows are found by: where it does not fit, its id stands behind it (mapping 5.8, 5.9).

    Two long names that begin alike would be one if they were only cut.
    """
    if len(name) <= characters:
        return name
    notes.append("truncated:name")
    suffix = f" #{id}"
    return cut(name, characters - len(suffix)) + suffix


def storable(value: str, charset: str) -> str:
    """The text as a MySQL column of that character set holds it; `?` for each character that it cannot (mapping 5.7b).

    >>> storable("café 😀", "utf8mb3"), storable("café 😀", "utf8mb4")
    ('café ?', 'café 😀')
    """
    codec = _CODECS.get(charset)
    if codec is not None:
        return value.encode(codec, "replace").decode(codec)
    return value if charset == UTF8MB4 else "".join(sign if ord(sign) <= 0xFFFF else "?" for sign in value)


def from_html(value: str | None) -> str:
    """Plain text: block ends become newlines, tags go, entities are resolved, at most two blank lines."""
    text = html.unescape(_TAGS.sub("", _BREAKS.sub("\n", value or "")))
    lines = [line.strip() for line in clean(text).split("\n")]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip()


def email(value: str | None) -> str | None:
    """The address in lower case; None when it is none.

    >>> email("Ada@Example.NET "), email("not an address")
    ('ada@example.net', None)
    """
    text = one_line(value).lower()
    return text if _EMAIL.fullmatch(text) else None


def joined(field: str, values: Iterable[str], characters: int, notes: list[str]) -> str:
    """Without repeats, joined by comma and space, as many whole values as fit; noted where one was left out."""
    result = ""
    for value in dict.fromkeys(value for value in values if value):
        longer = f"{result}, {value}" if result else value
        if len(longer) <= characters:
            result = longer
        else:
            notes.append(f"truncated:{field}")
    return result


def phone(number: str | None, country: str | None, extension: str | None) -> str:
    """E.164 where the country's calling code is known and the length fits, else as entered; ` x<ext>` behind.

    >>> phone("5555550100", "US", "12")
    '+15555550100 x12'
    """
    digits = re.sub(r"\D", "", number or "")
    if not digits:
        return one_line(number)
    code = CALLING_CODES.get(country or "")
    national = digits
    if code is not None and country in {"US", "CA"} and len(digits) == 11 and digits.startswith("1"):
        national = digits[1:]
    elif code is not None and country not in {"US", "CA", "IT"}:
        # One zero is the trunk prefix that stands for "inside the country"; a second one is part of the number.
        national = digits.removeprefix("0") or digits
    whole = f"+{code}{national}" if code is not None else ""
    valid = code is not None and 8 <= len(whole) - 1 <= 15 and (country not in {"US", "CA"} or len(national) == 10)
    return (whole if valid else one_line(number)) + extended(extension)


def extended(extension: str | None) -> str:
    """What stands behind a number for its extension: ` x12`; nothing without one."""
    return f" x{extension.strip()}" if extension and extension.strip() else ""


def without_card_number(field: str, value: str) -> str:
    """The value.

    Raises:
        LooksSecret: a run of 13 to 19 digits in it passes Luhn's test.
    """
    for match in _CARD.finditer(value):
        digits = re.sub(r"\D", "", match.group())
        if _luhn(digits):
            raise LooksSecret(field)
    return value


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


CALLING_CODES = {
    "US": "1", "CA": "1", "MX": "52", "GB": "44", "IE": "353", "FR": "33", "DE": "49", "AT": "43", "CH": "41",
    "ES": "34", "PT": "351", "IT": "39", "NL": "31", "BE": "32", "LU": "352", "DK": "45", "SE": "46", "NO": "47",
    "FI": "358", "IS": "354", "PL": "48", "CZ": "420", "SK": "421", "HU": "36", "RO": "40", "BG": "359", "GR": "30",
    "HR": "385", "SI": "386", "RS": "381", "BA": "387", "ME": "382", "MK": "389", "AL": "355", "EE": "372",
    "LV": "371", "LT": "370", "UA": "380", "TR": "90", "IL": "972", "AE": "971", "SA": "966", "IN": "91", "PK": "92",
    "BD": "880", "LK": "94", "NP": "977", "CN": "86", "JP": "81", "KR": "82", "TW": "886", "HK": "852", "SG": "65",
    "MY": "60", "TH": "66", "VN": "84", "PH": "63", "ID": "62", "AU": "61", "NZ": "64", "ZA": "27", "NG": "234",
    "KE": "254", "GH": "233", "EG": "20", "MA": "212", "TN": "216", "BR": "55", "AR": "54", "CL": "56", "CO": "57",
    "PE": "51", "EC": "593", "UY": "598", "PY": "595", "BO": "591", "VE": "58", "CR": "506", "PA": "507", "GT": "502",
    "HN": "504", "SV": "503", "NI": "505", "CU": "53",
}  # fmt: skip
"""ITU-T E.164 calling codes by ISO-3166 country; a country that is missing keeps its numbers as they are."""
