"""Sonar's versions, and the contents of events, as numbers: what is only held against another takes eight bytes."""

from hashlib import blake2b

NONE = 0
"""Of what has no version or content."""


def number_of(version: str) -> int:
    """An opaque version as a signed number of 64 bits, the same in every process; never `NONE`."""
    return number_of_bytes(version.encode())


def number_of_bytes(content: bytes) -> int:
    """The digest of a content, likewise."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little", signed=True) or 1
