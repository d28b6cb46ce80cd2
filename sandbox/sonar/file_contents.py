"""The bytes of files. Sonar keeps them beside its rows and serves them by id: `GET /api/files/{id}`, same token."""

from sandbox.sonar.rows import Row

PATH = "/api/files/{id}"

MAGIC = {
    "application/pdf": b"%PDF-1.4\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/png": b"\x89PNG\r\n\x1a\n",
}
"""How a file of a type begins."""


def contents(file: Row) -> bytes:
    """As many bytes as the row says, the same each time, and other ones for another id; they only begin like a file
    of their type."""
    size: int = file["file_size_in_bytes"]
    line = b"This is invented file %d.\n" % file["id"]
    head = MAGIC.get(file["mime_type"], b"")
    return (head + line * (size // len(line) + 1))[:size]
