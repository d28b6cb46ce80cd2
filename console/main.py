"""`crossfade`: the command line. One command is one function; the work is done in the rooms."""

import asyncio
import importlib.metadata
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from console import doctor as examination
from console import files as fetching
from console import learning, stages, summaries
from console import plan as planning
from console import reconcile as reconciling
from console import status as standing
from console import topics as topic_plans
from console import trace as tracing
from console.actions import actions_of, document_of, noted
from console.actions import text_of as actions_text
from console.again import deadletters, replay, rollback
from console.checked import exit_code_of
from console.doctor_splynx import approve_columns
from console.edits import conflicts
from console.ledger_commands import ledger
from console.options import Apply, Config, Json, ShowValues, Tell
from console.output import fail, show, teller
from console.reconciled import Reconciled, require_writable, write_csv
from console.reconciled import text_of as reconciled_text
from console.states import states_template
from plumbing.errors import ExitCode, SyncError
from plumbing.logs import configure_logs
from plumbing.settings import load_settings
from producers.ids import Ids
from reconciliation.audit import run_audit
from sinks.guards import guards_template

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"crossfade {importlib.metadata.version('crossfade')}\n")
        raise typer.Exit


@app.callback()
def entry(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keeps Splynx in step with Sonar, and proves that they agree. Settings: --config or CROSSFADE_CONFIG."""
    del version  # answered before


app.add_typer(ledger, name="ledger")
app.add_typer(deadletters, name="deadletters")
app.add_typer(conflicts, name="conflicts")


@app.command(epilog="Example: crossfade topics; crossfade topics --apply")
@noted("topics", makes_the_topic=True)
def topics(config: Config = None, json: Json = False, apply: Apply = False) -> None:
    """Create the topics and register the schemas that are missing, and put right what is otherwise; shows it first."""
    try:
        settings = load_settings(config)
        plan = topic_plans.make_plan(settings)
        if apply:
            topic_plans.apply_plan(settings, plan)
    except SyncError as exc:
        fail(exc, as_json=json)
    document = {
        "applied": apply,
        "topics": [{"name": one.name, "partitions": one.partitions} for one in plan.create],
        "subjects": [subject for subject, _ in plan.register],
        "protect": list(plan.protect),
        "put_right": [asdict(one) for one in plan.put_right],
    }
    show(document, as_json=json, text=summaries.topics_text)


@app.command(epilog="Example: crossfade plan; crossfade plan --json")
def plan(config: Config = None, json: Json = False) -> None:
    """Tell what a migration will take: rows on both sides, rows to adopt, requests and time. Reads only."""
    configure_logs()
    try:
        settings = load_settings(config)
        found = asyncio.run(planning.make_plan(settings))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(found.document(), as_json=json, text=planning.text_of)


app.command(
    epilog="Example: crossfade snapshot; crossfade snapshot --only account --ids 17,40-60 --apply;"
    " crossfade snapshot --customer 17"
)(stages.snapshot)
app.command(epilog="Example: crossfade follow; crossfade follow --accept-deletes invoices")(stages.follow)
app.command(epilog="Example: crossfade process; crossfade process --engine batch")(stages.process)
app.command(epilog="Example: crossfade sink; crossfade sink --apply; crossfade sink --apply --approve adoption")(
    stages.sink
)
app.command(epilog="Example: crossfade run; crossfade run --until caught-up --apply")(stages.run)


@app.command(epilog="Example: crossfade status; crossfade status --all; crossfade status --audit --json")
def status(
    config: Config = None,
    json: Json = False,
    audit: Annotated[
        bool, typer.Option("--audit", help="Prove the ledger by folding the topics; 3 when a message is missing.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show collections that are fresh, too.")] = False,
) -> None:
    """Lag of each stage, the last watermark, what is captured and how fresh, what is parked, deferred or set aside."""
    configure_logs()
    try:
        settings = load_settings(config)
        document = standing.status_of(settings)
        if audit:
            audited = asyncio.run(run_audit(settings))
            document |= {"audit": [asdict(one) for one in audited.gaps], "audit_omitted": audited.omitted}
    except SyncError as exc:
        fail(exc, as_json=json)
    show(document, as_json=json, text=lambda found: standing.text_of(found, every=every))
    if document.get("audit"):
        raise typer.Exit(int(ExitCode.FOUND))


@app.command(epilog="Example: crossfade actions; crossfade actions --last 200 --json")
def actions(
    config: Config = None,
    json: Json = False,
    last: Annotated[int, typer.Option(help="How many, of the newest.", min=1)] = 50,
) -> None:
    """Who did what, and how it ended: every command that changed something, from the audit log."""
    try:
        document = document_of(actions_of(load_settings(config), last))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(document, as_json=json, text=actions_text)


@app.command(epilog="Example: crossfade files --customer 17 --into files; crossfade files --ids 5,7-9 --into files")
def files(
    into: Annotated[Path, typer.Option(help="The folder; it is made. Run again, and what is missing is fetched.")],
    config: Config = None,
    json: Json = False,
    ids: Annotated[str | None, typer.Option(help="Sonar's ids of files, such as 5,7-9.")] = None,
    customer: Annotated[int | None, typer.Option(help="All files of this account of Sonar.", min=1)] = None,
    most_megabytes: Annotated[
        int, typer.Option(help="Of a run; what would be more is left for the next.", min=1)
    ] = 1000,
    progress: Tell = None,
) -> None:
    """Fetch the bytes of files from Sonar into a folder, with size and SHA-256 of each in files.jsonl.

    Exit code 5: some are missing in Sonar, or were left, and it says which.
    """
    configure_logs()
    try:
        settings = load_settings(config)
        result = asyncio.run(
            fetching.fetch_files(
                settings,
                into,
                ids=None if ids is None else Ids.parse(ids),
                customer=customer,
                most_megabytes=most_megabytes,
                tell=teller(progress),
            )
        )
    except SyncError as exc:
        fail(exc, as_json=json)
    show(result.document(), as_json=json, text=fetching.text_of)
    raise typer.Exit(int(result.exit_code))


@app.command(epilog="Example: crossfade trace account 17; crossfade trace --splynx customer 42 --json")
def trace(
    entity: Annotated[str, typer.Argument(help="What it is in Sonar, such as account; with --splynx, in Splynx.")],
    number: Annotated[int, typer.Argument(help="Its id in Sonar; with --splynx, in Splynx.", min=1)],
    config: Config = None,
    json: Json = False,
    splynx: Annotated[bool, typer.Option("--splynx", help="Entity and id are Splynx's, such as customer 42.")] = False,
    show_values: ShowValues = False,
) -> None:
    """Follow one record: its events, bundles, dead letters, outcome and rows; where it is, or why it is not there.

    Exit code 0: Splynx is as Sonar last had it. 3: it is not, and the first line says why.
    """
    try:
        settings = load_settings(config)
        found = asyncio.run(tracing.trace(settings, entity, number, splynx=splynx, values=show_values))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(found.document(), as_json=json, text=tracing.text_of)
    raise typer.Exit(int(found.exit_code))


@app.command(
    epilog="Example: crossfade reconcile; crossfade reconcile --csv findings.csv; crossfade reconcile --every 60"
)
def reconcile(
    config: Config = None,
    json: Json = False,
    csv: Annotated[Path | None, typer.Option(help="Write the findings to this file too.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a later watermark.", min=0)] = 120,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show personal data that differs, instead of hiding it.")
    ] = False,
    every: Annotated[float | None, typer.Option(help="Do it every so many minutes, until stopped.", min=0.01)] = None,
) -> None:
    """Compare both ends: counts and money without the mappers, then every field. Keep the stages running meanwhile.

    Exit code 0: equal. 3: differences that last. 75: differences, and no later watermark came to tell whether they do.
    """
    configure_logs()
    try:
        settings = load_settings(config)
        if csv is not None:
            require_writable(csv)

        def once() -> Reconciled:
            result = reconciling.run(settings, wait_seconds=wait, tell=teller(True))
            if csv is not None:
                write_csv(result, csv, show_values=show_values)
            show(result.document(show_values=show_values), as_json=json, text=reconciled_text)
            return result

        if every is not None:
            reconciling.repeat(every, once)
            return
        result = once()
    except SyncError as exc:
        fail(exc, as_json=json)
    raise typer.Exit(int(result.exit_code))


@app.command(
    epilog="Example: crossfade doctor; crossfade doctor --guards-template > guards.yaml; crossfade doctor --learn-guard"
    " welcome_message --apply"
)
@noted("doctor", lambda options: bool(options.get("approve") or options.get("apply")))
def doctor(
    config: Config = None,
    json: Json = False,
    template: Annotated[
        bool, typer.Option("--guards-template", help="Print a guards file to fill in, and end.")
    ] = False,
    states: Annotated[
        bool,
        typer.Option(
            "--states-template", help="Print customer.subdivisions for the rules: Splynx's states by code and name."
        ),
    ] = False,
    approve: Annotated[
        bool, typer.Option("--approve-columns", help="Record Splynx's columns as they are as approved, then check.")
    ] = False,
    learn: Annotated[
        str | None,
        typer.Option(
            "--learn-guard",
            metavar="NAME",
            help="Find a guard's key: looks at Splynx's configuration, asks for the switch to be turned, looks again."
            " With --json, or without a terminal, the first run looks, and the second within an hour compares.",
        ),
    ] = None,
    look: Annotated[
        list[str] | None,
        typer.Option(help="With --learn-guard: module/path to look at over the API instead of in the database."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="With --learn-guard: write the key into the guards file.")
    ] = False,
) -> None:
    """Check every dependency, log-in, schema, column, configured id and guard, each with what to do."""
    if template:
        sys.stdout.write(guards_template())
        return
    if learn is None and (look or apply):
        raise typer.BadParameter("goes with --learn-guard", param_hint="--apply" if apply else "--look")
    configure_logs()
    try:
        settings = load_settings(config)
        if states:
            sys.stdout.write(asyncio.run(states_template(settings)))
            return
        if learn is not None:
            found = asyncio.run(learning.learned(settings, learn, look or (), as_json=json, apply=apply))
            show(found.document(), as_json=json, text=learning.text_of)
            raise typer.Exit(int(found.exit_code))
        if approve:
            asyncio.run(approve_columns(settings))
        findings = asyncio.run(examination.examine(settings))
    except SyncError as exc:
        fail(exc, as_json=json)
    show(examination.document_of(settings, findings), as_json=json, text=examination.text_of)
    raise typer.Exit(int(exit_code_of(findings)))


app.command(
    epilog="Example: crossfade replay; crossfade replay --only payment --from 2026-03-04T00:00:00Z --apply;"
    " crossfade replay --entering;"
    " crossfade replay --account 17 --as-of 2026-03-04T12:00:00Z"
)(replay)
app.command(
    epilog="Example: crossfade rollback --since 2026-03-04T00:00:00Z; crossfade rollback --customer 17 --apply"
)(rollback)
