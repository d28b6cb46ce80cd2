"""A Sonar that only its schema describes: thousands of types that nobody here has heard of around those we read."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.integration.capture.conftest import Site, assert_topics_equal_sonar, plain

UNKNOWN = 2000
LARGEST_MEBIBYTES = 350


def scalar(name: str) -> dict[str, Any]:
    return {"kind": "SCALAR", "name": name, "ofType": None}


def a_field(name: str, kind: dict[str, Any], args: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"name": name, "args": args or [], "type": kind, "isDeprecated": False, "deprecationReason": None}


def an_object(name: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    empty: dict[str, Any] = {"inputFields": None, "interfaces": [], "enumValues": None, "possibleTypes": None}
    return {"kind": "OBJECT", "name": name, "fields": fields, **empty}


def enlarged(answer: dict[str, Any]) -> bytes:
    """An introspection with `UNKNOWN` more row types, each with its connection and its collection, and relations."""
    types = answer["data"]["__schema"]["types"]
    query = next(one for one in types if one["name"] == "Query")
    account = next(one for one in types if one["name"] == "Account")
    arguments = next(one for one in query["fields"] if one["name"] == "accounts")["args"]
    columns = [a_field(f"column_{number}", scalar("String")) for number in range(20)]
    for number in range(UNKNOWN):
        row, connection = f"Unknown{number}", f"Unknown{number}Connection"
        to_one = {"kind": "OBJECT", "name": f"Unknown{(number + 1) % UNKNOWN}", "ofType": None}
        listed = {"kind": "LIST", "name": None, "ofType": {"kind": "OBJECT", "name": row, "ofType": None}}
        types.append(an_object(row, [a_field("id", scalar("Int64Bit")), a_field("next", to_one), *columns]))
        types.append(an_object(connection, [a_field("entities", listed)]))
        found = {"kind": "OBJECT", "name": connection, "ofType": None}
        query["fields"].append(a_field(f"unknown_{number}", found, arguments[:8]))
        account["fields"].append(a_field(f"unknown_{number}", found))
    return orjson.dumps(answer)


@pytest.fixture
async def large(make_site: Callable[..., Site]) -> AsyncIterator[tuple[Site, list[int]]]:
    """A site whose Sonar stands behind a door that enlarges its schema; and the sizes of introspections sent."""
    site = make_site(accounts=10)
    behind, sent = site.sonar.url, list[int]()

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {"Authorization": request.headers["Authorization"], "Content-Type": "application/json"}
        async with session.post(behind, data=body, headers=headers) as found:
            content = await found.read()
        if b"__schema" in body:
            content = enlarged(orjson.loads(content))
            sent.append(len(content))
        return web.Response(body=content, content_type="application/json", headers={"Date": found.headers["Date"]})

    application = web.Application()
    application.router.add_post("/api/graphql", answer)
    async with aiohttp.ClientSession() as session, TestServer(application, host="127.0.0.1") as server:
        url = str(server.make_url("/")).rstrip("/")
        sonar = site.settings.sonar.model_copy(update={"url": url})
        site.settings = site.settings.model_copy(update={"sonar": sonar})
        yield site, sent


async def run(site: Site, folder: Path, *command: str) -> tuple[dict[str, Any], float]:
    """The document that a command prints, and the most memory that it had, in MiB."""
    config = folder / "settings.json"
    config.write_text(json.dumps(plain(site)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", *command, "--json", "--config", str(config),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    told = asyncio.create_task(process.communicate())
    peak = 0.0
    while not told.done():
        try:
            peak = max(peak, psutil.Process(process.pid).memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            break
        await asyncio.wait([told], timeout=0.05)
    out, err = await told
    assert out, err.decode()[-2000:]
    return json.loads(out), peak


async def test_a_snapshot_of_a_sonar_with_thousands_of_other_types_is_the_same_and_takes_little_memory(
    large: tuple[Site, list[int]], tmp_path: Path
) -> None:
    site, sent = large
    document, peak = await run(site, tmp_path, "snapshot")
    assert sent
    assert sent[0] > 5 * 2**20
    assert document["snapshot_complete"]
    await asyncio.to_thread(assert_topics_equal_sonar, site)
    assert peak < LARGEST_MEBIBYTES


async def test_doctor_reads_the_schema_of_a_sonar_with_thousands_of_other_types(
    large: tuple[Site, list[int]], tmp_path: Path
) -> None:
    site, _ = large
    document, peak = await run(site, tmp_path, "doctor")
    (sonar,) = [one for one in document["checks"] if one["check"] == "sonar"]
    assert sonar["ok"], sonar
    assert "fingerprint" in sonar["says"]
    assert peak < LARGEST_MEBIBYTES


async def test_what_such_a_sonar_lacks_is_named_and_the_rest_is_read(
    large: tuple[Site, list[int]], tmp_path: Path
) -> None:
    site, _ = large
    site.control("schema", {"hide": ["Account.name", "payments"]})
    document, _ = await run(site, tmp_path, "snapshot")
    assert document["error"]["code"] == "capture.schema_unfit"
    assert "Account.name" in document["error"]["message"]
    assert "payments" in document["error"]["message"]
    assert site.events("account") == []
    assert len(site.folded("company")) == site.control("store/Company")["count"]
