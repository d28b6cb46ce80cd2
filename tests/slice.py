"""What tests that are not about capture's width read from Sonar: what is mapped, and the settings."""

from schemas.catalogue import AGGREGATES

SLICE = tuple(one for one in AGGREGATES if one.mapper is not None or one.root.singleton)
BEYOND_THE_SLICE = [one.name for one in AGGREGATES if one not in SLICE]
"""For `sonar.leave_out`."""
