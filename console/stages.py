"""The commands that run a stage, or all of them: until it is done, or until they are asked to end."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer

from console import advance, summaries
from console import run as running
from console.comparison import check_rules_where_possible
from console.options import Apply, Config, Json, Tell
from console.output import fail, show
from plumbing.errors import ExitCode, SyncError
from plumbing.logs import configure_logs
from plumbing.settings import load_settings
from processors.batch import process_batch
from producers.capture import run_capture
from schemas.rules import load_rules
from sinks.runner import run_sink

Summary = TypeVar("Summary")


def snapshot(
    config: Config = None,
    json: Json = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Aggregate to read; may be repeated.")] = None,
    progress: Tell = None,
) -> None:
    """Read Sonar in full onto the topics, and end. Resumes where an earlier snapshot was interrupted."""
    _capture(config, json, snapshot="force" if only else "auto", follow=False, only=only, progress=progress)


def follow(
    config: Config = None,
    json: Json = False,
    accept_deletes: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-deletes",
            help="Collection whose held deletes are meant; may be repeated. Handed to the capture that is running.",
        ),
    ] = None,
    progress: Tell = None,
) -> None:
    """Capture: complete the snapshot, then follow changes until stopped. One process per Sonar."""
    _capture(config, json, snapshot="auto", follow=True, only=None, accept_deletes=accept_deletes, progress=progress)


def process(
    config: Config = None,
    json: Json = False,
    engine: Annotated[
        str, typer.Option(help="live: Faust, until stopped. batch: what lies there now, then end.")
    ] = "live",
    progress: Tell = None,
) -> None:
    """Map events to bundles. Reads and writes our own topics only."""
    configure_logs()
    if engine not in {"live", "batch"}:
        raise typer.BadParameter("must be live or batch", param_hint="--engine")
    try:
        settings = load_settings(config)
        load_rules(settings.rules)
        # A loop of its own, never made the current one: Faust brings another.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(check_rules_where_possible(settings))
        stop = threading.Event()
        with advance.told(advance.own_metrics, progress):
            if engine == "live":
                # Here: Faust takes as long to import as all that the other commands need.
                from processors.worker import run_worker

                summary = run_worker(settings)
            else:
                for sign in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(sign, lambda number, frame: stop.set())
                summary = process_batch(settings, until_end=True, stop=stop)
    except SyncError as exc:
        fail(exc, as_json=json)
    document = {"produced": dict(summary.produced), "dead_lettered": dict(summary.dead_lettered)}
    show(document, as_json=json, text=summaries.process_text)
    if stop.is_set():
        raise typer.Exit(int(ExitCode.TRY_LATER))


def sink(
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    approve: Annotated[
        list[str] | None,
        typer.Option(help="adoption, target, the entity that a brake names, or mended. May be repeated."),
    ] = None,
    progress: Tell = None,
) -> None:
    """Write bundles into Splynx until stopped; without --apply, count what it would do and end."""
    configure_logs()
    try:
        settings = load_settings(config)
        with advance.told(advance.own_metrics, progress):
            summary, _ = _run(lambda stop: run_sink(settings, apply=apply, stop=stop, approve=approve or ()))
    except SyncError as exc:
        fail(exc, as_json=json)
    document = asdict(summary)
    show(document, as_json=json, text=summaries.sink_text)


def run(
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    until: Annotated[str | None, typer.Option(help="caught-up: end when every stage passed a whole snapshot.")] = None,
    progress: Tell = None,
) -> None:
    """Run all stages as child processes of this machine. Without --apply: all but the sink, so Splynx is not written.

    Exit code 0 when nothing is parked or dead-lettered, else 5 with a list. Deferred records are listed, no error.
    """
    configure_logs()
    if until not in {None, "caught-up"}:
        raise typer.BadParameter("must be caught-up", param_hint="--until")
    try:
        settings = load_settings(config)
        load_rules(settings.rules)
        with advance.told(advance.metrics_of(settings.http), progress):
            result = running.run_stages(settings, config, apply=apply, until_caught_up=until is not None)
    except SyncError as exc:
        fail(exc, as_json=json)
    show(result.document(), as_json=json, text=running.text_of)
    raise typer.Exit(int(result.exit_code))


def _capture(
    config: Path | None,
    json: bool,
    *,
    snapshot: Any,
    follow: bool,
    only: list[str] | None,
    accept_deletes: list[str] | None = None,
    progress: bool | None,
) -> None:
    configure_logs()
    try:
        settings = load_settings(config)
        with advance.told(advance.own_metrics, progress):
            summary, stopped = _run(
                lambda stop: run_capture(
                    settings, snapshot=snapshot, follow=follow, stop=stop, only=only, accept_deletes=accept_deletes
                )
            )
    except SyncError as exc:
        fail(exc, as_json=json)
    document = orjson.loads(orjson.dumps(asdict(summary), default=_plain))
    show(document, as_json=json, text=summaries.capture_text)
    if stopped and not follow:
        raise typer.Exit(int(ExitCode.TRY_LATER))  # on its way; the next one resumes


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError


def _run(work: Callable[[asyncio.Event], Coroutine[Any, Any, Summary]]) -> tuple[Summary, bool]:
    """Run until the work is done, or until SIGTERM or ctrl-C ask it to end, which the second member tells."""

    async def inner() -> tuple[Summary, bool]:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, stop.set)
        return await work(stop), stop.is_set()

    return asyncio.run(inner())
