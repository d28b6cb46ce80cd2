"""Sonar's versions, and the contents of events, as numbers: what is only held against another takes eight bytes."""

from xxhash import xxh3_64_intdigest

NONE = 0
"""Of what has no version or content."""


def number_of(version: str) -> int:
    """An opaque version as a number of 63 bits, the same in every process; never `NONE`."""
    return xxh3_64_intdigest(version.encode()) >> 1 or 1


def number_of_bytes(content: bytes) -> int:
    """The digest of a content, likewise."""
    return xxh3_64_intdigest(content) >> 1 or 1
