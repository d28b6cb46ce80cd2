"""Numbers by number, packed: an ISP has millions of rows, and as a dict of tuples each takes ten times the room."""

from array import array

_SPREAD = 0x9E3779B1
"""An odd number (2^32 by the golden ratio): times it, keys in a row, or at even steps, come to lie apart."""
_SHIFT = 15
_LEAST = 8


class Packed:
    """`{key: one number for each column}`. A key's place is `find` or `place_of`, its numbers are `columns[…][place]`.

    Keys never go: a column of the caller's says which are gone. A key takes 4 bytes, 5 to 10 to be found by, and what
    its columns take.
    """

    def __init__(self, codes: str) -> None:
        """`codes`: the type of each column, as `array` calls it: "q" for 64 bits, "i" for 32 until they are too few."""
        # At place 0 lies nothing: it is what `find` answers where there is nothing, and what marks a free slot.
        self.keys = array("i", [0])
        self.columns = [array(code, [0]) for code in codes]
        self._slots = array("I", [0]) * _LEAST
        self._next = 1
        """The first place that is not taken; behind it keys and columns hold 0."""

    def __len__(self) -> int:
        return self._next - 1

    def find(self, key: int) -> int:
        """The place of a key; 0: it is not here."""
        slots, keys, last = self._slots, self.keys, len(self._slots) - 1
        slot = key * _SPREAD >> _SHIFT & last
        while (place := slots[slot]) and keys[place] != key:
            slot = slot + 1 & last
        return place

    def place_of(self, key: int) -> int:
        """The place of a key; where it is not here yet it is made, and its columns hold 0.

        Raises:
            OverflowError: the key is too large as long as nobody widens; nothing has changed.
        """
        slots, keys, last = self._slots, self.keys, len(self._slots) - 1
        slot = key * _SPREAD >> _SHIFT & last
        while place := slots[slot]:
            if keys[place] == key:
                return place
            slot = slot + 1 & last
        place = self._next
        if place == len(keys):
            for one in (keys, *self.columns):  # all at once: to lengthen each by one is most of what a new key costs
                one.frombytes(bytes(one.itemsize * max(_LEAST, place >> 4)))
        keys[place] = key
        self._next = place + 1
        slots[slot] = place
        if 5 * place > 4 * len(slots):
            self._slots = array("I", [0]) * (2 * len(slots))
            for each in range(1, place + 1):
                self._settle(each)
        return place

    def widen(self) -> None:
        """Make room for keys and numbers of 63 bits: an ISP with ids so large is rare."""
        self.keys = array("q", self.keys)
        self.columns = [array("q", one) if one.typecode == "i" else one for one in self.columns]

    def _settle(self, place: int) -> None:
        slots, last = self._slots, len(self._slots) - 1
        slot = self.keys[place] * _SPREAD >> _SHIFT & last
        while slots[slot]:
            slot = slot + 1 & last
        slots[slot] = place
