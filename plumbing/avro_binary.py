"""Single values in Avro's binary form, where calling the writer would cost more than the writing.

Source: the Avro specification, "Binary Encoding": whole numbers as zig-zag in groups of seven bits, the lowest first,
the eighth bit set on all but the last; texts as UTF-8 behind their length.
"""

import struct

NULL = b"\0"
"""A null, where null is the first of two branches."""
GIVEN = b"\2"
"""In front of a value of the second branch."""
FALSE, TRUE = b"\0", b"\1"
EMPTY = b"\0"
"""A list without items; also the end of one with items."""

_BITS = 14
_PAIR = 1 << _BITS
_THREE_PAIRS = 1 << 3 * _BITS
# Two groups at a time: looking a pair up takes less than making its bytes.
_INNER = [bytes([0x80 | pair & 0x7F, 0x80 | pair >> 7]) for pair in range(_PAIR)]
_LAST = [bytes([pair]) if pair < 0x80 else bytes([0x80 | pair & 0x7F, pair >> 7]) for pair in range(_PAIR)]
_DOUBLE = struct.Struct("<d")
LENGTHS = _LAST[::2]  # zig-zag of what is not negative
"""In front of a text of so many bytes, as far as they reach."""
GIVEN_LENGTHS = [GIVEN + one for one in LENGTHS]
"""The same, where the text is a value of the second branch."""


def whole(number: int) -> bytes:
    """A `long`.

    Raises:
        OverflowError: it has more than 64 bits.
    """
    rest = number << 1 if number >= 0 else ~(number << 1)
    if rest < _PAIR:
        return _LAST[rest]
    if rest < _PAIR * _PAIR:
        return _INNER[rest & _PAIR - 1] + _LAST[rest >> _BITS]
    if rest < _THREE_PAIRS:  # every instant is
        return _INNER[rest & _PAIR - 1] + _INNER[rest >> _BITS & _PAIR - 1] + _LAST[rest >> 2 * _BITS]
    if rest >> 64:
        raise OverflowError("a whole number of more than 64 bits")
    result = b""
    while rest >= _PAIR:
        result += _INNER[rest & _PAIR - 1]
        rest >>= _BITS
    return result + _LAST[rest]


def number(value: float) -> bytes:
    """A `double`."""
    return _DOUBLE.pack(value)


def text(value: str) -> bytes:
    """A `string`."""
    data = value.encode()
    try:
        return LENGTHS[len(data)] + data
    except IndexError:
        return whole(len(data)) + data
