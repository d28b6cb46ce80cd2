"""Raw Faust, used in ways that our rules forbid and in the way that they prescribe: one scene per process.

`python -m tests.integration.processors.faust_scenes SCENE BOOTSTRAP TOPIC GROUP FOLDER`. The value of each event is its
offset; it becomes a line of `FOLDER/done` when the agent is through with it, and not before.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
from mode.supervisors import CrashingSupervisor

BAD = b"5"
"""The event at which every scene does what it is about."""


class Scene:
    """An app over one topic, and the file that tells what was done."""

    def __init__(self, bootstrap: str, topic: str, group: str, folder: Path) -> None:
        self._bootstrap, self._topic, self._group, self._folder = bootstrap, topic, group, folder

    def done(self, value: bytes) -> None:
        """The event is through."""
        with (self._folder / "done").open("ab") as file:
            file.write(value + b"\n")

    def reached(self) -> None:
        """The scene is at its event."""
        (self._folder / "reached").touch()

    def app(self, **options: Any) -> faust.App:
        """As `processors.worker` configures it, but for `options`."""
        settings: dict[str, Any] = {
            "broker": f"kafka://{self._bootstrap}",
            "processing_guarantee": "at_least_once",
            "topic_allow_declare": False,
            "topic_disable_leader": True,
            "web_enabled": False,
            "stream_wait_empty": True,
            "broker_commit_interval": 0.2,
            "broker_session_timeout": 6.0,
            "broker_heartbeat_interval": 1.0,
            "consumer_auto_offset_reset": "earliest",
            "datadir": str(self._folder / "faust"),
        }
        return faust.App(self._group, **(settings | options))

    def topic(self, app: faust.App, **options: Any) -> Any:
        """The topic, raw unless told otherwise."""
        return app.topic(self._topic, **{"key_serializer": "raw", "value_serializer": "raw", **options})


def agent_raises(scene: Scene) -> faust.App:
    return _with_agent(scene, scene.app(), _raise)


def agent_raises_under_a_crashing_supervisor(scene: Scene) -> faust.App:
    return _with_agent(scene, scene.app(), _raise, supervisor_strategy=CrashingSupervisor)


def batch_raises(scene: Scene) -> faust.App:
    app = scene.app()

    async def consume(stream: Any) -> None:
        async for values in stream.take(4, within=0.5):
            if BAD in values:
                scene.reached()
                raise RuntimeError
            for value in values:
                scene.done(value)

    app.agent(scene.topic(app))(consume)
    return app


def serializer_refuses(scene: Scene) -> faust.App:
    """The topic decodes JSON, and the event at `BAD` is none."""
    app = scene.app()

    async def consume(stream: Any) -> None:
        async for value in stream:
            scene.done(str(value).encode())

    app.agent(scene.topic(app, value_serializer="json"))(consume)
    return app


def two_at_a_time(scene: Scene) -> faust.App:
    return _with_agent(scene, scene.app(), _hang, concurrency=2)


def one_is_not_acknowledged(scene: Scene) -> faust.App:
    app = scene.app()

    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            if event.value == BAD:
                scene.reached()
                continue
            scene.done(event.value)
            event.ack()

    app.agent(scene.topic(app))(consume)
    return app


def stop_does_not_wait(scene: Scene) -> faust.App:
    return _with_agent(scene, scene.app(stream_wait_empty=False), _hang)


def stop_waits(scene: Scene) -> faust.App:
    return _with_agent(scene, scene.app(), _linger)


def serial_agent_hangs(scene: Scene) -> faust.App:
    return _with_agent(scene, scene.app(), _hang)


def serial_agent_exits(scene: Scene) -> faust.App:
    return _with_agent(scene, scene.app(), _exit)


async def _raise() -> None:
    raise RuntimeError


async def _hang() -> None:
    await asyncio.sleep(3600)


async def _linger() -> None:
    await asyncio.sleep(3)


async def _exit() -> None:
    os._exit(70)


def _with_agent(scene: Scene, app: faust.App, at_bad: Callable[[], Any], **options: Any) -> faust.App:
    async def consume(stream: Any) -> None:
        async for event in stream.events():
            if event.value == BAD:
                scene.reached()
                await at_bad()
            scene.done(event.value)

    app.agent(scene.topic(app), **options)(consume)
    return app


if __name__ == "__main__":
    name, bootstrap, topic, group, folder = sys.argv[1:]
    made = globals()[name](Scene(bootstrap, topic, group, Path(folder)))
    faust.Worker(made, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()
