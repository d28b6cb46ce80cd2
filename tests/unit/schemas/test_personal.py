"""What is personal data of somebody is marked so, or is declared to be none."""

import re
from collections.abc import Mapping

import pytest

from sandbox.sonar.newer import NEWER
from sandbox.sonar.schema import build_schema
from schemas.catalogue import AGGREGATES
from schemas.records import Personal, Secret
from schemas.shapes import Kind, members
from tests.sources import reading

READING = reading(build_schema(NEWER), AGGREGATES)

PERSONAL = re.compile(
    r"name|(^|_)(e?mail|phone|mobile|number|extension|role|author|signer|signature|body|message|notes?|subject|comment)"
    r"(_|$)|^line\d|address|^subnet$|^value$|latitude|longitude|geopoint|(^|_)ip(_|$)|masked|password|token"
)
"""What a text or a number is called that may tell of a person: who, how to reach, where, what was written."""

OF_THINGS: Mapping[str, set[str]] = {
    "AccountGroup": {"name"},
    "AccountService": {"name_override"},
    "AccountStatus": {"name"},
    "AccountType": {"name"},
    "AddressStatus": {"name"},
    "CannedReply": {"name"},
    "CannedReplyCategory": {"name"},
    "Company": {"name"},
    "CustomField": {"name"},
    "DataServiceDetail": {"telrad_global_service_profile_name"},
    "Debit": {"service_name", "service_override_name"},
    "Department": {"name"},
    "DeploymentType": {"name"},
    "Discount": {"service_name"},
    "GeoTaxZone": {"name"},
    "InternalLocation": {"name"},
    "InventoryLocation": {"name"},
    "InventoryModel": {"model_name", "name"},
    "InventoryModelCategory": {"name"},
    "InventoryModelField": {"name"},
    "IpPool": {"name"},
    "JobType": {"name"},
    "Manufacturer": {"name"},
    "NetworkSite": {"name"},
    "Package": {"name"},
    "PhoneNumberType": {"name"},
    "PurchaseOrder": {"vendor_name"},
    "PurchaseOrderItem": {"name", "part_number"},
    "Role": {"name"},
    "Service": {"name"},
    "ServiceMetadata": {"name"},
    "Subnet": {"name"},
    "Supernet": {"name"},
    "SystemSetting": {"default_message_language"},
    "TaskTemplate": {"name"},
    "Tax": {"name"},
    "TicketCategory": {"name"},
    "TicketGroup": {"name"},
    "UsageBasedBillingPolicy": {"name"},
    "Vendor": {"name"},
    "VendorItem": {"name", "part_number"},
    "VoiceProvider": {"name"},
}
"""`{type: fields that are called like personal ones and tell of a thing}`."""

OF_THE_ISP: Mapping[str, set[str]] = {
    "Company": {"phone_number", "website_address"},
    "CompanyDepartment": {"email_address", "extension", "number", "number_formatted"},
    "InventoryLocation": {"geopoint"},
    "IpPool": {"ip_range"},
    "NetworkSite": {"geopoint"},
    "Subnet": {"subnet"},
    "Supernet": {"subnet"},
    "SystemSetting": {"latitude", "longitude"},
}
"""`{type: fields that tell how to reach the ISP itself, and where its own things are}`."""


def _marked(type_name: str) -> dict[str, set[bool]]:
    """`{field: whether it is marked, as the records of a type have it}`, of texts and numbers that refer to no row."""
    found: dict[str, set[bool]] = {}
    for record in READING[type_name]:
        for one in members(record):
            if one.kind in {Kind.TEXT, Kind.NUMBER} and not one.name.endswith(("_id", "_type")):
                is_marked = any(isinstance(mark, Personal | Secret) for mark in one.metadata)
                found.setdefault(one.name, set()).add(is_marked)
    return found


@pytest.mark.parametrize("type_name", sorted(READING))
def test_a_field_that_is_called_like_personal_data_is_marked_or_known_to_be_none(type_name: str) -> None:
    unmarked = {field for field, found in _marked(type_name).items() if PERSONAL.search(field) and False in found}
    assert unmarked == OF_THINGS.get(type_name, set()) | OF_THE_ISP.get(type_name, set())


def test_no_type_is_declared_that_is_not_read() -> None:
    assert OF_THINGS.keys() | OF_THE_ISP.keys() <= READING.keys()


@pytest.mark.parametrize("type_name", sorted(READING))
def test_a_field_is_marked_wherever_it_is_read_or_nowhere(type_name: str) -> None:
    assert [field for field, found in _marked(type_name).items() if len(found) > 1] == []
