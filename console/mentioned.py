"""What the rules name and Sonar does not have: a name that was mistyped, or something that was deleted there."""

from pathlib import Path

from clients.sonar import SonarClient
from console.listing import read_listed
from schemas.rules import named_in_sonar, read_rules, unknown_in_sonar


async def not_in_sonar(client: SonarClient, path: Path) -> list[str]:
    """What the rules file at `path` names in vain, each with its line. Only what it names is listed in Sonar.

    Raises:
        ConfigurationError: the rules file is wrong.
        SyncError: from the client.
    """
    text = read_rules(path)
    known = {
        collection: {int(row["id"]): str(row["name"]) for row in await read_listed(client, collection, "name")}
        for collection in sorted({one.collection for one in named_in_sonar(text.file)})
    }
    return unknown_in_sonar(text, known)
