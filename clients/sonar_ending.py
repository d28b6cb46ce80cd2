"""An end to asking: when the process is to end, nobody waits for Sonar any longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from plumbing.errors import Action, ExitCode, SyncError


class SonarEnded(SyncError):
    """This process was asked to end, and asks Sonar nothing any more. What was under way is read again next time."""

    code = "sonar.ended"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "Start it again when it should go on: it resumes from its cursors."


class Ending:
    """Entered by each request with all its attempts. `give_up` ends those under way, and every later one at once."""

    def __init__(self) -> None:
        self.ended = False
        self._under_way: set[asyncio.Timeout] = set()

    def give_up(self) -> None:
        """From now on there is no answer."""
        self.ended = True
        for one in self._under_way:
            one.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def heeded(self) -> AsyncIterator[None]:
        """As long as it is not given up.

        Raises:
            SonarEnded: it is, before or in the middle of it.
        """
        limit = asyncio.timeout(None)
        try:
            if not self.ended:
                async with limit:
                    self._under_way.add(limit)
                    yield
                return
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            self._under_way.discard(limit)
        raise SonarEnded("this process is to end: Sonar is asked nothing any more")
