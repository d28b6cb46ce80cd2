"""`crossfade ledger`: the commands about what Crossfade knows of Splynx's rows."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from console import journal as journals
from console import ledger as ledgers
from console.actions import noted
from console.options import Apply, Config, Json
from console.output import fail, show
from console.writing import phase_text
from plumbing.errors import SyncError
from plumbing.logs import configure_logs
from plumbing.settings import load_settings
from sinks.phase import run_phase

ledger = typer.Typer(help="The ledger: what Crossfade knows about Splynx's rows.", no_args_is_help=True)


@ledger.command("rebuild", epilog="Example: crossfade ledger rebuild; crossfade ledger rebuild --apply")
@noted("ledger rebuild")
def ledger_rebuild(config: Config = None, json: Json = False, apply: Apply = False) -> None:
    """Make the ledger anew from the marks in Splynx: it was lost, or Splynx was restored. Ends a running sink."""
    configure_logs()
    try:
        document = asyncio.run(ledgers.rebuild(load_settings(config), apply=apply))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(document, as_json=json, text=ledgers.text_of)


@ledger.command("migrate", epilog="Example: crossfade ledger migrate; crossfade ledger migrate --apply")
@noted("ledger migrate")
def ledger_migrate(config: Config = None, json: Json = False, apply: Apply = False) -> None:
    """Bring the ledger's tables forward to this release; shows first what is to be changed. Stop the sink before it."""
    configure_logs()
    try:
        document = asyncio.run(ledgers.migrate(load_settings(config), apply=apply))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(document, as_json=json, text=ledgers.migrated_text)


@ledger.command("phase", epilog="Example: crossfade ledger phase; crossfade ledger phase live --apply")
@noted("ledger phase")
def ledger_phase(
    to: Annotated[
        str | None, typer.Argument(help="shadow, freeze, drain, verify, live or closed; without it: the one of now.")
    ] = None,
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
) -> None:
    """Show or change the phase of the migration: from live on nothing is written. Ends a running sink then."""
    configure_logs()
    try:
        change = asyncio.run(run_phase(load_settings(config), to, apply=apply))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(asdict(change), as_json=json, text=phase_text)


@ledger.command(
    "prune",
    epilog="Example: crossfade ledger prune --before 2026-01-01T00:00:00Z;"
    " crossfade ledger prune --before 2026-01-01T00:00:00Z --apply",
)
@noted("ledger prune")
def ledger_prune(
    before: Annotated[str, typer.Option(help="A moment: 2026-01-01T00:00:00Z.")],
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
) -> None:
    """Throw away before-images from before a moment: a rollback of these writes is no longer possible then.

    Calls over REST from before it go too: `trace` shows them no more. Those whose outcome may still count stay.
    """
    configure_logs()
    try:
        pruned = asyncio.run(journals.prune(load_settings(config), before, apply=apply))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(asdict(pruned), as_json=json, text=journals.text_of)
