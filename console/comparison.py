"""The rules compared with what is in Sonar, before records are mapped by them."""

from console.asking import asking_sonar
from console.names import check_names
from console.statuses import check_statuses
from plumbing.errors import ConfigurationError, SyncError
from plumbing.logs import get_logger
from plumbing.settings import Settings

log = get_logger("process")


async def check_rules_where_possible(settings: Settings) -> None:
    """Compare the rules with Sonar for a stage that works without it: that Sonar is away keeps it from nothing.

    Raises:
        UnmappedStatuses, SharedNames, ConfigurationError.
    """
    async with asking_sonar(settings, attempts=1) as client:
        try:
            await check_statuses(client, settings.rules)
            await check_names(client, settings.rules)
        except ConfigurationError:
            raise
        except SyncError as exc:
            log.warning("process.rules_not_compared", error=exc.code)
