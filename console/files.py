"""`crossfade files`: the bytes of files, fetched from Sonar when they are needed, with a checksum of each.

Topics hold what Sonar says of a file, and never its bytes. A folder holds one file per id and `files.jsonl`, a line
for each that is complete: who runs the command again goes on with what is missing.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from clients.sonar import SonarClient, entities_of
from clients.sonar_errors import SonarFileMissing, SonarFileTooLong
from clients.sonar_purpose import asking
from clients.sonar_schema import SonarSchema
from console.asking import asking_sonar
from plumbing.clock import utc_now
from plumbing.errors import ConfigurationError, ExitCode
from plumbing.folders import writable
from plumbing.settings import Settings
from producers import documents
from producers.changes import Changes
from producers.followed import followed
from producers.ids import Ids
from producers.parts import owned
from schemas.catalogue import aggregate

MEGABYTE = 1_000_000
LIST = "files.jsonl"
_PAGE = 100
_DOCUMENT = (
    "query Files($search: [Search], $n: Int!) { files(search: $search, paginator: {page: 1, records_per_page: $n},"
    ' sorter: [{attribute: "id", direction: ASC}]) { entities { id filename mime_type file_size_in_bytes fileable_type'
    f" fileable_id }} {documents.PAGE_INFO} }} }}"
)
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Fetched:
    """One file in the folder; the line of it in `files.jsonl`."""

    id: int
    name: str
    """Below the folder: the id, and what is harmless of Sonar's name."""
    mime_type: str
    bytes: int
    sha256: str
    fileable_type: str | None
    fileable_id: int | None
    fetched_at: str


@dataclass
class Fetching:
    """What one run did."""

    folder: str
    fetched: list[Fetched] = field(default_factory=list)
    there: int = 0
    """Complete from an earlier run."""
    failed: dict[int, str] = field(default_factory=dict)
    """`{id: code}` of those that Sonar does not give."""
    left: int = 0
    """Not fetched, because all together would be more than was allowed."""

    @property
    def exit_code(self) -> ExitCode:
        """5 when something is missing."""
        return ExitCode.PARTLY if self.failed or self.left else ExitCode.DONE

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "folder": self.folder,
            "fetched": [asdict(one) for one in self.fetched],
            "there": self.there,
            "failed": {str(id): code for id, code in self.failed.items()},
            "left": self.left,
        }


def text_of(document: dict[str, Any]) -> str:
    """For people; names of files are personal data and stay in the folder."""
    size = sum(one["bytes"] for one in document["fetched"]) / MEGABYTE
    text = f"{len(document['fetched'])} files with {size:.1f} MB are new in {document['folder']}"
    if document["there"]:
        text += f"; {document['there']} were there"
    for id, code in document["failed"].items():
        text += f"\nfile {id} was not fetched [{code}]"
    if document["left"]:
        text += f"\n{document['left']} were left: more than --most-megabytes allows in one run. Run it again."
    return text


async def fetch_files(
    settings: Settings,
    into: Path,
    *,
    ids: Ids | None,
    customer: int | None,
    most_megabytes: int,
    tell: Callable[[str, int, int | None], None],
) -> Fetching:
    """Fetch files by id, or all of a customer's, into a folder.

    Raises:
        ConfigurationError: neither or both were named, Sonar has none of them, or the folder takes none.
        SyncError: from Sonar; what is complete stays.
    """
    if (ids is None) == (customer is None):
        raise ConfigurationError("name files by --ids or by --customer", remedy="See crossfade files --help.")
    async with asking_sonar(settings) as client:
        schema = await client.introspect()
        return await fetch(client, schema, into, ids, customer, most_megabytes * MEGABYTE, tell)


async def fetch(
    client: SonarClient,
    schema: SonarSchema,
    into: Path,
    ids: Ids | None,
    customer: int | None,
    most: int,
    tell: Callable[[str, int, int | None], None],
) -> Fetching:
    """As `fetch_files`, over a client that was entered; `most` in bytes."""
    one = aggregate("file")
    if customer is not None:
        changes = Changes(client, followed([one], schema), schema)
        ids = Ids.of(await owned(changes, one, customer))
    assert ids is not None
    rows = [row async for row in _rows(client, ids)]
    if not rows:
        whose = f"no file {ids.shown()}" if customer is None else f"no file of account {customer}"
        raise ConfigurationError(f"Sonar has {whose}", remedy="Nothing was fetched. Look the ids up in Sonar.")
    known, result = _begun(into), Fetching(str(into))
    missing = ids.without(int(row["id"]) for row in rows) if customer is None else Ids()
    result.failed = {id: SonarFileMissing.code for low, high in missing.ranges for id in range(low, high + 1)}
    for number, row in enumerate(rows):
        tell("files", number, len(rows))
        id, size = int(row["id"]), int(row["file_size_in_bytes"])
        if id in known and known[id].bytes == size:
            result.there += 1
        elif size > most:
            result.left += 1
        else:
            most -= size
            try:
                result.fetched.append(await _fetch(client, into, row))
            except (SonarFileMissing, SonarFileTooLong) as exc:
                result.failed[id] = exc.code
    return result


async def _rows(client: SonarClient, ids: Ids) -> AsyncIterator[dict[str, Any]]:
    left = ids
    while left.ranges:
        part = Ids(left.ranges[:_PAGE])
        with asking("other", "files"):
            answer = await client.query(_DOCUMENT, {"search": documents.within(part.ranges), "n": _PAGE})
        rows = entities_of(answer.data["files"], asked=_PAGE, counted=True)
        for row in rows:
            yield row
        left = left.above(int(rows[-1]["id"]) if len(rows) == _PAGE else part.ranges[-1][1])


async def _fetch(client: SonarClient, into: Path, row: dict[str, Any]) -> Fetched:
    id, size = int(row["id"]), int(row["file_size_in_bytes"])
    name = f"{id}-{_UNUSUAL.sub('_', row['filename'])[-_LONGEST_NAME:]}"
    part = into / f"{id}.part"
    try:
        with part.open("w+b") as file:
            with asking("other", "files"):
                await client.download(id, file, size)
            file.flush()
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if (length := file.tell()) < size:
                raise SonarFileMissing(f"file {id} has {length} bytes of the {size} that Sonar tells of it")
        # Complete, then named: whoever is stopped in between fetches it again.
        part.replace(into / name)
    finally:
        part.unlink(missing_ok=True)
    owner = row["fileable_id"]
    fetched = Fetched(
        id, name, row["mime_type"], size, digest, row["fileable_type"], None if owner is None else int(owner),
        utc_now().isoformat(),
    )  # fmt: skip
    with (into / LIST).open("ab") as lines:
        lines.write(orjson.dumps(asdict(fetched)) + b"\n")
    return fetched


def _begun(into: Path) -> dict[int, Fetched]:
    """Make the folder; what an earlier run completed and is still there, by id."""
    writable(into, "--into")
    try:
        lines = (into / LIST).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    found: dict[int, Fetched] = {}
    for line in lines:
        try:
            one = Fetched(**orjson.loads(line))
        except (orjson.JSONDecodeError, TypeError):
            continue  # cut off when the run was stopped
        path = into / one.name
        if path.is_file() and path.stat().st_size == one.bytes:
            found[one.id] = one
    # Written anew: what follows a line that was cut off would be lost with it.
    part = into / f"{LIST}.part"
    part.write_bytes(b"".join(orjson.dumps(asdict(one)) + b"\n" for one in found.values()))
    part.replace(into / LIST)
    return found
