"""Files are fetched once, whole, with their checksum; what is missing is named, what is too much is left."""

import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from clients.sonar import SonarClient
from clients.sonar_errors import SonarFileMissing, SonarFileTooLong, SonarUnreachable
from console import files
from console.files import LIST, Fetching, fetch, text_of
from plumbing.errors import ConfigurationError, ExitCode
from producers.ids import Ids
from sandbox.sonar.file_contents import contents
from tests.unit.producers.scene import InMemoryClient, the_schema
from tests.unit.sandbox_sonar.shop import Shop


class Cabinet(InMemoryClient):
    """A Sonar with files; `lost` have no bytes, `grown` have more than their row says, `broken` end an attempt."""

    def __init__(self) -> None:
        self.shop = Shop()
        super().__init__(self.shop)
        self.account, other = self.shop.an_account("Ada"), self.shop.an_account("Bea")
        self.lost, self.grown, self.broken = set[int](), set[int](), set[int]()
        self.downloads: list[int] = []
        self.mine = [self.a_file(self.account, 1000, f"contract {number}.pdf") for number in range(3)]
        self.other = self.a_file(other, 500, "../../etc/passwd")

    def a_file(self, account: int, size: int, name: str) -> int:
        return self.shop.store.insert(
            "File", file_size_in_bytes=size, fileable_id=account, fileable_type="Account", filename=name,
            mime_type="application/pdf", primary_image=False,
        )  # fmt: skip

    def bytes_of(self, id: int) -> bytes:
        return contents(self.shop.store.table("File")[id])

    async def download(self, id: int, into: BinaryIO, most: int) -> None:
        self.downloads.append(id)
        if id in self.lost:
            raise SonarFileMissing("gone")
        if id in self.broken:
            into.write(b"half")
            raise SonarUnreachable("away")
        data = self.bytes_of(id) + b"more" * (id in self.grown)
        if len(data) > most:
            raise SonarFileTooLong("too long")
        into.write(data)


async def fetched(cabinet: Cabinet, into: Path, ids: str | None = None, most: int = 10**9, **options: Any) -> Fetching:
    chosen, client = None if ids is None else Ids.parse(ids), cast(SonarClient, cabinet)
    return await fetch(client, the_schema(), into, chosen, options.get("customer"), most, lambda *_: None)


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(one.name for one in folder.iterdir())


async def test_a_customers_files_are_fetched_with_their_checksums(tmp_path: Path) -> None:
    cabinet = Cabinet()
    result = await fetched(cabinet, tmp_path / "new", customer=cabinet.account)
    assert [one.id for one in result.fetched] == cabinet.mine
    assert result.exit_code is ExitCode.DONE
    for one in result.fetched:
        data = (tmp_path / "new" / one.name).read_bytes()
        assert data == cabinet.bytes_of(one.id)
        assert (one.bytes, one.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    lines = [json.loads(line) for line in (tmp_path / "new" / LIST).read_text().splitlines()]
    assert lines == result.document()["fetched"]


async def test_what_is_complete_is_not_fetched_again_and_what_was_cut_off_is(tmp_path: Path) -> None:
    cabinet = Cabinet()
    first, second, third = cabinet.mine
    cabinet.broken = {second}
    with pytest.raises(SonarUnreachable):
        await fetched(cabinet, tmp_path, customer=cabinet.account)
    assert names(tmp_path) == [f"{first}-contract_0.pdf", LIST]
    with (tmp_path / LIST).open("ab") as lines:
        lines.write(b'{"id": 99, "na')  # stopped in the middle of a line
    cabinet.broken, cabinet.downloads = set(), []
    result = await fetched(cabinet, tmp_path, customer=cabinet.account)
    assert cabinet.downloads == [second, third]
    assert result.there == 1
    (tmp_path / f"{first}-contract_0.pdf").write_bytes(b"cut")
    assert [one.id for one in (await fetched(cabinet, tmp_path, customer=cabinet.account)).fetched] == [first]


async def test_what_sonar_does_not_give_is_named_and_the_rest_is_fetched(tmp_path: Path) -> None:
    cabinet = Cabinet()
    first, second, third = cabinet.mine
    cabinet.lost, cabinet.grown = {first}, {second}
    result = await fetched(cabinet, tmp_path, f"{first}-{third},77")
    assert result.failed == {77: "sonar.file_missing", first: "sonar.file_missing", second: "sonar.file_too_long"}
    assert [one.id for one in result.fetched] == [third]
    assert result.exit_code is ExitCode.PARTLY
    assert f"file {second} was not fetched [sonar.file_too_long]" in text_of(result.document())
    assert [name for name in names(tmp_path) if name.endswith(".part")] == []


async def test_a_run_fetches_no_more_than_it_may(tmp_path: Path) -> None:
    cabinet = Cabinet()
    result = await fetched(cabinet, tmp_path, customer=cabinet.account, most=2500)
    assert (len(result.fetched), result.left, result.exit_code) == (2, 1, ExitCode.PARTLY)
    assert "1 were left" in text_of(result.document())
    assert len((await fetched(cabinet, tmp_path, customer=cabinet.account, most=2500)).fetched) == 1


async def test_a_name_leads_to_no_other_folder_and_is_not_told(tmp_path: Path) -> None:
    cabinet = Cabinet()
    result = await fetched(cabinet, tmp_path / "in", str(cabinet.other))
    (one,) = result.fetched
    assert one.name == f"{cabinet.other}-.._.._etc_passwd"
    assert (tmp_path / "in" / one.name).is_file()
    assert "passwd" not in text_of(result.document())


@pytest.mark.parametrize(("ids", "customer", "says"), [("77", None, "no file 77"), (None, 99, "no file of account 99")])
async def test_where_there_is_nothing_nothing_is_made(
    tmp_path: Path, ids: str | None, customer: int | None, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        await fetched(Cabinet(), tmp_path / "new", ids, customer=customer)
    assert not (tmp_path / "new").exists()


async def test_many_files_are_listed_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PAGE", 2)
    cabinet = Cabinet()
    result = await fetched(cabinet, tmp_path, "1-1000")
    assert [one.id for one in result.fetched] == [*cabinet.mine, cabinet.other]
