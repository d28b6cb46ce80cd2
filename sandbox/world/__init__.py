"""An invented ISP of any size, consistent to the cent, that lives."""

from sandbox.world.populate import populate
from sandbox.world.world import World

__all__ = ["World", "populate"]
