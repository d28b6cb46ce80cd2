"""The sink's place in its consumer group: kept by polling while a batch is written, given up as soon as asked for it.

A batch over REST may take many minutes. Polled meanwhile, with its partitions paused, the consumer is not believed to
be stuck, and hears at once when the partitions go to another sink.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from confluent_kafka import Consumer, Message, TopicPartition

T = TypeVar("T")
_POLL_SECONDS = 1.0
"""Work that is done sooner is not disturbed: a pause throws away what was fetched ahead."""


class Membership:
    """One consumer in its group.

    `leaving` is set while the partitions are asked back, and from `stop` on: work ends where it may, and what it began
    is the next owner's.
    `gone` is called when they are away; `read_on` resumes those of a list that do not stand still for another reason.
    """

    def __init__(
        self,
        consumer: Consumer,
        stop: asyncio.Event,
        leaving: asyncio.Event,
        *,
        gone: Callable[[], object],
        read_on: Callable[[Consumer, list[TopicPartition]], object],
    ) -> None:
        self._consumer, self._gone, self._read_on = consumer, gone, read_on
        self._stop, self._leaving = stop, leaving
        self._loop = asyncio.get_running_loop()
        self._work: asyncio.Task[Any] | None = None
        self._early: list[Message] = []
        self.incoming: list[TopicPartition] | None = None
        """Partitions that came, and that nobody has taken over yet."""

    def join(self, topics: Iterable[str]) -> None:
        """Ask for partitions of these topics."""
        self._consumer.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def begin(self, places: list[TopicPartition]) -> None:
        """Read from these places on, unless they went away while they were taken over."""
        if self.incoming is places:
            self.incoming = None
            self._consumer.assign(places)
            self._read_on(self._consumer, places)  # one that was paused as it went away would stay so

    def early(self) -> list[Message]:
        """Messages, and errors, that a poll gave out of turn: an error is told once only."""
        early, self._early = self._early, []
        return early

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work, and stay a member of the group as long as it takes."""
        task: asyncio.Task[T] = asyncio.create_task(work)
        self._work = task
        ending = asyncio.create_task(self._end())
        paused: list[TopicPartition] = []
        try:
            await asyncio.wait({task}, timeout=_POLL_SECONDS)
            if not task.done():
                paused = self._consumer.assignment()
                self._consumer.pause(paused)
            while not task.done():
                message = await asyncio.to_thread(self._consumer.poll, 0)
                if message is not None:
                    self._early.append(message)
                await asyncio.wait({task}, timeout=_POLL_SECONDS)
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            self._work = None
            ending.cancel()
            if paused and not self._leaving.is_set():
                self._read_on(self._consumer, paused)
            if not self._stop.is_set():
                self._leaving.clear()

    async def _end(self) -> None:
        await self._stop.wait()
        self._leaving.set()

    # Called inside poll() and consume(), which run in threads; the loop is free meanwhile.

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        consumer.assign([])  # left alone, the client would read on from anywhere, before they are ours in the ledger
        self.incoming = list(places)

    def _revoked(self, _: Consumer, __: list[TopicPartition]) -> None:
        self.incoming = None
        if self._work is not None:
            asyncio.run_coroutine_threadsafe(self._stand_down(self._work), self._loop).result()
        self._early.clear()
        self._gone()

    async def _stand_down(self, work: asyncio.Task[Any]) -> None:
        self._leaving.set()
        await asyncio.wait({work})
