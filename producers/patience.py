"""What may fail alone is asked for a few times; what concerns Sonar as a whole is waited for as ever."""

from collections.abc import Mapping
from typing import Any

from clients.sonar import SonarAnswer, SonarClient
from clients.sonar_errors import UNSERVED, SonarLimited, SonarUnreachable

FEW_ATTEMPTS = 2
"""At what has failed together with others, or once."""


async def ask(
    client: SonarClient, document: str, variables: Mapping[str, Any], attempts: int | None = None
) -> SonarAnswer:
    """The answer to what can be asked for in smaller parts. `attempts`: at what may concern this alone; None: as ever.

    Raises:
        SyncError: as `SonarClient.query`.
    """
    # Less can be asked for, or others: the same at once would take as long, and says nothing of Sonar as a whole.
    try:
        return await client.query(document, variables, attempts=attempts, again_after_timeout=False)
    except (SonarLimited, SonarUnreachable) as exc:
        if attempts is None or isinstance(exc, UNSERVED):
            raise
    return await client.query(document, variables, again_after_timeout=False)
