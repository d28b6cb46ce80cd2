"""What would have left the machine: mails, hooks, RADIUS commands. Kept so that a test can say that nothing did."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Effects:
    """The log of one server. Entries of a request are added when it has committed."""

    mails: list[dict[str, Any]] = field(default_factory=list)
    hooks: list[dict[str, Any]] = field(default_factory=list)
    radius: list[dict[str, Any]] = field(default_factory=list)

    def clear(self) -> None:
        self.mails.clear()
        self.hooks.clear()
        self.radius.clear()

    def add(self, other: "Effects") -> None:
        self.mails += other.mails
        self.hooks += other.hooks
        self.radius += other.radius

    def shown(self) -> dict[str, list[dict[str, Any]]]:
        return {"mails": self.mails, "hooks": self.hooks, "radius": self.radius}
