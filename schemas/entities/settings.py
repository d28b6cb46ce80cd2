"""Sonar's own settings, as far as they change what amounts and instants mean. They own nothing in Splynx."""

from schemas.aggregate import Aggregate, Collection
from schemas.records import Instant, SonarRecord


class SystemSetting(SonarRecord):
    """Source: Sonar schema, type SystemSetting."""

    id: int
    updated_at: Instant
    currency: str
    timezone: str
    country: str | None = None


class BillingSetting(SonarRecord):
    """Source: Sonar schema, type BillingSetting."""

    id: int
    updated_at: Instant
    minimum_amount_due_for_delinquency: int


SYSTEM_SETTING = Aggregate(
    name="system_setting",
    root=Collection("system_setting", SystemSetting, "SystemSetting", singleton=True),
    doc="Currency and time zone of the instance.",
)
BILLING_SETTING = Aggregate(
    name="billing_setting",
    root=Collection("billing_setting", BillingSetting, "BillingSetting", singleton=True),
    doc="The amount from which an account counts as delinquent.",
)
