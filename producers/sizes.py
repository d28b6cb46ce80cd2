"""How many rows a request asks for: halved where Sonar cannot bear it, and growing again where it does."""

_DOUBLES_AFTER = 8
"""Whole pages in a row; a page that is halved soon after was worth trying: one request in nine."""


class PageSize:
    """The page size of one collection or list, found by itself, between one row and `largest`."""

    def __init__(self, largest: int) -> None:
        self.largest = max(1, largest)
        self.rows = self.largest
        """To ask for now."""
        self._whole = 0

    def halve(self, asked: int) -> int:
        """A request for `asked` rows was too much; what to ask for instead."""
        # Of requests that fail together each halves what it asked for: the size falls by one step, not by all of them.
        self.rows, self._whole = max(1, min(self.rows, asked // 2)), 0
        return self.rows

    def bore(self, asked: int) -> None:
        """A request for `asked` rows was answered whole; smaller ones than the size say nothing."""
        if asked < self.rows or self.rows == self.largest:
            return
        self._whole += 1
        if self._whole >= _DOUBLES_AFTER:
            self.rows, self._whole = min(self.largest, 2 * self.rows), 0
