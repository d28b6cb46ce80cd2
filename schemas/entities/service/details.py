"""What a service is by its type: one row of details each (mapping F12-F15, F17)."""

from datetime import date
from typing import Annotated

from schemas.aggregate import Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.records import Few, MinorUnits


class DataDetail(Catalogued):
    """Source: Sonar schema, type DataServiceDetail."""

    service_id: int | None = None
    billing_frequency: int
    download_speed_kilobits_per_second: int
    upload_speed_kilobits_per_second: int
    technology_code: str | None = None
    telrad_global_service_profile_name: str | None = None
    usage_based_billing_policy_id: int | None = None


class LocalPrefix(Catalogued):
    """The first digits of numbers that are a local call. Source: Sonar schema, type LocalPrefix."""

    voice_service_detail_id: int | None = None
    prefix: str


class ParameterTax(Catalogued):
    """Source: Sonar schema, type VoiceServiceGenericParameterTax."""

    voice_service_generic_parameter_id: int | None = None
    tax_id: int
    exemption_amount: MinorUnits


class VoiceParameter(Catalogued):
    """A part of a telephone system, sold beside it. Source: Sonar schema, type VoiceServiceGenericParameter."""

    voice_service_detail_id: int | None = None
    description: str
    type: str
    price: MinorUnits
    proratable: bool | None = None
    addition_prorate_date: date | None = None
    tax_definition_id: int | None = None
    reverse_tax_definition_id: int | None = None
    voice_service_generic_parameter_taxes: Annotated[list[ParameterTax] | None, Few(5)] = None


class VoiceDetail(Catalogued):
    """Prices per minute are thousandths of the smallest unit. Source: Sonar schema, type VoiceServiceDetail."""

    service_id: int | None = None
    billing_frequency: int
    sub_type: str
    country: str | None = None
    cost_per_minute_local_in_thousandths: int | None = None
    cost_per_minute_long_distance_in_thousandths: int | None = None
    inbound_toll_free_rate_per_minute_in_thousandths: int | None = None
    first_interval_in_seconds: int | None = None
    sub_interval_in_seconds: int | None = None
    local_minutes: int | None = None
    long_distance_minutes: int | None = None
    unlimited_local_minutes: bool | None = None
    unlimited_long_distance_minutes: bool | None = None
    rollup_generic_parameters: bool | None = None
    show_call_detail_records_on_invoice: bool | None = None
    local_prefixes: list[LocalPrefix] | None = None
    voice_service_generic_parameters: list[VoiceParameter] | None = None


class RecurringDetail(Catalogued):
    """Source: Sonar schema, type RecurringServiceDetail."""

    service_id: int | None = None
    billing_frequency: int


class ExpiringDetail(Catalogued):
    """Source: Sonar schema, type ExpiringServiceDetail."""

    service_id: int | None = None
    billing_frequency: int
    times_to_run: int


class AdjustmentDetail(Catalogued):
    """What may be adjusted at most, and how often. Source: Sonar schema, type AdjustmentServiceDetail."""

    service_id: int | None = None
    amount: MinorUnits | None = None
    days: int | None = None


class OverageDetail(Catalogued):
    """Source: Sonar schema, type OverageServiceDetail."""

    service_id: int | None = None
    gigabytes: int


_OF_SERVICE = [Owner("service_id")]
_OF_VOICE = [Owner("voice_service_detail.service_id")]
DETAIL_TOUCHES = (
    Touch("data_service_details", "DataServiceDetail", _OF_SERVICE),
    Touch("voice_service_details", "VoiceServiceDetail", _OF_SERVICE),
    Touch("recurring_service_details", "RecurringServiceDetail", _OF_SERVICE),
    Touch("expiring_service_details", "ExpiringServiceDetail", _OF_SERVICE),
    Touch("adjustment_service_details", "AdjustmentServiceDetail", _OF_SERVICE),
    Touch("overage_service_details", "OverageServiceDetail", _OF_SERVICE),
    Touch("local_prefixes", "LocalPrefix", _OF_VOICE),
    Touch("voice_service_generic_parameters", "VoiceServiceGenericParameter", _OF_VOICE),
    Touch(
        "voice_service_generic_parameter_taxes",
        "VoiceServiceGenericParameterTax",
        [Owner("voice_service_generic_parameter.voice_service_detail.service_id")],
    ),
)
"""Details whose changes re-read their service."""
