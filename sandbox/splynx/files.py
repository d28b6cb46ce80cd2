"""Files: taken from a multipart body, kept beside the rows, handed out again as base64 in JSON."""

import base64
import secrets
from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.problems import Invalid, not_found
from sandbox.splynx.uploads import Upload

CONTROLLER = "api\\admin\\config\\Download"
LARGEST = 20 * 1024 * 1024
_AT_ONCE = 4 * 1024 * 1024
_KINDS = ("image/", "audio/", "video/", "text/", "application/")
_REFUSED = frozenset({"application/x-msdownload", "application/x-sh", "application/x-httpd-php", "text/x-php"})
_MODULES = {
    "customer_documents": ("customer_documents", "filename_uploaded"),
    "lead_documents": ("customer_documents", "filename_uploaded"),
    "inventory_items": ("inventory_items", "filename"),
    "inventory_products": ("inventory_products", "filename"),
    "inventory_supplier_invoices": ("inventory_supplier_invoices", "filename"),
    "ticket_attachment": ("files_upload", "filename_uploaded"),
    "scheduling_task_comment_attachment": ("scheduling_task_attachment", "filename_uploaded"),
}
"""Module in a download's path: the table of its rows, and the column that names the file."""


async def keep(call: Call, module: str, upload: Upload) -> tuple[int, str]:
    """Store a file; its id and the name under which it is kept.

    Raises:
        Invalid: it is too large, or of a kind that the product does not take.
    """
    if len(upload.content) > LARGEST:
        raise Invalid([("file", "The file is too big.")])
    if not upload.content_type.startswith(_KINDS) or upload.content_type in _REFUSED:
        raise Invalid([("file", "Files of this type are not allowed.")])
    name = f"{secrets.token_hex(16)}.{upload.name.rpartition('.')[2]}"
    row_id = await call.session.insert(
        "INSERT INTO files_upload (module, filename_original, filename_uploaded, content_type, content)"
        " VALUES (%s, %s, %s, %s, '')",
        (module, upload.name, name, upload.content_type),
    )
    for start in range(0, len(upload.content), _AT_ONCE):  # a server takes a statement of 16 MB, as it comes
        call.session.later(
            "UPDATE files_upload SET content = CONCAT(content, %s) WHERE id = %s",
            (upload.content[start : start + _AT_ONCE], row_id),
        )
        await call.session.flush()
    return row_id, name


def one(call: Call) -> Upload:
    """The one file of a request.

    Raises:
        Invalid: it carries none.
    """
    if not call.files:
        raise Invalid([("file", "File cannot be blank.")])
    return call.files[0]


async def download(call: Call, which: str) -> dict[str, Any]:
    """`{module}--{id}`: name, kind and content of the file of a row."""
    module, _, row_id = which.partition("--")
    if module not in _MODULES or not row_id.isdigit():
        raise not_found()
    table, column = _MODULES[module]
    row = await call.session.row(
        f"SELECT f.* FROM files_upload f JOIN `{table}` t ON t.`{column}` = f.filename_uploaded"  # noqa: S608
        " WHERE t.id = %s AND t.deleted = '0'",
        (int(row_id),),
    )
    if row is None:
        raise not_found()
    return {"name": row["filename_original"], **content(row)}


def content(row: dict[str, Any]) -> dict[str, Any]:
    """Kind and content of a stored file, as JSON carries them."""
    return {"content_type": row["content_type"], "content": base64.b64encode(row["content"]).decode()}
