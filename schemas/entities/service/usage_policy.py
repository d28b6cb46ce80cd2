"""Usage policies: how much may be transferred, and what more costs (mapping F17)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, LookUp, Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.records import Few, MinorUnits, SonarRecord


class FreePeriod(Catalogued):
    """When usage does not count. Source: Sonar schema, type UsageBasedBillingPolicyFreePeriod."""

    usage_based_billing_policy_id: int | None = None
    day: str
    start: str
    end: str


class Purchase(SonarRecord):
    """What more capacity there is to buy. Source: Sonar schema, type OverageServiceDetail."""

    id: int
    gigabytes: int


class OverageService(SonarRecord):
    """The service that is charged for more capacity. Source: Sonar schema, type Service."""

    id: int
    name: str
    amount: MinorUnits | None = None
    enabled: bool
    overage_service_detail: Purchase | None = None


class PlanOfPolicy(SonarRecord):
    """A plan under the policy. Source: Sonar schema, type DataServiceDetail."""

    id: int
    service_id: int


class UsagePolicy(Catalogued):
    """Source: Sonar schema, type UsageBasedBillingPolicy."""

    name: str
    cap_in_gigabytes: int
    allow_purchase_of_additional_capacity_during_billing_period: bool | None = None
    assess_charges_at_end_of_billing_period: bool | None = None
    rollover_enabled: bool | None = None
    rollover_expiration_enabled: bool | None = None
    rollover_expiration_months: int | None = None
    service_id: int | None = None
    service: OverageService | None = None
    data_service_details: list[PlanOfPolicy] | None = None
    usage_based_billing_policy_free_periods: Annotated[list[FreePeriod] | None, Few(8)] = None


USAGE_POLICY = Aggregate(
    name="usage_policy",
    root=Collection("usage_based_billing_policies", UsagePolicy, "UsageBasedBillingPolicy"),
    touched_by=[
        Touch(
            "usage_based_billing_policy_free_periods",
            "UsageBasedBillingPolicyFreePeriod",
            [Owner("usage_based_billing_policy_id")],
        ),
        Touch("data_service_details", "DataServiceDetail", [Owner("usage_based_billing_policy_id")]),
    ],
    looks_up=[
        LookUp("services", "Service", column="service_id", fields=("name", "amount", "enabled")),
        LookUp(
            "overage_service_details",
            "OverageServiceDetail",
            relation="service.overage_service_detail",
            fields=("gigabytes",),
        ),
    ],
    doc="A policy for usage with its free periods and the plans under it.",
)
