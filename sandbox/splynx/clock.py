"""The installation's clock: local time in its zone, which is how the product writes every date."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


class Clock:
    """Now, as the product's texts."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)

    def now(self) -> datetime:
        return datetime.now(UTC).astimezone(self.zone)

    def datetime(self) -> str:
        return self.now().strftime("%Y-%m-%d %H:%M:%S")

    def date(self) -> str:
        return self.now().strftime("%Y-%m-%d")

    def time(self) -> str:
        return self.now().strftime("%H:%M:%S")
