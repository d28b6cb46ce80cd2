"""The commands about edits that people made in Splynx: `crossfade conflicts`."""

import asyncio
from typing import Annotated

import typer

from console import conflicts as found
from console import conflicts_resolve as deciding
from console.actions import noted
from console.options import Account, Apply, By, Config, Json, ShowValues
from console.output import fail, show
from plumbing.errors import SyncError
from plumbing.logs import configure_logs
from plumbing.settings import load_settings

conflicts = typer.Typer(
    help="Edits made in Splynx of fields that Sonar owns: what was typed, and who wins.", no_args_is_help=True
)

Entities = Annotated[list[str] | None, typer.Option("--entity", help="Kind of record in Splynx; may be repeated.")]
Fields = Annotated[list[str] | None, typer.Option("--field", help="Field, as the list names it; may be repeated.")]


@conflicts.command(
    "list", epilog="Example: crossfade conflicts list; crossfade conflicts list --entity customer --show-values"
)
def list_conflicts(
    config: Config = None,
    json: Json = False,
    entity: Entities = None,
    field: Fields = None,
    customer: Account = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those that were decided, and that ended.")] = False,
    show_values: ShowValues = False,
) -> None:
    """List the edits that wait for a decision: Splynx's value stays, the rest of each record is written."""
    try:
        settings = load_settings(config)
        wanted = found.Filter(entities=entity or (), fields=field or (), account=customer)
        rows = asyncio.run(found.read_conflicts(settings, wanted, closed=all_))
        document = found.list_document(rows, found.ownership_of(settings), values=show_values)
    except SyncError as exc:
        fail(exc, as_json=json)
    show(document, as_json=json, text=found.list_text)


@conflicts.command("show", epilog="Example: crossfade conflicts show 17 --show-values")
def show_conflict(
    conflict: Annotated[int, typer.Argument(help="Its id, as `conflicts list` prints it.", min=1)],
    config: Config = None,
    json: Json = False,
    show_values: ShowValues = False,
) -> None:
    """Show one: its record and field, who owns that, since when, who decided, and what was decided before."""
    try:
        document = asyncio.run(found.show_conflict(load_settings(config), conflict, values=show_values))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(document, as_json=json, text=found.show_text)


@conflicts.command(
    "resolve",
    epilog="Example: crossfade conflicts resolve 17 --take source; crossfade conflicts resolve --entity customer"
    " --field phone --take target --apply; crossfade conflicts resolve --all --take rules --apply",
)
@noted("conflicts resolve")
def resolve(
    take: Annotated[
        str,
        typer.Option(help="source: Sonar's value is written. target: Splynx's stays. rules: as the rules say by now."),
    ],
    conflict: Annotated[list[int] | None, typer.Argument(help="Ids. Without any: all that fit the options.")] = None,
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    entity: Entities = None,
    field: Fields = None,
    customer: Account = None,
    all_: Annotated[bool, typer.Option("--all", help="Every conflict that waits.")] = False,
    by: By = None,
    show_values: ShowValues = False,
) -> None:
    """Decide conflicts; shows first what would be done. Stop the sink before Sonar's values are written.

    What has another value in Splynx by now, or is refused by it, is left, and so it says: then it ends with 5. A
    decision is kept with who made it and when, and is taken back by `crossfade rollback --run`.
    """
    configure_logs()
    try:
        settings = load_settings(config)
        wanted = found.Filter(conflict or (), entity or (), field or (), customer)
        deciding.checked(take, wanted, everything=all_)
        result = asyncio.run(deciding.run_resolve(settings, wanted, take, by=by, apply=apply, values=show_values))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(result.document(), as_json=json, text=deciding.text_of)
    raise typer.Exit(int(result.exit_code))
