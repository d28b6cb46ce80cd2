"""Instants to local days and texts in the operator's zone (mapping 5.4)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from plumbing.errors import ConfigurationError


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant where the ISP is."""
    return instant.astimezone(zone).date()


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """`YYYY-MM-DD HH:MM:SS` where the ISP is, as Splynx stores it; autumn's repeated hour looks alike twice."""
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def iana_zone(sonar_zone: str) -> str:
    """The IANA name of a value of Sonar's enum Timezone, such as AMERICACHICAGO.

    The enum drops every sign from the name, so a few names become one; those must be given in the rules.

    Raises:
        ConfigurationError: no zone, or more than one, has this form.
    """
    if sonar_zone == "UTC":
        return "UTC"
    found = sorted(name for name in available_timezones() if _squeezed(name) == sonar_zone and "posix" not in name)
    if len(found) != 1:
        raise ConfigurationError(
            f"Sonar's time zone {sonar_zone} stands for {len(found)} IANA zones",
            remedy="Write the IANA name into the rules: source.timezone.",
        )
    return found[0]


def _squeezed(name: str) -> str:
    text = name.upper().replace("+", "PLUS")
    if text.startswith("ETC/GMT-"):
        text = text.replace("-", "MINUS")
    return "".join(sign for sign in text if sign.isalnum())
