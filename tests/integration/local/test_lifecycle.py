"""A stack of its own for each test: starting, restarting, failing and sharing."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from sandbox.local import library
from sandbox.local.library import ProgramMissing
from sandbox.local.ports import answers
from sandbox.local.processes import Command, Managed, StartFailed
from sandbox.local.shared import SharedStack
from sandbox.local.stack import Addresses, LocalStack

SCHEMA = Schema('{"type":"record","name":"r","fields":[{"name":"a","type":"string"}]}', "AVRO")


def test_a_stack_starts_survives_restarts_and_stops(tmp_path: Path) -> None:
    said: list[str] = []
    stack = LocalStack(tmp_path, say=said.append)
    with stack:
        assert sorted(said) == ["kafka is up", "mariadb is up", "registry is up"]
        addresses = Addresses.read(tmp_path / "state.json")
        assert addresses == stack.addresses
        assert addresses.mariadb_password not in (tmp_path / "state.json").read_text()
        assert stat.S_IMODE(Path(addresses.mariadb_password_file).stat().st_mode) == 0o600

        # Starting again starts nothing again.
        pids = {name: server.process.pid for name, server in stack.servers.items()}
        assert LocalStack(tmp_path).start() == addresses
        assert {name: server.process.pid for name, server in stack.servers.items()} == pids

        with SchemaRegistryClient({"url": addresses.registry_url}) as client:
            number = client.register_schema("s-value", SCHEMA)
        stack.restart("registry", crash=True)
        with SchemaRegistryClient({"url": addresses.registry_url}) as client:
            assert client.get_latest_version("s-value").schema_id == number

        with stack.mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE kept")
        stack.restart("mariadb", crash=True)
        with stack.mariadb.connect() as connection, connection.cursor() as cursor:
            assert cursor.execute("SHOW DATABASES LIKE 'kept'") == 1

    assert not stack.is_running
    assert not answers(addresses.mariadb_port)
    assert not answers(int(addresses.kafka_bootstrap.rpartition(":")[2]))
    assert stack.stop() == []


def test_a_server_that_cannot_start_shows_its_last_lines_and_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = LocalStack(tmp_path)
    command = stack.mariadb.command

    def broken() -> Command:
        given = command()
        return Command([*given.argv, "--no-such-option"], given.environment, given.folder)

    monkeypatch.setattr(stack.mariadb, "command", broken)
    with pytest.raises(StartFailed, match=r"mariadb ended while starting(?s:.*)unknown option '--no-such-option'"):
        stack.start()
    assert [server.process.pid for server in stack.servers.values()] == [None, None, None]
    assert list((tmp_path / "run").iterdir()) == []
    assert not (tmp_path / "state.json").exists()


def test_what_ran_before_a_failed_start_goes_on_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = LocalStack(tmp_path)
    stack.mariadb.prepare()
    stack.mariadb.process.start(stack.mariadb.command(), is_ready=stack.mariadb.is_ready, timeout_seconds=30)
    try:
        monkeypatch.setattr(stack.kafka, "command", lambda: Command(["/nowhere/java"], {}))
        with pytest.raises(StartFailed, match="kafka cannot be run"):
            stack.start()
        assert stack.mariadb.is_ready()
        assert not stack.kafka.process.is_running
        assert not stack.registry.process.is_running
    finally:
        stack.stop()


def test_without_setup_the_message_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFADE_LIBRARY", str(tmp_path))
    with pytest.raises(ProgramMissing, match="Run `make setup`"):
        library.library()
    with pytest.raises(ProgramMissing, match=r"no-such-program is not installed. Run `make setup`"):
        library.program("no-such-program")


def test_a_shared_stack_is_stopped_by_its_last_user_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_mariadb(monkeypatch)
    shared = SharedStack(tmp_path, os.getpid())
    shared.join()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        users = tmp_path / "users.json"
        users.write_text(json.dumps([*json.loads(users.read_text()), sleeper.pid]))
        assert shared.leave() is False
        assert Managed("mariadb", tmp_path).is_running
    finally:
        sleeper.kill()
        sleeper.wait()
    shared.join()
    assert shared.leave() is True
    assert not Managed("mariadb", tmp_path).is_running
    assert not Managed("watchman", tmp_path).is_running


def test_a_shared_stack_is_stopped_when_its_owner_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only_mariadb(monkeypatch)
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    SharedStack(tmp_path, owner.pid).join()
    server, watchman = Managed("mariadb", tmp_path), Managed("watchman", tmp_path)
    assert all(one.is_running for one in (server, watchman))
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 20
    while any(one.is_running for one in (server, watchman)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _only_mariadb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack of one server, which is enough to see who stops it."""
    monkeypatch.setattr(LocalStack, "servers", property(lambda stack: {"mariadb": stack.mariadb}), raising=True)
    monkeypatch.setattr(LocalStack, "addresses", property(lambda _stack: Addresses("", "", "", 0, "", "")))
