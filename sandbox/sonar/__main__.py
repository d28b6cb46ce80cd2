"""Runs the sandbox: `python -m sandbox.sonar --port 8080 --token-file token --accounts 300 --live 5`.

Prints one line of JSON when it is ready, `{"url": ..., "control": ...}`; SIGTERM or ctrl-C end it.
"""

import argparse
import asyncio
import gc
import os
import secrets
import signal
from pathlib import Path

import orjson
from aiohttp import web

from sandbox.sonar.compile import Conditions
from sandbox.sonar.control import PREFIX, Control, World
from sandbox.sonar.newer import GENERATIONS
from sandbox.sonar.server import PATH, Clock, Server
from sandbox.sonar.store import Store
from sandbox.sonar.types import with_extra_types


def main() -> None:
    """The command."""
    options = _parser().parse_args()
    asyncio.run(_serve(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.sonar", description="A Sonar to try things on.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="the control room answers to this machine only, whatever it is"
    )
    parser.add_argument("--token-file", type=Path, required=True, help="holds the bearer token; made when missing")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--accounts", type=int, default=0, help="invent an ISP of this size")
    parser.add_argument("--full", action="store_true", help="with all the history that an ISP of this size has")
    parser.add_argument("--live", type=float, default=0.0, metavar="RATE", help="events per second from the start")
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--timezone", default="AMERICACHICAGO")
    parser.add_argument("--rate-limit", type=int, default=400, help="requests per minute; 0: none")
    parser.add_argument("--rate-limit-status", type=int, choices=(200, 429), default=429)
    parser.add_argument("--largest-page", type=int, default=None, help="silently clamp page sizes to this")
    parser.add_argument("--same-attribute-or", action="store_true", help="several EQ on one attribute mean one of them")
    parser.add_argument(
        "--generation", choices=sorted(GENERATIONS), default="first", help="newer: several data services per account"
    )
    parser.add_argument("--extra-types", type=int, default=0, help="add this many types that nobody asks for")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    clock = Clock()
    store = Store(
        clock,
        currency=options.currency,
        timezone=options.timezone,
        declarations=with_extra_types(GENERATIONS[options.generation], options.extra_types),
    )
    gc.disable()
    world = _populate(store, options.seed, options.accounts, full=options.full) if options.accounts else None
    # The rows stay for good: without this, every full collection would walk all of them, while they are made and later
    # in the middle of an answer.
    gc.collect()
    gc.freeze()
    gc.enable()
    server = Server(
        store,
        _token(options.token_file),
        clock=clock,
        per_minute=options.rate_limit,
        limit_status=options.rate_limit_status,
        normal=Conditions(largest_page=options.largest_page, same_attribute_or=options.same_attribute_or),
    )
    application = server.application()
    Control(server, clock, world).add_to(application)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        base = f"http://{host}:{port}"
        print(orjson.dumps({"url": f"{base}{PATH}", "control": f"{base}{PREFIX}"}).decode(), flush=True)
        if world is not None and options.live:
            world.resume(options.live)
        await _end_of_days()
        if world is not None:
            world.pause()
    finally:
        await runner.cleanup()


def _populate(store: Store, seed: int, accounts: int, *, full: bool) -> World:
    # Imported here: without --accounts the sandbox is an empty Sonar, and needs no world.
    from sandbox.world import populate

    return populate(store, seed=seed, accounts=accounts, full=full)


def _token(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"sandbox.{secrets.token_urlsafe(32)}\n", encoding="utf-8")
    token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise SystemExit(f"{os.fspath(path)} holds no token")
    return token


async def _end_of_days() -> None:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, ended.set)
    await ended.wait()


if __name__ == "__main__":
    main()
