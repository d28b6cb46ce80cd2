"""Serve a Splynx: `python -m sandbox.splynx --help`."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pymysql
import uvloop
from aiohttp import web

from sandbox.splynx.database import Database, Server
from sandbox.splynx.grants import add_server_arguments, server_of
from sandbox.splynx.install import install
from sandbox.splynx.seed import Credentials
from sandbox.splynx.server import application, open_api


def main() -> int:
    """Serve until SIGTERM or ctrl-C. 4: the database cannot be used."""
    given = _arguments()
    server = server_of(given)
    try:
        if given.install:
            credentials = install(server, timezone=given.timezone, currency=given.currency, guards_off=given.guards_off)
            if given.credentials_file:
                write_credentials(given.credentials_file, credentials)
        uvloop.run(_serve(server, given.host, given.port, given.scheduled_seconds))
    except (pymysql.err.MySQLError, LookupError) as error:
        print(f"splynx sandbox: {error}", file=sys.stderr)
        return 4
    return 0


def write_credentials(path: Path, credentials: Credentials) -> None:
    """Key and secret as JSON, readable by the owner alone."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"key": credentials.key, "secret": credentials.secret}, file)


async def _serve(server: Server, host: str, port: int, scheduled_seconds: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    api = await open_api(await Database.open(server))
    runner = web.AppRunner(application(api, scheduled_seconds=scheduled_seconds), access_log=None)
    await runner.setup()
    listening = socket.create_server((host, port))
    await web.SockSite(runner, listening).start()
    url = f"http://{host}:{listening.getsockname()[1]}"
    print(json.dumps({"url": url, "control": f"{url}/_sandbox"}), flush=True)
    await stop.wait()
    await runner.cleanup()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.splynx", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; the address is printed as JSON")
    add_server_arguments(parser)
    parser.add_argument("--credentials-file", type=Path, help="where to write key and secret")
    parser.add_argument("--install", action="store_true", help="create schema and first rows where there are none")
    parser.add_argument(
        "--scheduled-seconds",
        type=float,
        default=0,
        help="run the product's scheduled job this often: billing, blocking, reminders, as far as they are on;"
        " 0: only by POST to /_sandbox/automation/run",
    )
    parser.add_argument("--timezone", default="America/Chicago")
    parser.add_argument("--currency", default="USD")
    parser.add_argument(
        "--guards-off", action="store_true", help="install with every automation and mail off, ready for a migration"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
