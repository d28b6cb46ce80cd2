"""A command that asks Sonar: it takes its share of the requests that all processes of the instance may make."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clients.sonar import ATTEMPTS, SonarClient
from plumbing.settings import Settings
from plumbing.shares import Share
from schemas.topics import Topics


@asynccontextmanager
async def asking_sonar(settings: Settings, *, attempts: int = ATTEMPTS) -> AsyncIterator[SonarClient]:
    """A client that was entered; others of the instance have the more of the budget again when it ends."""
    with Share(settings.kafka, Topics(settings.instance).asking) as share:
        async with SonarClient(settings.sonar, share.part, attempts=attempts) as client:
            yield client
