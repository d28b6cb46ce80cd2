"""A service as far as its price on an account, or in a package, depends on it."""

from schemas.aggregate import LookUp
from schemas.records import MinorUnits, SonarRecord


class Frequency(SonarRecord):
    """Months between two charges.

    Source: Sonar schema, DataServiceDetail and VoiceServiceDetail; RecurringServiceDetail, too.
    """

    id: int
    billing_frequency: int


class Runs(SonarRecord):
    """Months between two charges, and how many there are. Source: Sonar schema, type ExpiringServiceDetail."""

    id: int
    billing_frequency: int
    times_to_run: int


class SoldService(SonarRecord):
    """Source: Sonar schema, type Service."""

    id: int
    name: str
    type: str
    application: str
    amount: MinorUnits | None = None
    data_service_detail: Frequency | None = None
    voice_service_detail: Frequency | None = None
    recurring_service_detail: Frequency | None = None
    expiring_service_detail: Runs | None = None


def sold(relation: str) -> list[LookUp]:
    """The look-ups of a `SoldService` that `relation` leads to."""
    of_each_charge = ("billing_frequency",)
    return [
        LookUp("services", "Service", relation=relation, fields=("name", "type", "application", "amount")),
        LookUp(
            "data_service_details",
            "DataServiceDetail",
            relation=f"{relation}.data_service_detail",
            fields=of_each_charge,
        ),
        LookUp(
            "voice_service_details",
            "VoiceServiceDetail",
            relation=f"{relation}.voice_service_detail",
            fields=of_each_charge,
        ),
        LookUp(
            "recurring_service_details",
            "RecurringServiceDetail",
            relation=f"{relation}.recurring_service_detail",
            fields=of_each_charge,
        ),
        LookUp(
            "expiring_service_details",
            "ExpiringServiceDetail",
            relation=f"{relation}.expiring_service_detail",
            fields=(*of_each_charge, "times_to_run"),
        ),
    ]
