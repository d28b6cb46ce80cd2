"""How far a replay is: kept in a file, so that the next one of the same goes on there."""

from pathlib import Path
from typing import Any

import orjson

from console.replay_scope import Offsets


class Place:
    """Where the replay called `name` is. One of another name begins anew, and takes its place."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file, self._name = folder / "replay.json", name
        kept = self._kept()
        self.done: dict[str, int] = kept.get("done", {})
        """`{aggregate: id of the last one published}`; they are published in the order of ids."""
        self.ends: dict[tuple[str, int], int] = {(topic, part): at for topic, part, at in kept.get("ends", ())}
        """Where the topics ended when it was begun."""

    def begin(self, ends: Offsets) -> None:
        """Remember where the topics end, unless it was begun before."""
        self.ends = self.ends or dict(ends)

    def reached(self, aggregate: str, id: int) -> None:
        """Everything up to this one is on the topic."""
        self.done[aggregate] = id
        ends = [[topic, partition, offset] for (topic, partition), offset in self.ends.items()]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".part")
        part.write_bytes(orjson.dumps({"name": self._name, "done": self.done, "ends": ends}))
        part.replace(self._file)

    def forget(self) -> None:
        """It is done."""
        self._file.unlink(missing_ok=True)

    def _kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = orjson.loads(self._file.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return kept if kept.get("name") == self._name else {}
