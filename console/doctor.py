"""Whether everything that Crossfade needs is there: each dependency, log-in, schema and guard, each with what to do."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from console import doctor_sonar, doctor_splynx, rights
from console.checked import Check, Finding, exit_code_of, guarded, lines_of
from console.doctor_splynx import API
from console.topics import MAKE_TOPICS, plan_subjects, plan_topic_settings, plan_topics
from plumbing.errors import ExitCode, SyncError
from plumbing.settings import Settings
from plumbing.shares import Share
from schemas.ownership import check_fields
from schemas.rules import read_rules
from schemas.topics import Topics

CAPTURE, PROCESS, SINK = "capture", "process", "sink"
_DOCTOR = "doctor"
"""Needs a check that keeps no stage from beginning."""


class NotReady(SyncError):
    """What a command needs is not as it must be. Nothing was started and nothing was written."""

    code = "console.not_ready"
    remedy = "Do what stands behind each Next, then run `crossfade doctor`."

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("not ready, nothing was started\n" + "\n".join(lines_of(findings)))
        self.exit_code = exit_code_of(findings)


async def examine(settings: Settings, stages: Collection[str] = (CAPTURE, PROCESS, SINK, _DOCTOR)) -> list[Finding]:
    """Run every check of these stages; one that fails keeps only those from running that ask the same again."""
    share = Share(settings.kafka, Topics(settings.instance).asking)
    part = share.part
    at_ledger = {"ledger"} if settings.ledger_beside_rows else set()
    checks: list[tuple[str, Check, set[str], set[str]]] = [
        ("rules", lambda: _rules(settings), {PROCESS, SINK}, set()),
        ("topics", lambda: _topics(settings), {CAPTURE, PROCESS, SINK}, set()),
        ("schemas", lambda: _schemas(settings), {CAPTURE, PROCESS, SINK}, set()),
        ("sonar", lambda: doctor_sonar.sonar(settings, part), {CAPTURE}, set()),
        ("sonar following", lambda: doctor_sonar.following(settings, part), {_DOCTOR}, {"sonar"}),
        ("statuses in the rules", lambda: doctor_sonar.statuses(settings, part), {PROCESS}, {"rules", "sonar"}),
        ("names in the rules", lambda: doctor_sonar.names(settings, part), {PROCESS}, {"rules", "sonar"}),
        ("sonar's names in the rules", lambda: doctor_sonar.mentioned(settings, part), {_DOCTOR}, {"rules", "sonar"}),
        (API, lambda: doctor_splynx.api(settings), {SINK}, set()),
        ("splynx ids in the rules", lambda: doctor_splynx.ids(settings), {SINK}, {"rules", API}),
        ("ledger", lambda: doctor_splynx.ledger(settings), {SINK}, set()),
        ("write paths", lambda: doctor_splynx.ways(settings), {SINK}, {"rules"}),
        ("splynx database", lambda: doctor_splynx.tables(settings), {SINK}, at_ledger),
        ("splynx columns", lambda: doctor_splynx.columns(settings), {SINK}, {"ledger", "splynx database"}),
        ("splynx is ours", lambda: doctor_splynx.others(settings), {SINK}, {"ledger", API, "splynx database"}),
        ("guards", lambda: doctor_splynx.guards(settings), {SINK}, {"rules", API, "ledger"}),
    ]
    found: list[Finding] = []
    with share:
        for name, check, needed_by, asks_of in checks:
            # What would say once more that one of these is away, or is something else, is left out.
            if needed_by & set(stages) and not asks_of & {one.check for one in found if not one.ok}:
                found += await guarded(name, check)
    return found


async def require(settings: Settings, *stages: str) -> None:
    """See that the stages can begin.

    Raises:
        NotReady: with all that is wrong, each with what to do.
    """
    wrong = [finding for finding in await examine(settings, stages) if not finding.ok]
    if wrong:
        raise NotReady(wrong)


async def _rules(settings: Settings) -> list[Finding]:
    check_fields(read_rules(settings.rules))
    return [Finding("rules", True, "the rules file is valid")]


async def _topics(settings: Settings) -> list[Finding]:
    if missing := await asyncio.to_thread(plan_topics, settings):
        return [Finding("topics", False, f"{len(missing)} topics are missing", MAKE_TOPICS, ExitCode.USAGE)]
    if found := await asyncio.to_thread(plan_topic_settings, settings):
        topics = len({one.topic for one in found})
        says = f"{topics} topics are not kept as they must be: {', '.join(sorted({one.setting for one in found}))}"
        return [Finding("topics", False, says, MAKE_TOPICS, ExitCode.USAGE)]
    return [Finding("topics", True, "all topics are there, and kept as they must be")]


async def _schemas(settings: Settings) -> list[Finding]:
    register, protect = await asyncio.to_thread(plan_subjects, settings)
    if register:
        return [Finding("schemas", False, f"{len(register)} are not registered", MAKE_TOPICS, ExitCode.USAGE)]
    if protect:
        says = f"{len(protect)} subjects would take a schema that does not fit what lies on the topics"
        return [Finding("schemas", False, says, MAKE_TOPICS)]
    return [Finding("schemas", True, "all schemas are registered, and protected")]


def document_of(settings: Settings, findings: Sequence[Finding]) -> dict[str, Any]:
    """`{ok, checks: [{check, ok, says, next_step}], grants, endpoints}`."""
    return {
        "ok": all(finding.ok for finding in findings),
        "checks": [
            {"check": one.check, "ok": one.ok, "says": one.says, "next_step": one.next_step} for one in findings
        ],
        "grants": rights.grants(settings),
        "endpoints": rights.endpoints(),
    }


def text_of(document: dict[str, Any]) -> str:
    """The report for people."""
    lines = lines_of([Finding(**one) for one in document["checks"]])
    lines += ["", "The database user needs:", *(f"  {one}" for one in document["grants"])]
    lines += ["", "The API key needs index, view, add and update of:", *(f"  {one}" for one in document["endpoints"])]
    return "\n".join(lines)
