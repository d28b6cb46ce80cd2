"""The doctor names what is wrong, where, and what to do, and one failing check hides no other."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from clients.sonar import SonarClient
from clients.sonar_errors import SonarTimeout
from console import doctor
from console.checked import Finding, exit_code_of, guarded
from console.doctor import NotReady, text_of
from console.doctor_sonar import following_findings, left_out_text, schema_findings
from console.rights import endpoints
from plumbing.errors import DependencyUnreachable, ExitCode
from plumbing.settings import Settings
from producers.changes import Changes
from producers.followed import followed
from sandbox.sonar.compile import Conditions
from tests.unit.producers.scene import AGGREGATES as SCENE
from tests.unit.producers.scene import InMemoryClient
from tests.unit.sandbox_sonar.shop import Shop

UNREACHABLE = Finding("sonar", False, "no answer", "Check the address.", ExitCode.UNREACHABLE)
MISSING = Finding("topics", False, "3 topics are missing", "Run `crossfade topics --apply`.")
WELL = Finding("rules", True, "valid")


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        pytest.param([WELL], ExitCode.DONE, id="all well"),
        pytest.param([WELL, MISSING], ExitCode.FOUND, id="something to do"),
        pytest.param([MISSING, UNREACHABLE], ExitCode.UNREACHABLE, id="a dependency away"),
    ],
)
def test_the_exit_code_says_the_worst(findings: list[Finding], code: ExitCode) -> None:
    assert exit_code_of(findings) is code


async def test_a_check_that_cannot_run_is_a_finding() -> None:
    async def away() -> list[Finding]:
        raise DependencyUnreachable("Kafka does not answer")

    (finding,) = await guarded("topics", away)
    assert not finding.ok
    assert finding.exit_code is ExitCode.UNREACHABLE
    assert "dependency.unreachable" in finding.says
    assert finding.next_step


async def test_a_name_that_sonar_lacks_is_looked_for_by_the_doctor_and_keeps_no_stage_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def recorded(name: str, _: object) -> list[Finding]:
        asked.append(name)
        return []

    monkeypatch.setattr(doctor, "guarded", recorded)
    settings = cast("Settings", SimpleNamespace(ledger_beside_rows=True, instance="main", kafka=None))
    await doctor.examine(settings, [doctor.CAPTURE, doctor.PROCESS, doctor.SINK])
    for_stages = list(asked)
    await doctor.examine(settings)
    assert set(asked) - set(for_stages) == {"sonar following", "sonar's names in the rules"}


@pytest.mark.parametrize(
    ("denied", "says"),
    [
        pytest.param(set(), ["what changes is shown, and the audit log may be read"], id="nothing"),
        pytest.param({"contacts"}, ["may not read contacts: account, note stands still"], id="what hangs on a root"),
        pytest.param({"logs"}, ["deletes are noticed by the sweep alone"], id="the audit log"),
        pytest.param({"payments"}, ["what changes is shown"], id="a root, which is told already"),
    ],
)
async def test_what_following_may_not_see_is_named_with_what_waits_for_it(denied: set[str], says: list[str]) -> None:
    memory = InMemoryClient(Shop())
    memory.conditions = Conditions(denied=frozenset(denied))
    client = cast("SonarClient", memory)
    changes = Changes(client, followed(SCENE, memory.schema), memory.schema)
    found = await following_findings(client, changes)
    assert [says_it in one.says for one, says_it in zip(found, says, strict=True)] == [True]
    assert all(one.ok or one.next_step for one in found)


async def test_what_sonar_cannot_serve_is_named_with_what_waits_for_it() -> None:
    memory = InMemoryClient(Shop())

    def before(document: str, _: Any) -> None:
        if " contacts(" in document or "query Logged" in document:
            raise SonarTimeout("too slow")

    memory.before = before
    client = cast("SonarClient", memory)
    found = await following_findings(client, Changes(client, followed(SCENE, memory.schema), memory.schema))
    assert "Sonar does not give contacts [sonar.timeout]" in found[0].says
    assert "the audit log gives no answer [sonar.timeout]" in found[1].says


def test_every_finding_that_is_not_well_stands_in_the_refusal_to_start() -> None:
    refusal = NotReady([MISSING, UNREACHABLE])
    assert refusal.exit_code is ExitCode.UNREACHABLE
    assert all(text in str(refusal) for text in ("3 topics are missing", "crossfade topics --apply", "no answer"))


def test_rights_are_told_for_every_endpoint_we_write() -> None:
    assert {"admin/customers/customer", "admin/config/labels", "admin/config/additional-fields"} <= set(endpoints())


def test_the_report_gives_the_next_step_of_what_is_wrong_only() -> None:
    document = {
        "checks": [
            {"check": one.check, "ok": one.ok, "says": one.says, "next_step": one.next_step}
            for one in (Finding("rules", True, "valid", "never shown"), MISSING)
        ],
        "grants": [],
        "endpoints": [],
    }
    text = text_of(document)
    assert "Next: Run `crossfade topics --apply`." in text
    assert "never shown" not in text


def test_what_is_left_out_is_told_with_what_of_splynx_goes_with_it() -> None:
    text = left_out_text(["email", "payment", "note"])
    assert text == (
        "; payment is left out by sonar.leave_out, and with it in Splynx payment"
        "; left out, with nothing of it in Splynx: email, note"
    )
    assert left_out_text([]) == ""


def test_what_the_schema_lacks_is_told_with_what_of_splynx_is_concerned() -> None:
    halted, lacking = schema_findings({"payment": ["Payment.amount"]}, {"account": ["Account.contacts"]})
    assert not halted.ok
    assert "lacks Payment.amount: payment stands still, and with it in Splynx payment" in halted.says
    assert "sonar.leave_out" in halted.next_step
    assert lacking.ok
    assert "lacks Account.contacts: null in each event" in lacking.says
    assert "customer" in lacking.says
