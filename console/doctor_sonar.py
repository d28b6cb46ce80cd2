"""The doctor at Sonar: log-in, schema, rights, and whether the rules name what is there."""

from collections.abc import Iterable, Mapping, Sequence

from clients.sonar import SonarClient
from clients.sonar_errors import UNSERVED, SonarForbidden
from console.checked import Finding
from console.mentioned import not_in_sonar
from console.names import check_names
from console.statuses import check_statuses
from plumbing.errors import ExitCode
from plumbing.settings import SecretsSettings, Settings
from plumbing.shares import Part
from producers.changes import Changes
from producers.followed import followed
from producers.needs import SchemaUnfit
from producers.nested import NESTED_PAGE
from producers.source import read_source
from schemas.aggregate import Aggregate, in_splynx
from schemas.catalogue import aggregate, captured


async def sonar(settings: Settings, part: Part) -> list[Finding]:
    left_out = settings.sonar.leave_out
    async with SonarClient(settings.sonar, part) as client:
        source = await read_source(client, captured(left_out), NESTED_PAGE, carried=settings.secrets.carry)
    says = f"log-in works; schema fingerprint {source.fingerprint}"
    if source.unreadable:
        says += f"; the token may not read {', '.join(source.unreadable)}: what of it is in Splynx is left alone"
    says += left_out_text(left_out)
    says += f"; {secrets_text(settings.secrets)}"
    forbidden = rights_findings(aggregate(name) for name in sorted(source.forbidden))
    return [Finding("sonar", True, says), *forbidden, *schema_findings(source.unfit, source.missing)]


def left_out_text(names: Iterable[str]) -> str:
    """Which aggregates are not read, and what of Splynx goes with them; where nothing does, only their names."""
    text, alone = "", []
    for name in names:
        if aggregate(name).targets:
            text += f"; {name} is left out by sonar.leave_out, and with it in Splynx {_entities(name)}"
        else:
            alone.append(name)
    return f"{text}; left out, with nothing of it in Splynx: {', '.join(alone)}" if alone else text


def secrets_text(secrets: SecretsSettings) -> str:
    """Which secrets of Sonar's are carried, and with which keys."""
    sealer = secrets.sealer
    if not secrets.carry or sealer is None:
        return "no secrets are carried"
    older = ", ".join(list(sealer.keys)[1:])
    text = f"{' and '.join(secrets.carry)} are carried, sealed with the key {sealer.current}"
    return f"{text}; {older} still opens" if older else text


def rights_findings(forbidden: Iterable[Aggregate]) -> list[Finding]:
    """Collections that the token may not read, each with what of Splynx is concerned, and how to go on without."""
    return [
        Finding(
            f"sonar rights: {one.name}", False,
            f"the token may not read {one.root.name}: {one.name} stands still, and with it in Splynx"
            f" {_entities(one.name)}",
            f"Give the role of the token's user the right to read {one.root.name}. To go on without: name {one.name} in"
            " sonar.leave_out; what of it is in Splynx is then left alone.",
        )
        for one in forbidden
    ]  # fmt: skip


async def following(settings: Settings, part: Part) -> list[Finding]:
    """What following needs beside the roots: to see what changes below and beside them, and the audit log."""
    async with SonarClient(settings.sonar, part) as client:
        schema = await client.introspect()
        return await following_findings(
            client, Changes(client, followed(captured(settings.sonar.leave_out), schema), schema)
        )


async def following_findings(client: SonarClient, changes: Changes) -> list[Finding]:
    """The same by a client that has introspected."""
    async for _ in changes.since(lambda _: client.server_time, standing_too=False):
        pass
    concerned: dict[str, list[str]] = {}
    roots = {one.aggregate.root.name for one in changes.collections}
    for one in changes.collections:
        if one.thin.collection in changes.standing.keys() - roots:
            concerned.setdefault(one.thin.collection, []).append(one.aggregate.name)
    found = []
    for collection, names in sorted(concerned.items()):
        code = changes.standing[collection]
        why, remedy = f"Sonar does not give {collection} [{code}]", "Look at that collection in Sonar."
        if code == SonarForbidden.code:
            why = f"the token may not read {collection}"
            remedy = f"Give the role of the token's user the right to read {collection}."
        stands = f"{', '.join(names)} stands still, and with it in Splynx"
        found.append(Finding(f"sonar rights: {collection}", False, f"{why}: {stands} {_entities(*names)}", remedy))
    try:
        async for _ in changes.logged_since(client.server_time):
            pass
    except UNSERVED as exc:
        found.append(
            Finding(
                "sonar rights: logs", False,
                f"the audit log gives no answer [{exc.code}]: deletes are noticed by the sweep alone, a day late",
                "Give the role of the token's user the right to read the logs.",
            )
        )  # fmt: skip
    return found or [Finding("sonar following", True, "what changes is shown, and the audit log may be read")]


def schema_findings(unfit: Mapping[str, Sequence[str]], missing: Mapping[str, Sequence[str]]) -> list[Finding]:
    """What Sonar's schema lacks, by aggregate, each with what of Splynx is concerned."""
    found = [
        Finding(
            f"sonar schema: {name}", False,
            f"this Sonar lacks {', '.join(lacks)}: {name} stands still, and with it in Splynx {_entities(name)}",
            SchemaUnfit.remedy, ExitCode.USAGE,
        )
        for name, lacks in sorted(unfit.items())
    ]  # fmt: skip
    return found + [
        Finding(
            f"sonar schema: {name}", True,
            f"this Sonar lacks {', '.join(lacks)}: null in each event, and left as it is in Splynx ({_entities(name)})",
        )
        for name, lacks in sorted(missing.items())
    ]  # fmt: skip


def _entities(*names: str) -> str:
    return in_splynx(*map(aggregate, names))


async def statuses(settings: Settings, part: Part) -> list[Finding]:
    async with SonarClient(settings.sonar, part) as client:
        await check_statuses(client, settings.rules)
    return [Finding("statuses in the rules", True, "every status in use has its counterpart")]


async def names(settings: Settings, part: Part) -> list[Finding]:
    async with SonarClient(settings.sonar, part) as client:
        await check_names(client, settings.rules)
    return [Finding("names in the rules", True, "no two partners or labels would have one name")]


async def mentioned(settings: Settings, part: Part) -> list[Finding]:
    """A status that is mistyped is mapped as if no rule were there: told, though nothing waits for it."""
    async with SonarClient(settings.sonar, part) as client:
        unknown = await not_in_sonar(client, settings.rules)
    name, remedy = "sonar's names in the rules", "Correct the line, or take it out: it does nothing."
    return [Finding(name, False, one, remedy) for one in unknown] or [
        Finding(name, True, "Sonar has everything that the rules name")
    ]
