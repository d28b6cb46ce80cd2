"""What a row is stamped with at each change, made of the change's number."""

import zlib


def version(change: int) -> str:
    """Opaque: an odd multiplier walks through all 32-bit numbers once, so that none repeats and order says nothing."""
    return f"{change * 2654435761 % 2**32:08x}"


def unique_id(change: int) -> str:
    """What a row keeps for good, made of the change that it came with."""
    return f"{zlib.crc32(b'%d' % change):08x}{change:010x}"
