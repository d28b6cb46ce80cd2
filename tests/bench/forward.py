"""A Faust worker that only forwards: `python -m tests.bench.forward SETTINGS.json`, from account events to bundles.

Serial, raw, at least once, our producer flushed before each commit: what a stage costs that maps nothing.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import faust
from faust.transport.drivers.aiokafka import Producer as FaustProducer

from plumbing.kafka import make_producer
from plumbing.settings import Settings
from schemas.topics import Topics


def main(settings: Settings) -> None:
    """Forward until SIGTERM."""
    topics, producer = Topics(settings.instance), make_producer(settings.kafka)
    settings.state_dir.mkdir(parents=True, exist_ok=True)

    class FlushingProducer(FaustProducer):
        """Faust awaits its flush before each commit."""

        async def flush(self) -> None:
            await asyncio.to_thread(producer.flush)
            await super().flush()

    app = faust.App(
        f"{topics.process_group}.forward",
        broker=f"kafka://{settings.kafka.bootstrap}",
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.kafka.partitions,
        web_enabled=False,
        stream_wait_empty=True,
        broker_commit_interval=0.5,
        consumer_auto_offset_reset="earliest",
        datadir=str(settings.state_dir / "forward"),
        loop=None,
    )
    app.transport.Producer = FlushingProducer  # type: ignore[misc]
    target = topics.splynx("account")

    @app.agent(app.topic(topics.sonar("account"), key_serializer="raw", value_serializer="raw"))
    async def forward(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            producer.produce(target, value=message.value, key=message.key, partition=message.partition)
            producer.poll(0)

    faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(Settings.model_validate_json(Path(sys.argv[1]).read_text()))
