"""A file in a multipart body."""

from typing import NamedTuple


class Upload(NamedTuple):
    """Its name, kind and bytes."""

    name: str
    content_type: str
    content: bytes
