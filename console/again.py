"""The commands that have stored records handled again, or take them back: `deadletters`, `replay`, `rollback`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from console import deadletters as letters
from console import deadletters_dismiss as letters_dismiss
from console import deadletters_replay as letters_replay
from console import replay as replaying
from console import replay_asof as past
from console import rollback as undoing
from console.actions import noted
from console.options import Account, Apply, By, Config, Json, ShowValues, Tell
from console.output import fail, show, teller
from plumbing.errors import SyncError
from plumbing.logs import configure_logs
from plumbing.settings import load_settings

deadletters = typer.Typer(help="Dead letters of all stages: what was set aside, why, and again.", no_args_is_help=True)

Stages = Annotated[list[str] | None, typer.Option("--stage", help="capture, process or sink; may be repeated.")]
Codes = Annotated[list[str] | None, typer.Option("--code", help="Error code; may be repeated.")]
Abouts = Annotated[
    list[str] | None, typer.Option("--only", help="Aggregate, or kind of record in Splynx; may be repeated.")
]


@deadletters.command(
    "list", epilog="Example: crossfade deadletters list; crossfade deadletters list --code mapping.unmapped_value"
)
def list_letters(
    config: Config = None,
    json: Json = False,
    stage: Stages = None,
    code: Codes = None,
    only: Abouts = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Also those that something newer closed, and those that passed after all.")
    ] = False,
) -> None:
    """List the dead letters that matter: nothing newer of their record has passed since. No values are told."""
    try:
        settings = load_settings(config)
        found = asyncio.run(
            letters.chosen_letters(settings, stages=stage or (), codes=code or (), only=only or (), closed=all_)
        )
    except SyncError as exc:
        fail(exc, as_json=json)
    show(letters.list_document(found), as_json=json, text=letters.list_text)


@deadletters.command("causes", epilog="Example: crossfade deadletters causes; crossfade deadletters causes --json")
def causes(config: Config = None, json: Json = False) -> None:
    """Group the dead letters that matter by stage, entity and code; the most frequent cause first."""
    try:
        found = asyncio.run(letters.chosen_letters(load_settings(config)))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(letters.causes_document(found), as_json=json, text=letters.causes_text)


@deadletters.command("show", epilog="Example: crossfade deadletters show process:17")
def show_letter(
    letter: Annotated[str, typer.Argument(help="Its id, as `deadletters list` prints it.")],
    config: Config = None,
    json: Json = False,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print what was set aside too: personal data. Never a password.")
    ] = False,
) -> None:
    """Show one dead letter: where its message lies, why it was set aside, and what its record waited for."""
    try:
        document = asyncio.run(letters.show_letter(load_settings(config), letter, values=show_values))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(document, as_json=json, text=letters.show_text)


@deadletters.command(
    "replay",
    epilog="Example: crossfade deadletters replay; crossfade deadletters replay --code mapping.unmapped_value --apply;"
    " crossfade deadletters replay process:17 --apply",
)
@noted("deadletters replay")
def replay_letters(
    letter: Annotated[list[str] | None, typer.Argument(help="Ids. Without any: all that fit the options.")] = None,
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    stage: Stages = None,
    code: Codes = None,
    only: Abouts = None,
) -> None:
    """Map again what was set aside, after its rules or its record were mended; shows first what would come of it.

    What something newer has superseded is left alone. Exit code 5: some could not be replayed, and it says which.
    """
    configure_logs()
    try:
        settings = load_settings(config)

        async def work() -> letters_replay.LettersReplayed:
            chosen = await letters.chosen_letters(
                settings, ids=letter or (), stages=stage or (), codes=code or (), only=only or ()
            )
            return await letters_replay.replay_letters(settings, chosen, apply=apply)

        result = asyncio.run(work())
    except SyncError as exc:
        fail(exc, as_json=json)
    show(result.document(), as_json=json, text=letters_replay.text_of)
    raise typer.Exit(int(result.exit_code))


@deadletters.command(
    "dismiss",
    epilog="Example: crossfade deadletters dismiss process:17 --reason 'a test account' --apply;"
    " crossfade deadletters dismiss process:17 --take-back --reason 'it was none' --apply",
)
@noted("deadletters dismiss")
def dismiss_letters(
    letter: Annotated[list[str] | None, typer.Argument(help="Ids. Without any: all that fit the options.")] = None,
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    stage: Stages = None,
    code: Codes = None,
    only: Abouts = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger. No personal data.")] = "",
    by: By = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="Open dismissed letters again.")] = False,
) -> None:
    """Close dead letters that are meant to stay where they are; shows them first. Who, when and why are kept.

    They count in no alert any more. Their records stay out of Splynx until something newer of them comes.
    """
    if not (letter or stage or code or only):
        raise typer.BadParameter("name letters, or give --stage, --code or --only", param_hint="LETTER")
    try:
        settings = load_settings(config)

        async def work() -> letters_dismiss.Decided:
            chosen = await letters.chosen_letters(
                settings, ids=letter or (), stages=stage or (), codes=code or (), only=only or (), closed=take_back
            )
            return await letters_dismiss.dismiss(
                settings, chosen, reason=reason, by=by, take_back=take_back, apply=apply
            )

        result = asyncio.run(work())
    except SyncError as exc:
        fail(exc, as_json=json)
    show(result.document(), as_json=json, text=letters_dismiss.text_of)


@noted("replay")
def replay(
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Aggregate; may be repeated.")] = None,
    account: Annotated[int | None, typer.Option(help="Only what this account of Sonar owns.", min=1)] = None,
    since: Annotated[
        str, typer.Option("--from", help="earliest, a moment such as 2026-03-04T05:06:07Z, or a run of capture.")
    ] = "earliest",
    engine: Annotated[
        str,
        typer.Option(help="batch: each record's newest event. live: every event again, by the processors."),
    ] = "batch",
    entering: Annotated[
        bool,
        typer.Option("--entering", help="Only what earlier rules left out and those of now take in: a wider scope."),
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Only show one account's records as of this moment, and what differs now."),
    ] = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="With --as-of: print the values too, which are personal data.")
    ] = False,
    progress: Tell = None,
) -> None:
    """Map stored events again, by the same code; the sink writes what differs. Shows first what would come of it.

    An up-to-date Splynx is not written at all. Interrupted, the same command goes on where it was.
    """
    configure_logs()
    if engine not in {"batch", "live"}:
        raise typer.BadParameter("must be batch or live", param_hint="--engine")
    if as_of is not None and (account is None or apply):
        raise typer.BadParameter("shows one account (--account), and changes nothing", param_hint="--as-of")
    try:
        settings = load_settings(config)
        if as_of is not None and account is not None:
            document = past.as_of(settings, account, as_of, only=only or (), values=show_values)
            show(document, as_json=json, text=past.text_of)
            return
        result = asyncio.run(
            replaying.run_replay(
                settings,
                only=only or (),
                account=account,
                since=since,
                engine="live" if engine == "live" else "batch",
                apply=apply,
                entering=entering,
                tell=teller(progress),
            )
        )
    except SyncError as exc:
        fail(exc, as_json=json)
    show(result.document(), as_json=json, text=replaying.text_of)


@noted("rollback")
def rollback(
    config: Config = None,
    json: Json = False,
    apply: Apply = False,
    run: Annotated[str | None, typer.Option(help="What this run wrote, by its id as `trace` shows it.")] = None,
    batch: Annotated[
        str | None, typer.Option(help="What a run wrote together: RUN/NUMBER, as `trace` shows both.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="What was written since a moment: 2026-03-04T05:06:07Z.")] = None,
    customer: Account = None,
    show_values: ShowValues = False,
    list_: Annotated[
        Path | None, typer.Option("--list", help="Write every record to this file, as a line of JSON each.")
    ] = None,
    progress: Tell = None,
) -> None:
    """Take writes back: each column returns to what it was, dependants first; shows first what would come of it.

    Rows that we made are withdrawn as their delete policy says. What somebody edited in Splynx since, or a later run
    wrote, is listed and left: then it ends with 5. A rollback is a run, and can be undone. Stop the sink before it.
    """
    configure_logs()
    try:
        settings = load_settings(config)
        writes = undoing.writes_of(run, batch, since, customer)
        with undoing.listing(list_) as note:
            result = asyncio.run(
                undoing.run_rollback(
                    settings, writes, apply=apply, values=show_values, tell=teller(progress), note=note
                )
            )
    except SyncError as exc:
        fail(exc, as_json=json)
    show(result.document(), as_json=json, text=undoing.text_of)
    raise typer.Exit(int(result.exit_code))
