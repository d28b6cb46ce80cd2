"""What an account used: data by intervals, what was bought on top, calls (mapping B9 to B11)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Owner, Touch
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import Instant, NewerSonar, Personal, ShownArchived, SonarRecord


class BoughtData(SonarRecord):
    """Data bought beyond the cap, in an interval. Source: Sonar schema, type DataUsageTopOff."""

    id: int
    amount_in_bytes: int


class DataUsage(SonarRecord):
    """The traffic of an interval in bytes; it grows while the interval has no end.

    Source: Sonar schema, type DataUsageHistory.
    """

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    account_service_id: Annotated[int | None, NewerSonar()] = None
    billable_in_bytes: int
    billable_out_bytes: int
    start_time: Instant
    end_time: Instant | None = None
    free_in_bytes: int
    free_out_bytes: int
    policy_cap_at_close_in_bytes: int | None = None
    rollover_available_in_bytes: int | None = None
    rollover_remainder_bytes: int | None = None
    rollover_unconsumed_bytes: int | None = None
    rollover_used_at_close_in_bytes: int | None = None
    top_off_total_at_close_in_bytes: int | None = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    data_usage_top_offs: list[BoughtData] | None = None


class TopOff(SonarRecord):
    """Data bought beyond the cap, whether its interval is known or not. Source: Sonar schema, type DataUsageTopOff.

    How long it holds is said by its interval, which shows it too.
    """

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    amount_in_bytes: int
    data_usage_history_id: int | None = None
    debit_id: int | None = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None


class Call(SonarRecord):
    """One call; amounts are in fractions of the smallest unit. Source: Sonar schema, type CallDetailRecord."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int | None = None
    """None: of no number that Sonar knows."""
    amount: str | None = None
    charge_rate: str | None = None
    description: Annotated[str | None, Personal()] = None
    direction: str | None = None
    length_in_seconds: int
    matched_prefix: str | None = None
    monthly_billing_completion_id: int | None = None
    originating_number: Annotated[str | None, Personal()] = None
    prefix_type: str | None = None
    receiving_number: Annotated[str | None, Personal()] = None
    service_id: int | None = None
    started_at: Instant
    voice_provider_id: int | None = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None


DATA_USAGE = Aggregate(
    name="data_usage",
    root=Collection("data_usage_histories", DataUsage, "DataUsageHistory"),
    owned_by=[Owner("account_id")],
    touched_by=[Touch("data_usage_top_offs", "DataUsageTopOff", [Owner("data_usage_history_id")])],
    looks_up=follows_account("data_usage_histories"),
    doc="The traffic of an account in one interval, and what was bought on top of it.",
)
TOP_OFF = Aggregate(
    name="data_top_off",
    root=Collection("data_usage_top_offs", TopOff, "DataUsageTopOff"),
    owned_by=[Owner("account_id")],
    looks_up=follows_account("data_usage_top_offs"),
    doc="Data that an account bought beyond its cap.",
)
CALL = Aggregate(
    name="call",
    root=Collection("call_detail_records", Call, "CallDetailRecord"),
    owned_by=[Owner("account_id")],
    looks_up=follows_account("call_detail_records"),
    doc="One call of an account.",
)
