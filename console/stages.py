"""The commands that run a stage, or all of them: until it is done, or until they are asked to end."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import orjson
import typer

from console import advance, parts, summaries
from console import run as running
from console.actions import noted
from console.comparison import check_rules_where_possible
from console.options import Apply, Config, Json, Tell
from console.output import fail, show
from plumbing.errors import ExitCode, SyncError
from plumbing.logs import configure_logs
from plumbing.settings import Settings, load_settings
from processors.batch import process_batch
from producers.capture import run_capture
from producers.orders import Order
from producers.summary import CaptureSummary
from schemas.rules import load_rules
from sinks.answers import unknown_answers
from sinks.runner import run_sink

Summary = TypeVar("Summary")


@noted("snapshot")
def snapshot(
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Aggregate to read again: account or account,payment; may be repeated."),
    ] = None,
    ids: Annotated[
        str | None, typer.Option("--ids", help="With --only: no others than these, such as 17,40-60.")
    ] = None,
    customer: Annotated[
        int | None, typer.Option("--customer", help="Read again all that this account of Sonar owns.", min=1)
    ] = None,
    progress: Tell = None,
) -> None:
    """Read Sonar in full onto the topics, and end. Resumes where an earlier snapshot was interrupted.

    With --only, --ids or --customer a part is read again: that is shown first, and done with --apply, by the process
    that captures where one runs. It is kept until it is done, whatever is stopped meanwhile.
    """
    configure_logs()
    try:
        settings = load_settings(config)
        order = parts.order_of(settings.sonar.leave_out, only or (), ids, customer)
        if order is None:
            _capture(settings, json, follow=False, accept_deletes=None, progress=progress)
            return
        (foreseen, summary), stopped = _run(lambda stop: _part(settings, order, stop, progress, apply=apply))
    except SyncError as exc:
        fail(exc, as_json=json)
    document = {**_document(summary), "applied": apply, **foreseen.document()}
    show(document, as_json=json, text=summaries.capture_text if apply else parts.text_of)
    if stopped:
        raise typer.Exit(int(ExitCode.TRY_LATER))  # the order is kept
    if apply and not summary.snapshot_complete:
        raise typer.Exit(int(ExitCode.PARTLY))


async def _part(
    settings: Settings, order: Order, stop: asyncio.Event, progress: bool | None, *, apply: bool
) -> tuple[parts.Foreseen, CaptureSummary]:
    """Look what a part takes, and with `apply` read it here, or wait until the process that captures has."""
    foreseen, summary = await parts.foresee(settings, order), CaptureSummary()
    if not apply:
        return foreseen, summary
    with closing(parts.Awaiting(settings)) as awaiting:
        with advance.told(advance.own_metrics, progress):
            summary = await run_capture(settings, order=order, follow=False, stop=stop)
        if summary.signal_id is not None:
            with advance.told(advance.metrics_of(settings.http), progress):
                told = await awaiting.done(summary.signal_id, stop)
            if told is not None:
                parts.take_in(summary, told)
    return foreseen, summary


@noted("follow", lambda options: bool(options.get("accept_deletes")))
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
    configure_logs()
    try:
        settings = load_settings(config)
    except SyncError as exc:
        fail(exc, as_json=json)
    _capture(settings, json, follow=True, accept_deletes=accept_deletes, progress=progress)


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


@noted("sink")
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
    if unknown := unknown_answers(approve or ()):
        raise typer.BadParameter(f"nothing is called {', '.join(unknown)}; see --help", param_hint="--approve")
    try:
        settings = load_settings(config)
        with advance.told(advance.own_metrics, progress):
            summary, _ = _run(lambda stop: run_sink(settings, apply=apply, stop=stop, approve=approve or ()))
    except SyncError as exc:
        fail(exc, as_json=json)
    document = asdict(summary)
    show(document, as_json=json, text=summaries.sink_text)


@noted("run")
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
    settings: Settings, json: bool, *, follow: bool, accept_deletes: list[str] | None, progress: bool | None
) -> None:
    try:
        with advance.told(advance.own_metrics, progress):
            summary, stopped = _run(
                lambda stop: run_capture(settings, follow=follow, stop=stop, accept_deletes=accept_deletes)
            )
    except SyncError as exc:
        fail(exc, as_json=json)
    document = _document(summary)
    if not follow:
        document |= {"applied": True, "parts": [], "foreseen": None}
    show(document, as_json=json, text=summaries.capture_text)
    if stopped and not follow:
        raise typer.Exit(int(ExitCode.TRY_LATER))  # on its way; the next one resumes
    if summary.standing and not follow:
        raise typer.Exit(int(ExitCode.PARTLY))


def _document(summary: CaptureSummary) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(orjson.dumps(asdict(summary), default=_plain))
    return document


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
