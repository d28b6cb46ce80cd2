"""What an account has of what is sold, and how it is taxed otherwise than others (mapping S1-S5, C1)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from schemas.entities.catalogued import beside
from schemas.entities.service.sold import SoldService
from schemas.records import Few, Instant, MinorUnits, NewerSonar, Personal, SonarRecord


class MetadatumOf(SonarRecord):
    """Source: Sonar schema, type ServiceMetadata."""

    id: int
    name: str


class MetadataValue(SonarRecord):
    """What was told of this sale. Source: Sonar schema, type ServiceMetadataValue."""

    id: int
    value: Annotated[str, Personal()]
    service_metadatum: MetadatumOf | None = None

    left_out = beside("account_service_id", service_metadata_id="it is service_metadatum.id")


class ParameterOf(SonarRecord):
    """Source: Sonar schema, type VoiceServiceGenericParameter."""

    id: int
    description: str
    price: MinorUnits


class AccountVoiceDetail(SonarRecord):
    """A part of a telephone system on an account. Source: Sonar schema, type AccountVoiceServiceDetail."""

    id: int
    quantity: int
    price_override: MinorUnits | None = None
    price_override_reason: Annotated[str | None, Personal()] = None
    voice_service_generic_parameter: ParameterOf | None = None

    left_out = beside(
        "account_service_id", voice_service_generic_parameter_id="it is voice_service_generic_parameter.id"
    )


class PackageOf(SonarRecord):
    """Source: Sonar schema, type Package."""

    id: int
    name: str


class AccountService(SonarRecord):
    """It has no status and no dates: it is there or it is deleted. Source: Sonar schema, type AccountService."""

    id: int
    created_at: Instant
    updated_at: Instant
    service_id: int
    quantity: int
    price_override: MinorUnits | None = None
    price_override_reason: Annotated[str | None, Personal()] = None
    name_override: str | None = None
    addition_prorate_date: date | None = None
    next_bill_date: date | None = None
    number_of_times_billed: int | None = None
    data_usage_last_calculated_date: date | None = None
    package_id: int | None = None
    unique_package_relationship_id: str | None = None
    sonar_unique_id: str | None = None
    is_additional: Annotated[bool | None, NewerSonar()] = None
    service: SoldService | None = None
    package: PackageOf | None = None
    service_metadata_values: Annotated[list[MetadataValue] | None, Few(3)] = None
    account_voice_service_details: Annotated[list[AccountVoiceDetail] | None, Few(3)] = None

    left_out: ClassVar[Mapping[str, str]] = {
        "data_usage_percentage": "Sonar works it out from the usage, which is captured; the service does not change"
    }


class TaxNameOf(SonarRecord):
    """Source: Sonar schema, type Tax."""

    id: int
    name: str


class TaxOverride(SonarRecord):
    """A rate of the account's own. Source: Sonar schema, type TaxOverride."""

    id: int
    rate: str
    tax: TaxNameOf | None = None

    left_out = beside("account_id", tax_id="it is tax.id")


class TaxExemption(SonarRecord):
    """From the taxes of an outer engine. Source: Sonar schema, type TaxExemption."""

    id: int
    name: Annotated[str, Personal()]
    jurisdictions: list[str] | None = None
    tax_provider_id: int | None = None

    left_out = beside("account_id")


class TaxZoneOf(SonarRecord):
    """A zone in which the account's address lies. Source: Sonar schema, type GeoTaxZone."""

    id: int
    tax_id: int
    name: str
    rate: str


class StatusChange(SonarRecord):
    """When the account got another status. Source: Sonar schema, type AccountEvent."""

    id: int
    event_datetime: Instant


class Disconnection(SonarRecord):
    """When the account's services were ended. Source: Sonar schema, type DisconnectionLog."""

    id: int
    disconnected_at: Instant
    serviceable_address_id: int | None = None

    left_out = beside(
        "account_id",
        disconnected_by_user_id="no record of Splynx's shows who it was",
        serviceable_address_reference_record="the address as it was, with its text; its id is enough to find it",
    )
