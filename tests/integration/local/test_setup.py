"""Set-up of a bare clone: what it finds missing, how it installs, and that it does nothing twice."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.local import debian, setup
from sandbox.local.library import ROOT

MARK = "crossfade: no services"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of the PATH, with an apt-get that notes what it is asked and what the policy says then."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake(folder, "apt-get", f'echo "$@" >> {tmp_path}/asked; {tmp_path}/policy-rc.d; echo $? >> {tmp_path}/policy')
    fake(folder, "systemctl", f'echo "$@" >> {tmp_path}/disabled')
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(debian, "POLICY", str(tmp_path / "policy-rc.d"))
    monkeypatch.setattr(debian, "_root_prefix", list)
    return folder


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_packages_are_installed_while_services_are_forbidden(programs: Path, tmp_path: Path) -> None:
    debian.install([debian.MAVEN, debian.MARIADB])
    assert (tmp_path / "asked").read_text().splitlines() == [
        "-qq update",
        "-qq install -y --no-install-recommends maven mariadb-server",
    ]
    assert (tmp_path / "policy").read_text().split() == ["101", "101"]
    assert not (tmp_path / "policy-rc.d").exists()
    assert (tmp_path / "disabled").read_text() == "disable --quiet mariadb\n"


@pytest.mark.parametrize("succeeds", [True, False], ids=["apt succeeds", "apt fails"])
def test_the_machines_own_policy_is_back_afterwards(programs: Path, tmp_path: Path, succeeds: bool) -> None:
    fake(tmp_path, "policy-rc.d", "exit 7")
    if succeeds:
        debian.install([debian.MAVEN])
    else:
        fake(programs, "apt-get", "exit 100")
        with pytest.raises(debian.InstallFailed, match=r"apt-get failed(?s:.*)sudo apt-get install maven"):
            debian.install([debian.MAVEN])
    assert (tmp_path / "policy-rc.d").read_text() == "#!/bin/sh\nexit 7\n"
    assert not (tmp_path / "policy-rc.d.before-crossfade").exists()


def test_a_policy_that_a_killed_run_left_is_not_taken_for_the_machines_own(programs: Path, tmp_path: Path) -> None:
    fake(tmp_path, "policy-rc.d", "exit 7")
    fake(programs, "apt-get", "kill -9 $PPID")
    with pytest.raises(debian.InstallFailed):
        debian.install([debian.MAVEN])
    assert MARK in (tmp_path / "policy-rc.d").read_text()
    fake(programs, "apt-get", "true")
    debian.install([debian.MAVEN])
    assert (tmp_path / "policy-rc.d").read_text() == "#!/bin/sh\nexit 7\n"


def test_without_root_and_sudo_one_message_names_every_missing_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    fake(tmp_path, "sudo", "exit 1")  # asks for a password
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(debian.InstallFailed) as failed:
        debian.install([debian.MAVEN, debian.MARIADB, debian.PROMETHEUS])
    assert "sudo apt-get install maven mariadb-server prometheus" in str(failed.value)


def test_on_a_bare_machine_everything_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "find_program", lambda _name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert [package.name for package in debian.missing_packages(venv_exists=False)] == [
        "python3-venv",
        "default-jdk-headless",
        "maven",
        "mariadb-server",
        "prometheus",
    ]


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        pytest.param("11", True, id="Java 11"),
        pytest.param("17", False, id="Java 17"),
        pytest.param("21", False, id="21"),
    ],
)
def test_a_java_that_is_too_old_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, missing: bool
) -> None:
    home = tmp_path / f"java-{version}-openjdk" / "bin"
    home.mkdir(parents=True)
    fake(home, "java", "true")
    find = debian.find_program
    fake(home, "javac", "true")
    of_java = ("java", "javac")
    monkeypatch.setattr(debian, "find_program", lambda name: str(home / name) if name in of_java else find(name))
    assert (debian.JAVA in debian.missing_packages(venv_exists=True)) is missing
    monkeypatch.setattr(debian, "find_program", lambda name: None if name == "javac" else str(home / name))
    assert debian.JAVA in debian.missing_packages(venv_exists=True)


def test_set_up_says_what_it_will_do_before_it_does_it_and_does_it_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []
    said: list[str] = []

    def run(command: list[str], _failure: str) -> None:
        said.append(capsys.readouterr().out)
        done.append(" ".join(command))
        for argument in command:
            if argument.startswith("-Dlibrary="):
                Path(argument.removeprefix("-Dlibrary=")).mkdir(parents=True)

    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    for name in ("SERVERS", "PEER"):
        jars = getattr(setup, name)
        monkeypatch.setattr(setup, name, replace(jars, folder=tmp_path / ".local" / jars.folder.name))
    monkeypatch.setattr(setup, "missing_packages", lambda **_given: [])
    monkeypatch.setattr(setup, "_run", run)
    (tmp_path / ".venv").mkdir()
    assert setup.main([]) == 0
    assert [f"-m venv {tmp_path}/.venv" in done[0], "--require-hashes" in done[1], "--no-deps" in done[2]] == [True] * 3
    assert "dependency:copy-dependencies@kafka dependency:unpack@registry" in done[3]

    assert [size in said[0] for size in (setup.VENV_SIZE, setup.SERVERS.size)] == [True, True]
    assert capsys.readouterr().out.splitlines()[-1] == "Set up."
    done.clear()
    assert setup.main([]) == 0
    assert done == []
    assert capsys.readouterr().out == ""

    assert setup.main(["--peer"]) == 0
    assert [one.partition("dependency:")[2] for one in done] == ["copy-dependencies@connect dependency:unpack@plugin"]
    assert setup.PEER.size in said[-1]
    done.clear()
    assert setup.main(["--peer"]) == 0
    assert done == []

    monkeypatch.setattr(setup, "venv_key", lambda: "requirements have changed")
    assert setup.main([]) == 0
    assert len(done) == 3


def test_set_up_needs_nothing_but_the_standard_library() -> None:
    # -S leaves site-packages out, -I the environment: only what a bare Python has is importable.
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import sandbox.local.setup"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True)
