"""What a model check has done so far, so that the next one goes on there."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.full import ROOMS, ROOT, digest

CHUNK = 50
"""Histories that are checked, and kept, together."""
Met = Counter[tuple[str, str]]
"""How often each operation met each fault."""


def loaded() -> set[Path]:
    """Files of our modules that are loaded by now: what a history may run through."""
    rooms = [ROOT / room for room in ROOMS]
    files = {Path(file) for one in list(sys.modules.values()) if (file := getattr(one, "__file__", None))}
    return {path for path in files if any(path.is_relative_to(room) for room in rooms)}


class State:
    """A file, good for one state of the sources.

    `{"sources": digest, "controls": {strategy: the history it fails}, "chunks": [numbers], "missed": {history: what},
    "met": {operation: {fault: times}}}`
    """

    def __init__(self, path: Path, sources: str | None = None) -> None:
        """`sources`: their digest, taken here of what is loaded by default."""
        self._path, self._sources = path, sources or digest(loaded())
        kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        if kept.get("sources") != self._sources:
            kept = {}
        self.controls: dict[str, int] = kept.get("controls", {})
        self.chunks: set[int] = set(kept.get("chunks", ()))
        self.missed: dict[int, str] = {int(history): what for history, what in kept.get("missed", {}).items()}
        met = kept.get("met", {}).items()
        self.met: Met = Counter({(operation, fault): some[fault] for operation, some in met for fault in some})

    def left(self, first: int, histories: int) -> list[int]:
        """Chunks that hold these histories and are not done."""
        wanted = range(first // CHUNK, -(-(first + histories) // CHUNK))
        return [one for one in wanted if one not in self.chunks]

    def note_control(self, strategy: str, history: int) -> None:
        """A naive strategy was seen to fail."""
        self.controls[strategy] = history
        self._keep()

    def note(self, chunk: int, missed: dict[int, str], met: Met) -> None:
        """A chunk is done; at once in the file, so that nothing is lost when the run ends here."""
        self.chunks.add(chunk)
        self.missed.update(missed)
        self.met.update(met)
        self._keep()

    def _keep(self) -> None:
        met: dict[str, dict[str, int]] = {}
        for (operation, fault), times in sorted(self.met.items()):
            met.setdefault(operation, {})[fault] = times
        document = {
            "sources": self._sources,
            "controls": self.controls,
            "chunks": sorted(self.chunks),
            "missed": self.missed,
            "met": met,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.with_suffix(".new").write_text(json.dumps(document, indent=1))
        self._path.with_suffix(".new").replace(self._path)
