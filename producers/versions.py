"""Sonar's versions, and the contents of events, as numbers: what is only held against another takes eight bytes."""

from xxhash import xxh3_64_intdigest

_SIGN, _ALL = 1 << 63, 1 << 64
NONE = 0
"""Of what has no version or content."""


def number_of(version: str) -> int:
    """An opaque version as a signed number of 64 bits, the same in every process; never `NONE`."""
    return number_of_bytes(version.encode())


def number_of_bytes(content: bytes) -> int:
    """The digest of a content, likewise."""
    found = xxh3_64_intdigest(content)
    return (found if found < _SIGN else found - _ALL) or 1
