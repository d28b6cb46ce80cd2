"""Both ends side by side: facts and sums without the mappers, then every field of every record."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from clients.mysql import Database
from clients.sonar import SonarClient
from clients.splynx import SplynxClient
from plumbing.settings import Settings
from plumbing.shares import Share
from reconciliation import source
from reconciliation.causes import Causes, root_of
from reconciliation.crosswalk import check_ledger, deferred
from reconciliation.database_rows import DatabaseRows
from reconciliation.events import Events
from reconciliation.expected import (
    account_facts,
    company_facts,
    flag_label_facts,
    label_facts,
    payment_facts,
    tariff_facts,
)
from reconciliation.facts import ACTUAL, EXPECTED, Facts
from reconciliation.findings import Collection, Finding
from reconciliation.records import Records
from reconciliation.rest_rows import RestRows
from reconciliation.rows import SplynxRows
from reconciliation.target import SplynxFacts
from schemas.catalogue import TARGETS
from schemas.rules import Rules, compile_rules, load_rules
from schemas.topics import Topics

Tell = Callable[[str, int, int | None], None]
"""Hears of progress: what is being read, how many are done, and of how many where that is known."""

CATALOGUE = ("partner", "label", "internet_tariff")


@dataclass(frozen=True)
class Look:
    """What one look at both ends found, record by record.

    `read_at`: no change that the look saw is later, by Sonar's clock.
    """

    read_at: datetime
    findings: Collection


def tell_nobody(what: str, done: int, whole: int | None) -> None:
    """For a caller that shows no progress."""


class Comparison:
    """Looks at both ends, as often as asked; facts and events are kept on disk between the looks."""

    def __init__(
        self,
        settings: Settings,
        *,
        sonar: SonarClient,
        splynx: SplynxClient,
        rows: SplynxRows,
        ledger: Database,
        rules: Rules,
        facts: Facts,
        events: Events,
        tell: Tell,
    ) -> None:
        self.facts, self.events = facts, events
        self.exponent = rules.exponent
        self.records = Records(events, rules, splynx, rows, ledger, sql=settings.ledger_beside_rows)
        self._target = SplynxFacts(rows, ledger, rules.exponent)
        self._causes = Causes(events, ledger, Topics(settings.instance))
        self._sonar, self._rules, self._ledger, self._tell = sonar, rules, ledger, tell
        self._rows = rows
        self.over_rest = isinstance(rows, RestRows)
        """Whether Splynx's database is not to be had."""

    async def look(self, accounts: Sequence[str] | None = None) -> Look:
        """Compare everything, or again these accounts with what no account owns.

        Splynx is read first and Sonar after it. So where Sonar asks for the same as in an earlier look, it did so when
        Splynx was read, too, and Splynx cannot be showing a later state.

        Raises:
            SyncError: one of the ends cannot be read whole.
        """
        self.facts.forget(accounts)
        found = Collection()
        await self._read_splynx(accounts, found)
        await self._compare_fields(accounts, found)
        await self._read_sonar(accounts)
        read_at = self._sonar.server_time + timedelta(seconds=1)  # it comes in whole seconds
        async for rows in deferred(self._ledger):
            for row in rows:
                self.facts.skip(row["entity"], row["record_key"], f"deferred: {row['code']}")
        found.add(self.facts.records())
        return Look(read_at, found)

    async def _read_splynx(self, accounts: Sequence[str] | None, found: Collection) -> None:
        self._rows.begin()
        listed = await self.records.list_catalogue(TARGETS[entity] for entity in CATALOGUE)
        for entity in CATALOGUE:
            facts, findings = await self._target.catalogue(TARGETS[entity], listed[entity])
            self.facts.add(ACTUAL, facts)
            found.add(findings)
        whole = len(accounts) if accounts is not None else await self._target.count()
        done = 0
        async for count, facts, findings in self._target.customers(accounts):
            self.facts.add(ACTUAL, facts)
            found.add(findings)
            done += count
            self._tell("customers of Splynx", done, whole)

    async def _compare_fields(self, accounts: Sequence[str] | None, found: Collection) -> None:
        self.events.read_on()
        whole = None if accounts is not None else self.events.count()
        done = 0
        async for count, findings in self.records.findings(accounts):
            found.add(findings)
            done += count
            self._tell("records field by field", done, whole)
        self.events.read_on()
        # What has a newer event by now was compared with an old one: that look says nothing of it.
        found.kept = [
            one if self._is_newest(one) else replace(one, version=f"{one.version} overtaken") for one in found.kept
        ]

    async def _read_sonar(self, accounts: Sequence[str] | None) -> None:
        self.facts.add(EXPECTED, flag_label_facts())
        async for page in source.companies(self._sonar):
            self.facts.add(EXPECTED, [fact for row in page for fact in company_facts(row, self._rules)])
        for kind in ("group", "type"):
            async for page in source.groups_or_types(self._sonar, f"account_{kind}s"):
                self.facts.add(EXPECTED, label_facts(kind, page))
        async for page in source.services(self._sonar):
            self.facts.add(EXPECTED, tariff_facts(page, self._rules))
        not_carried: set[str] = set()
        done, whole = 0, None if accounts is not None else await source.count(self._sonar, "accounts")
        async for page in source.accounts(self._sonar, accounts):
            for row in page:
                facts = account_facts(row, self._rules)
                if not facts:
                    not_carried.add(str(row["id"]))
                self.facts.add(EXPECTED, facts)
            done += len(page)
            self._tell("accounts of Sonar", done, whole)
        done, whole = 0, None if accounts is not None else await source.count(self._sonar, "payments")
        async for page in source.payments(self._sonar, accounts):
            facts = [
                fact for row in page for fact in payment_facts(row, self._rules) if fact.account not in not_carried
            ]
            self.facts.add(EXPECTED, facts)
            done += len(page)
            self._tell("payments of Sonar", done, whole)

    def sums(self, unsettled: Sequence[Finding]) -> Iterable[Finding]:
        """The counts and sums that differ, without the records of these findings."""
        self.facts.drop((one.entity, one.key) for one in unsettled)
        return self.facts.sums()

    async def explained(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings with what topics and ledger know of them."""
        return await self._causes.explained(findings)

    def _is_newest(self, finding: Finding) -> bool:
        if finding.check != "fields":
            return True
        root = root_of(finding)
        newest = None if root is None else self.events.find(*root)
        return newest is None or str(newest.sequence) == finding.version


@asynccontextmanager
async def open_comparison(settings: Settings, tell: Tell = tell_nobody) -> AsyncIterator[Comparison]:
    """Connect to both ends, the topics and the ledger.

    Raises:
        ConfigurationError: the rules are wrong, or there is no ledger yet.
        SyncError: a server does not answer, or not to us.
    """
    file = load_rules(settings.rules)
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(Database(settings.ledger_db))
        await check_ledger(ledger)
        share = stack.enter_context(Share(settings.kafka, Topics(settings.instance).asking))
        sonar = await stack.enter_async_context(SonarClient(settings.sonar, share.part))
        rules = compile_rules(
            file, await source.read_facts(sonar), settings.process.hmac_key.get_secret_value().encode()
        )
        splynx = await stack.enter_async_context(SplynxClient(settings.splynx))
        rows: SplynxRows
        if settings.splynx.db is None:
            rows = stack.enter_context(RestRows(splynx))
        else:
            rows = DatabaseRows(await stack.enter_async_context(Database(settings.splynx.db)))
        yield Comparison(
            settings,
            sonar=sonar,
            splynx=splynx,
            rows=rows,
            ledger=ledger,
            rules=rules,
            facts=stack.enter_context(Facts()),
            events=stack.enter_context(Events(settings)),
            tell=tell,
        )
