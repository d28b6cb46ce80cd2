"""Telephone numbers that can be assigned, and who provides them (mapping S4)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection
from schemas.entities.catalogued import Catalogued
from schemas.records import Personal


class VoiceProvider(Catalogued):
    """Source: Sonar schema, type VoiceProvider."""

    name: str


class Did(Catalogued):
    """A number, whether assigned or not. Source: Sonar schema, type Did."""

    number: Annotated[str, Personal()]
    voice_provider_id: int
    rate_center_id: int | None = None


VOICE_PROVIDER = Aggregate(
    name="voice_provider",
    root=Collection("voice_providers", VoiceProvider, "VoiceProvider"),
    doc="Who provides telephone numbers.",
)
DID = Aggregate(
    name="did",
    root=Collection("dids", Did, "Did"),
    doc="A telephone number, whether an account has it or not.",
)
