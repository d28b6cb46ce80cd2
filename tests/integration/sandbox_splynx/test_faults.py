"""Faults on demand, and the server as a process of its own."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from sandbox.splynx.database import Server
from sandbox.splynx.seed import Credentials
from tests.integration.sandbox_splynx.conftest import Splynx

PARTNERS = "administration/partners"


async def names(splynx: Splynx) -> list[str]:
    return [row["name"] for row in splynx.sql("SELECT name FROM partners")]


async def arm(splynx: Splynx, kind: str, **more: object) -> None:
    answer = await splynx.raw("POST", "/_sandbox/faults", {"kind": kind, "path": "partners$"} | more)
    assert answer.status == 204


@pytest.mark.parametrize(("kind", "status"), [("500", 500), ("429", 429), ("html", 200)])
async def test_a_fault_answers_instead_of_the_api_once(splynx: Splynx, kind: str, status: int) -> None:
    await arm(splynx, kind, method="POST", **({"retry_after": 7} if kind == "429" else {}))
    assert (await splynx.call("GET", PARTNERS)).status == 200, "another method must not spend it"
    answer = await splynx.call("POST", PARTNERS, {"name": f"Never {kind}"})
    assert answer.status == status
    assert answer.headers.get("Retry-After") == ("7" if kind == "429" else None)
    assert f"Never {kind}" not in await names(splynx)
    assert (await splynx.call("POST", PARTNERS, {"name": f"Then {kind}"})).status == 201


async def test_a_connection_cut_after_the_commit_leaves_the_row(splynx: Splynx) -> None:
    await arm(splynx, "reset_after_commit")
    with pytest.raises(aiohttp.ClientError):
        await splynx.call("POST", PARTNERS, {"name": "Cut after"})
    assert "Cut after" in await names(splynx)


async def test_a_fault_behind_the_commit_waits_for_a_request_that_commits(splynx: Splynx) -> None:
    await arm(splynx, "reset_after_commit", method="POST")
    assert (await splynx.call("POST", PARTNERS, {"unknown": "x"})).status == 422
    with pytest.raises(aiohttp.ClientError):
        await splynx.call("POST", PARTNERS, {"name": "Cut at last"})
    assert "Cut at last" in await names(splynx)


async def test_a_connection_cut_before_leaves_none(splynx: Splynx) -> None:
    await arm(splynx, "reset_before")
    with pytest.raises(aiohttp.ClientError):
        await splynx.call("POST", PARTNERS, {"name": "Cut before"})
    assert "Cut before" not in await names(splynx)


async def test_a_client_that_gave_up_does_not_stop_a_slow_write(splynx: Splynx) -> None:
    await arm(splynx, "delay_before", seconds=0.4)
    with pytest.raises(asyncio.TimeoutError):
        await splynx.call("POST", PARTNERS, {"name": "Slow"}, timeout=aiohttp.ClientTimeout(0.1))
    assert "Slow" not in await names(splynx)
    deadline = time.monotonic() + 10
    while "Slow" not in await names(splynx):
        assert time.monotonic() < deadline, "the write was never finished"
        await asyncio.sleep(0.05)


async def test_an_answer_held_back_after_the_commit_comes_in_the_end(splynx: Splynx) -> None:
    await arm(splynx, "delay_after_commit", seconds=0.5)
    request = asyncio.create_task(splynx.call("POST", PARTNERS, {"name": "Held"}))
    deadline = time.monotonic() + 10
    while "Held" not in await names(splynx):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert not request.done()
    assert (await request).status == 201


async def test_faults_are_listed_and_cleared_and_unknown_ones_refused(splynx: Splynx) -> None:
    await arm(splynx, "500", times=3)
    assert [fault["times"] for fault in (await splynx.raw("GET", "/_sandbox/faults")).body] == [3]
    assert (await splynx.raw("DELETE", "/_sandbox/faults")).status == 204
    assert (await splynx.call("GET", PARTNERS)).status == 200
    assert (await splynx.raw("POST", "/_sandbox/faults", {"kind": "earthquake"})).status == 400


def test_the_command_prints_its_address_and_writes_the_key_for_the_owner_only(
    installed: tuple[Server, Credentials], tmp_path: Path
) -> None:
    server, credentials = installed
    (tmp_path / "password").write_text(server.password)
    command = [sys.executable, "-m", "sandbox.splynx", "--install", "--db-host", server.host]
    command += ["--db-port", str(server.port), "--db-user", server.user, "--db-name", server.name]
    command += ["--db-password-file", str(tmp_path / "password"), "--credentials-file", str(tmp_path / "key.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        printed = json.loads(process.stdout.readline())
        assert printed["control"] == printed["url"] + "/_sandbox"
        key = json.loads((tmp_path / "key.json").read_text())
        assert Credentials(**key) == credentials
        assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_a_database_that_is_not_there_ends_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox.splynx", "--db-port", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ.copy())
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (4, "", 1)
