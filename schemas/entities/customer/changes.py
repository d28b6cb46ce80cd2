"""What re-reads an account: changes of what belongs to it, and of the look-ups that it shows."""

from schemas.aggregate import Hop, LookUp, Owner, Touch
from schemas.entities.scoped import LEAD_COLUMNS, SCOPE_COLUMNS
from schemas.entities.service.sold import sold

_OF_ACCOUNT = [Owner("account_id")]
_OF_SERVICE = [Owner("account_service.account_id")]
_FIELD_OWNER, _FIELD_OWNER_TYPE = "customfielddataable_id", "customfielddataable_type"
_HOLDER, _HOLDER_TYPE = "ipassignmentable_id", "ipassignmentable_type"

TOUCHES = (
    # Whatever is found through another comes after it: of two that are new at once, the first leads to the second.
    Touch("contacts", "Contact", [Owner("contactable_id", ("contactable_type", "Account"))]),
    Touch("phone_numbers", "PhoneNumber", [Owner("contact.contactable_id", ("contact.contactable_type", "Account"))]),
    Touch("addresses", "Address", [Owner("addressable_id", ("addressable_type", "Account"))]),
    Touch("account_billing_parameters", "AccountBillingParameter", _OF_ACCOUNT),
    Touch(
        "custom_field_data",
        "CustomFieldData",
        [
            Owner(_FIELD_OWNER, (_FIELD_OWNER_TYPE, "Account")),
            Owner(_FIELD_OWNER, (_FIELD_OWNER_TYPE, "Contact"), through="contacts"),
            Owner(_FIELD_OWNER, (_FIELD_OWNER_TYPE, "Address"), through="addresses"),
        ],
    ),
    Touch(
        "serviceable_address_account_assignment_histories", "ServiceableAddressAccountAssignmentHistory", _OF_ACCOUNT
    ),
    Touch("credit_cards", "CreditCard", _OF_ACCOUNT),
    Touch("bank_accounts", "BankAccount", _OF_ACCOUNT),
    Touch("account_services", "AccountService", _OF_ACCOUNT),
    Touch("service_metadata_values", "ServiceMetadataValue", _OF_SERVICE),
    Touch("account_voice_service_details", "AccountVoiceServiceDetail", _OF_SERVICE),
    Touch("did_assignments", "DidAssignment", _OF_ACCOUNT),
    Touch("tax_overrides", "TaxOverride", _OF_ACCOUNT),
    Touch("tax_exemptions", "TaxExemption", _OF_ACCOUNT),
    Touch("disconnection_logs", "DisconnectionLog", _OF_ACCOUNT),
    Touch("radius_accounts", "RadiusAccount", _OF_ACCOUNT),
    Touch("uninventoried_mac_addresses", "UninventoriedMacAddress", _OF_ACCOUNT),
    Touch(
        "inventory_items",
        "InventoryItem",
        [Owner("inventoryitemable_id", ("inventoryitemable_type", "Address"), through="addresses")],
    ),
    Touch(
        "inventory_model_field_data",
        "InventoryModelFieldData",
        [Owner("inventory_item_id", through="inventory_items")],
    ),
    Touch(
        "ip_assignments",
        "IpAssignment",
        [
            Owner(_HOLDER, (_HOLDER_TYPE, "Account")),
            Owner(_HOLDER, (_HOLDER_TYPE, "RadiusAccount"), through="radius_accounts"),
            Owner(_HOLDER, (_HOLDER_TYPE, "UninventoriedMacAddress"), through="uninventoried_mac_addresses"),
            Owner(_HOLDER, (_HOLDER_TYPE, "InventoryItem"), through="inventory_items"),
            Owner(_HOLDER, (_HOLDER_TYPE, "InventoryModelFieldData"), through="inventory_model_field_data"),
        ],
    ),
)

_ITEMS = "addresses.inventory_items"
_FIELDS = f"{_ITEMS}.inventory_model_field_data"
_HOLDERS = ("", "radius_accounts.", "uninventoried_mac_addresses.", f"{_ITEMS}.", f"{_FIELDS}.")

_IN_STATUS = Hop("accounts", "account_status_id")

LOOK_UPS = (
    LookUp(
        "account_statuses",
        "AccountStatus",
        ways=((_IN_STATUS,), (_IN_STATUS, Hop("accounts", "parent_account_id"))),
        fields=("name", "activates_account"),
    ),
    LookUp("account_types", "AccountType", column="account_type_id"),
    LookUp("companies", "Company", column="company_id"),
    # A child is linked as its parent comes into a pilot or is a lead no more, and is not before.
    LookUp("accounts", "Account", column="parent_account_id", fields=SCOPE_COLUMNS, while_empty=LEAD_COLUMNS),
    # A former address is shown too, whoever has it now.
    LookUp("addresses", "Address", relation="serviceable_address_account_assignment_histories.address"),
    LookUp("account_groups", "AccountGroup", relation="account_groups"),
    LookUp(
        "custom_fields",
        "CustomField",
        relation=tuple(f"{owner}custom_field_data.custom_field" for owner in ("", "contacts.", "addresses.")),
    ),
    LookUp("phone_number_types", "PhoneNumberType", relation="contacts.phone_numbers.phone_number_type"),
    *sold("account_services.service"),
    LookUp("packages", "Package", relation="account_services.package", fields=("name",)),
    LookUp(
        "service_metadata",
        "ServiceMetadata",
        relation="account_services.service_metadata_values.service_metadatum",
        fields=("name",),
    ),
    LookUp(
        "voice_service_generic_parameters",
        "VoiceServiceGenericParameter",
        relation="account_services.account_voice_service_details.voice_service_generic_parameter",
        fields=("description", "price"),
    ),
    LookUp("dids", "Did", relation="did_assignments.did", fields=("number",)),
    LookUp("taxes", "Tax", relation="tax_overrides.tax", fields=("name",)),
    LookUp("geo_tax_zones", "GeoTaxZone", relation="geo_tax_zones", fields=("tax_id", "name", "rate")),
    LookUp("inventory_models", "InventoryModel", relation=f"{_ITEMS}.inventory_model", fields=("name", "model_name")),
    LookUp(
        "inventory_model_fields",
        "InventoryModelField",
        relation=f"{_FIELDS}.inventory_model_field",
        fields=("name", "type"),
    ),
    LookUp(
        "subnets",
        "Subnet",
        relation=tuple(f"{holder}ip_assignments.parent_subnet" for holder in _HOLDERS),
        fields=("type",),
    ),
)
PIVOTS = ("account_groups", "geo_tax_zones")
