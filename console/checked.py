"""What a check says: a finding, with what to do, in the forms that it is told in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from plumbing.errors import ExitCode, SyncError


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    ok: bool
    says: str
    next_step: str = ""
    exit_code: ExitCode = ExitCode.FOUND


Check = Callable[[], Awaitable[Sequence[Finding]]]


async def guarded(name: str, check: Check) -> Sequence[Finding]:
    """The findings of a check; an error of ours becomes one."""
    try:
        return await check()
    except SyncError as exc:
        return [Finding(name, False, f"{exc} [{exc.code}]", exc.next_step, exc.exit_code)]


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """0 when all is well; an unreachable dependency outweighs a wrong set-up, and that a mere finding."""
    wrong = {finding.exit_code for finding in findings if not finding.ok}
    for code in (ExitCode.UNREACHABLE, ExitCode.USAGE):
        if code in wrong:
            return code
    return ExitCode.FOUND if wrong else ExitCode.DONE


def lines_of(findings: Sequence[Finding]) -> list[str]:
    """One line for each finding, and what to do below those that are not well."""
    lines = []
    for one in findings:
        lines.append(f"{'ok  ' if one.ok else 'BAD '} {one.check}: {one.says}")
        if one.next_step and not one.ok:
            lines.append(f"     Next: {one.next_step}")
    return lines
