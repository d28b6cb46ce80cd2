"""`make demo`: an invented ISP moves from Sonar to Splynx and is compared.

ACCOUNTS=300 is its size; KEEP=1 leaves it running; DATABASE=no gives Crossfade Splynx's REST API alone, with its ledger
elsewhere.

Exit codes: 0 both sides are equal, 3 something differs, 4 a server did not start, else that of the failed command.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from sandbox.choices import INSTANCE
from sandbox.demo.proof import Verdict, compare
from sandbox.demo.source import control, read_source
from sandbox.demo.target import read_target
from sandbox.demo.topics import Topics
from sandbox.local.library import ROOT, ProgramMissing
from sandbox.local.processes import StartFailed
from sandbox.local.site import Site, World, shown, sourced

STATE = ROOT / ".local" / "demo"
RATE = 5.0
"""Events per second while the world lives."""
AGGREGATES = ("company", "account_group", "account_type", "service", "account", "payment")
_SHOWN = 20


class CommandFailed(Exception):
    """A `crossfade` command ended with `code`."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(f"crossfade {words} ended with {code}")
        self.code = code


class Demo:
    """The steps, each timed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.seconds: dict[str, float] = {}
        self.example = ""
        """An account with a payment, to look up."""
        self.plan: dict[str, Any] = {}
        """What `crossfade plan` says, asked where there is no database."""

    def run(self) -> Verdict:
        """From nothing to the verdict.

        Raises:
            CommandFailed, StartFailed, ProgramMissing.
        """
        with self._step("servers and sandboxes"):
            self._site.start()
        with self._step("topics and schemas"):
            self._crossfade("topics", "--apply")
        if not self._site.database_access:
            with self._step("what it costs to have no database"):
                self._crossfade("doctor")
                self.plan = self._answer("plan")
        with self._step("first copy"):
            self._copy()
        with self._step("the ISP lives, and is followed"):
            control(self._site.sonar, "/world", {"action": "resume", "rate": RATE})
            self._copy()
            control(self._site.sonar, "/world", {"action": "pause"})
        with self._step("the last changes"):
            self._wait_out_the_safety_lag()
            self._copy()
        with self._step("reconciliation"):
            # 3: a difference. The comparison, which shares no code with it, says which.
            self._crossfade("reconcile", "--wait", "5", allowed=(0, 3, 75))
            self._crossfade("status", "--audit", allowed=(0, 3))
        with self._step("comparison"):
            return self._compare()

    def _copy(self) -> None:
        # 5: something is parked or dead. The table counts it, and the comparison says whether anything is missing.
        self._crossfade("run", "--until", "caught-up", "--apply", allowed=(0, 5))

    @property
    def environment(self) -> dict[str, str]:
        """For `crossfade`: the demo's settings, and none of another site's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CROSSFADE_")}
        return {**kept, "CROSSFADE_CONFIG": str(self._site.state / "crossfade.yaml")}

    def _crossfade(self, *words: str, allowed: tuple[int, ...] = (0,), into: int | None = None) -> str:
        """Run a command that speaks for itself, or `into` a pipe: then what it says comes back."""
        command = [str(Path(sys.executable).parent / "crossfade"), *words]
        print(f"\n$ crossfade {' '.join(words)}", flush=True)
        child = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=into, text=True)  # noqa: S603
        try:
            said, _ = child.communicate()
        except BaseException:
            child.terminate()
            child.wait(90)  # it gives its stages a minute
            raise
        if child.returncode not in allowed:
            raise CommandFailed(" ".join(words), child.returncode)
        return said or ""

    def _answer(self, *words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._crossfade(*words, "--json", into=subprocess.PIPE))
        return answer

    def _wait_out_the_safety_lag(self) -> None:
        # What happened just before the pause is promised by the watermark only once its clock is this far past it.
        settings = yaml.safe_load((self._site.state / "crossfade.yaml").read_text())
        time.sleep(float(settings["sonar"]["safety_lag_seconds"]) + 1)

    def _compare(self) -> Verdict:
        addresses = self._site.stack.addresses
        topics = Topics(addresses, INSTANCE)
        rules = yaml.safe_load((self._site.state / "rules.yaml").read_text())
        configured = frozenset(str(company) for company in rules["partners"]["by_company"])
        dead = topics.dead_letters()
        print("\nDead letters by stage: " + ", ".join(f"{stage} {count}" for stage, count in dead.items()))
        source = read_source(self._site.sonar)
        self.example = min((account for account, _ in source.payments.values()), key=int)
        return compare(
            source,
            read_target(addresses, self._site.splynx),
            {aggregate: topics.live_keys(aggregate) for aggregate in AGGREGATES},
            configured,
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - began


def table(verdict: Verdict) -> str:
    """The verdict as text."""
    head = ("", "Sonar", "topics", "Splynx", "parked", "deferred", "dead", "different")
    rows = [
        (one.entity, one.source, one.topics, one.target, one.parked, one.deferred, one.dead, one.different)
        for one in verdict.lines
    ]
    text = [f"{head[0]:18}" + "".join(f"{word:>10}" for word in head[1:])]
    text += [f"{row[0]:18}" + "".join(f"{number:>10}" for number in row[1:]) for row in rows]
    text += ["", "topics: aggregates of Sonar's that are not deleted; one may become no record or several (reversals)."]
    money = {
        "Sonar: payments minus reversals": verdict.source_minor,
        "Splynx: payments": verdict.target_minor,
        "Splynx: deposits": verdict.deposits_minor,
        "Splynx: ledger rows": verdict.ledger_minor,
    }
    text += ["", "Money"] + [f"  {name:34}{Decimal(amount).scaleb(-2):>17,.2f}" for name, amount in money.items()]
    return "\n".join(text)


def costs(plan: dict[str, Any]) -> str:
    """What a plan says that it costs to have no database, as text."""
    text = ["", "Without Splynx's database, as `crossfade plan` says"]
    text += [f"  {one['entity']}: {one['cost']}" for one in plan["target"] if one["cost"]]
    text.append(
        f"  at most {plan['requests']['splynx']} requests to Splynx for the first copy,"
        f" {plan['seconds']['splynx']} s by its budget"
    )
    text.append("  what cannot be compared over REST stands with `crossfade reconcile` above")
    return "\n".join(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="where everything lies; what lay there goes")
    state = parser.parse_args(arguments).state.resolve()
    accounts, keep = int(os.environ.get("ACCOUNTS") or 300), os.environ.get("KEEP", "") not in ("", "0")
    database = os.environ.get("DATABASE") or "yes"
    if database not in ("yes", "no"):
        parser.error(f"DATABASE is yes or no, and not {database}")
    signal.signal(signal.SIGTERM, _interrupt)
    Site(state).stop()
    shutil.rmtree(state, ignore_errors=True)
    site = Site(
        state,
        World(accounts),
        say=lambda line: print(f"  {line}", flush=True),
        database_access=database == "yes",
    )
    demo = Demo(site)
    keep_now = False
    try:
        verdict = demo.run()
        keep_now = keep
    except CommandFailed as exc:
        print(f"\n{exc}. The logs of its stages: {state / 'stages' / 'logs'}", file=sys.stderr)
        return exc.code
    except (StartFailed, ProgramMissing) as exc:
        print(exc, file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("Interrupted; nothing is left running.", file=sys.stderr)
        return 130
    finally:
        if not keep_now:
            site.stop()
    _report(demo, verdict, accounts)
    _print_next(site, demo, keep)
    return 0 if verdict.is_equal else 3


def _report(demo: Demo, verdict: Verdict, accounts: int) -> None:
    print(f"\nAn ISP with {accounts} accounts\n\n{table(verdict)}\n\nTime")
    for name, seconds in demo.seconds.items():
        print(f"  {name:34}{seconds:>8.1f} s")
    for finding in verdict.findings[:_SHOWN]:
        print(f"  different: {finding}")
    if len(verdict.findings) > _SHOWN:
        print(f"  ... and {len(verdict.findings) - _SHOWN} more")
    if demo.plan:
        print(costs(demo.plan))
    print("\nBoth sides are equal, to the cent." if verdict.is_equal else "\nThe two sides differ.")


def _print_next(site: Site, demo: Demo, keep: bool) -> None:
    if not keep:
        print("\nNext: KEEP=1 make demo leaves it running; make up gives you a site of your own; see README.md.")
        return
    print("\nLeft running:")
    for name, place in site.places.items():
        print(f"  {name:10} {place}")
    print(
        f"Look at it:\n  . {sourced(site.env_file)}\n  crossfade status\n  crossfade trace account {demo.example}\n"
        "Let the ISP live and be followed, until ctrl-C:\n"
        f'  curl -s {site.sonar.control}/world -d \'{{"action": "resume", "rate": 1}}\'\n'
        "  crossfade run --apply\n"
        f"Stop it with: make down STATE={shown(site.state)}"
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
