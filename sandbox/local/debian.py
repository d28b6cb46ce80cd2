"""Debian's packages that the local servers need, installed without starting Debian's own services.

The standard library only: it runs before anything is installed.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

OLDEST_JAVA = 17


class InstallFailed(RuntimeError):
    """Packages are missing and cannot be installed by us; the message names all of them and the command."""


@dataclass(frozen=True)
class Package:
    """A Debian package, what it is for, and roughly what it takes on disk with its dependencies."""

    name: str
    size: str
    purpose: str
    services: tuple[str, ...] = ()


VENV = Package("python3-venv", "8 MB", "virtual environments")
JAVA = Package("default-jdk-headless", "270 MB", "runs Kafka and the registry, compiles the docs' consumer")
MAVEN = Package("maven", "25 MB", "fetches their jars")
MARIADB = Package("mariadb-server", "190 MB", "Splynx's database and the ledger", ("mariadb",))
PROMETHEUS = Package("prometheus", "180 MB", "promtool, which checks metrics and alert rules", ("prometheus",))


def missing_packages(*, venv_exists: bool) -> list[Package]:
    """The packages whose programs are not here."""
    missing = []
    # Debian splits ensurepip off its Python; without it `python3 -m venv` makes an environment without pip.
    if not venv_exists and importlib.util.find_spec("ensurepip") is None:
        missing.append(VENV)
    if not _java_is_new_enough() or find_program("javac") is None:
        missing.append(JAVA)
    missing += [
        package
        for package, programs in (
            (MAVEN, ("mvn",)),
            (MARIADB, ("mariadbd", "mariadb-install-db")),
            (PROMETHEUS, ("prometheus", "promtool")),
        )
        if not all(find_program(program) for program in programs)
    ]
    return missing


def find_program(name: str) -> str | None:
    """Its path; Debian keeps servers in /usr/sbin, which is not on everybody's PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _java_is_new_enough() -> bool:
    java = find_program("java")
    if java is None:
        return False
    # Debian's path names the version; asking java itself would cost a quarter of a second on every run.
    named = re.search(r"(?:java|jdk|jre)-?(\d+)", os.path.realpath(java))
    if named:
        return int(named[1]) >= OLDEST_JAVA
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    version = re.search(r'version "(\d+)', answer)
    return version is not None and int(version[1]) >= OLDEST_JAVA


def install(packages: Sequence[Package]) -> None:
    """Install them as root or through `sudo -n`.

    Raises:
        InstallFailed: no right to, no apt, or apt failed.
    """
    names = " ".join(package.name for package in packages)
    by_hand = f"Missing: {names}.\nInstall with: sudo apt-get install {names}"
    if find_program("apt-get") is None:
        raise InstallFailed(f"{by_hand}\n(or what your system calls them; apt-get is not here)")
    prefix = _root_prefix()
    if prefix is None:
        raise InstallFailed(f"{by_hand}\n(neither root nor sudo without a password)")
    services = " ".join(service for package in packages for service in package.services)
    print(f"Installing {names} ...", flush=True)
    script = [*prefix, "/bin/sh", "-c", INSTALL, "install", POLICY, names, services]
    done = subprocess.run(script, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)  # noqa: S603 - our words
    if done.returncode != 0:
        raise InstallFailed(f"apt-get failed (above).\n{by_hand}")
    importlib.invalidate_caches()


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = find_program("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return [sudo, "-n"]
    return None


POLICY = "/usr/sbin/policy-rc.d"
"""Debian asks this script before it starts a service; 101 forbids it."""

INSTALL = """\
set -eu
policy=$1 names=$2 services=$3
kept="$policy.before-crossfade"
mark='# crossfade: no services while its packages are installed'
restore() {
    if [ -e "$kept" ] || [ -L "$kept" ]; then mv -f "$kept" "$policy"; else rm -f "$policy"; fi
}
# A run that was killed may have left ours: then what is kept beside it is the true one.
if [ -f "$policy" ] && grep -qF "$mark" "$policy"; then restore; fi
trap restore EXIT
trap 'exit 130' INT TERM HUP
if [ -e "$policy" ] || [ -L "$policy" ]; then mv -f "$policy" "$kept"; fi
printf '#!/bin/sh\\n%s\\nexit 101\\n' "$mark" > "$policy"
chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends $names >/dev/null
# Not at the next boot either.
if command -v systemctl >/dev/null 2>&1; then
    for service in $services; do systemctl disable --quiet "$service" >/dev/null 2>&1 || true; done
fi
"""
