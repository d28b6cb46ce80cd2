"""The domains of the invented ISP, in the order in which they begin: later ones refer to rows of earlier ones."""

from __future__ import annotations

from sandbox.world.billing import BILLING
from sandbox.world.domain import Domain
from sandbox.world.operations import OPERATIONS
from sandbox.world.plant import PLANT

DOMAINS: tuple[Domain, ...] = (BILLING, PLANT, OPERATIONS)
