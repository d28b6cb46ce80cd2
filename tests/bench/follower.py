"""`crossfade follow` as a process of its own over an instance of the benchmarks."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import OFFSET_END, TopicPartition

from plumbing.kafka import make_consumer
from plumbing.settings import Settings
from schemas.topics import Topics
from tests.integration.processors.conftest import with_secrets


class Follower:
    """The process, and where it writes what it has to say."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        config, self._log = folder / "follow.json", folder / "follow.log"
        config.write_text(json.dumps(with_secrets(settings)))
        self._settings = settings
        command = [sys.executable, "-m", "console", "follow", "--config", str(config)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def await_watermark(self, patience_seconds: float) -> None:
        """Wait until it has covered something from now on, its snapshot being complete."""
        topics = Topics(self._settings.instance)
        consumer = make_consumer(self._settings.kafka, f"{self._settings.instance}.bench.watermarks")
        try:
            consumer.assign([TopicPartition(topics.watermarks, 0, OFFSET_END)])
            deadline = time.monotonic() + patience_seconds
            while True:
                message = consumer.poll(1.0)
                assert self._process.poll() is None, self._last_lines()
                assert time.monotonic() < deadline, self._last_lines()
                if message is None or message.error() is not None:
                    continue
                if json.loads(message.value() or b"{}")["snapshot_complete"]:
                    return
        finally:
            consumer.close()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(300)  # a look that is under way comes to its end

    def _last_lines(self) -> str:
        return self._log.read_text()[-2000:]


@contextmanager
def following(settings: Settings, folder: Path) -> Iterator[Follower]:
    """A follower for as long as the block runs."""
    follower = Follower(settings, folder)
    try:
        yield follower
    finally:
        follower.stop()
