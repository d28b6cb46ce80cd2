"""Which Sonar is captured. The cursors remember it, so that the rows of no other come to lie on its topics."""

from typing import Any

import structlog

from clients.sonar import SonarClient
from clients.sonar_errors import SonarGraphqlError, SonarQueryInvalid
from clients.sonar_purpose import asking
from clients.sonar_schema import SonarSchema
from plumbing.errors import Action, ExitCode, SyncError
from producers.cursors import Cursors

log = structlog.get_logger()

_CURSOR = "sonar"
_TOLD_BY = ("instance_id", "created_at")
"""Columns of Sonar's own settings that never change. Source: Sonar schema, type SystemSetting."""


class ForeignSonar(SyncError):
    """This is another Sonar than the one whose rows lie on the topics: a wrong address, or a test installation.

    Nothing of it is read: its accounts would take the places of those with the same ids.
    """

    code = "capture.foreign_sonar"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Set sonar.url and sonar.token to the Sonar of this instance. To capture another one begin a new instance"
        " (another `instance` in the settings, `crossfade topics --apply`)."
    )


class Identity:
    """What tells one Sonar from another, as this one tells it. `keep` it once it is certain that it is meant."""

    def __init__(self, cursors: Cursors, told: dict[str, str]) -> None:
        self._cursors, self._told = cursors, told

    @classmethod
    async def checked(cls, client: SonarClient, schema: SonarSchema, cursors: Cursors) -> "Identity":
        """Compare Sonar with the one that was captured before; nothing is written.

        Raises:
            ForeignSonar: it is another one.
            SyncError: from the client.
        """
        known, told = cursors.get(_CURSOR) or {}, await _told_by(client, schema)
        for name in sorted(known.keys() & told.keys()):
            if known[name] != told[name]:
                raise ForeignSonar(
                    f"Sonar's {name} is {told[name]}, and that of the one that was captured so far is {known[name]}"
                )
        return cls(cursors, known | told)

    async def keep(self) -> None:
        """Remember it."""
        if self._told != (self._cursors.get(_CURSOR) or {}):
            await self._cursors.save(_CURSOR, self._told)


async def _told_by(client: SonarClient, schema: SonarSchema) -> dict[str, str]:
    names = [name for name in _TOLD_BY if name in schema.fields("SystemSetting")]
    if not names:
        return {}
    try:
        with asking("settings"):
            answer = await client.query(f"query Identity {{ system_setting {{ {' '.join(names)} }} }}")
    except SonarQueryInvalid:
        raise
    except SonarGraphqlError as exc:
        # Capture goes on without: whether these settings may be read is told where they are captured.
        log.warning("capture.sonar_not_known", error=exc.code)
        return {}
    found: dict[str, Any] = answer.data.get("system_setting") or {}
    return {name: str(found[name]) for name in names if found.get(name) is not None}
