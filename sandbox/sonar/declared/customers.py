"""Customers and what belongs to them: accounts, contacts, addresses, custom field values. Source: Sonar schema."""

TYPES = """
type Account = accounts
    is Searchable Addressable Contactable Emailable Ipassignmentable Ipassignmenthistoryable Ticketable
    is Jobbable Customfielddataable Noteable Taskable Fileable Recentitemable Loggable Accessloggable
    account_status_id:Int64Bit! account_type_id:Int64Bit! activation_date:Date activation_time:Time
    archived_at:Datetime archived_by_user_id:Int64Bit company_id:Int64Bit! data_usage_percentage:Int
    geopoint:Geopoint is_delinquent:Boolean! is_eligible_for_archive:Boolean name:String! next_bill_date:Date
    next_recurring_charge_amount:Int parent_account_id:Int64Bit
    account_billing_parameter -1 AccountBillingParameter by account_id
    account_status -> AccountStatus by account_status_id
    account_type -> AccountType by account_type_id
    parent_account -> Account by parent_account_id
    archived_by_user -> User by archived_by_user_id
    company -> Company by company_id
    addresses => Address as addressable
    contacts => Contact as contactable
    custom_field_data => CustomFieldData as customfielddataable
    account_groups <> AccountGroup with accounts
    credit_cards => CreditCard by account_id
    payments => Payment by account_id
    child_accounts => Account by parent_account_id
    bank_accounts => BankAccount by account_id
    serviceable_address_account_assignment_histories => ServiceableAddressAccountAssignmentHistory by account_id
    serviceable_address_account_assignment_futures => ServiceableAddressAccountAssignmentFuture by account_id
    ip_assignments => IpAssignment as ipassignmentable
    ip_assignment_histories => IpAssignmentHistory as ipassignmenthistoryable
    radius_accounts => RadiusAccount by account_id
    uninventoried_mac_addresses => UninventoriedMacAddress by account_id
    did_assignments => DidAssignment by account_id
    tickets => Ticket as ticketable
    jobs => Job as jobbable
    tasks => Task as taskable
    contracts => Contract by account_id
    files => File as fileable
    notes => Note as noteable
    call_logs => CallLog by account_id
    emails => Email as emailable
    geo_tax_zones <> GeoTaxZone with accounts
    debits => Debit by account_id
    discounts => Discount by account_id
    invoices => Invoice by account_id
    credits => Credit by account_id
    account_services => AccountService by account_id
    scheduled_events => ScheduledEvent by account_id
    monthly_billing_completions => MonthlyBillingCompletion by account_id
    tax_overrides => TaxOverride by account_id
    tax_exemptions => TaxExemption by account_id
    disconnection_logs => DisconnectionLog by account_id
    data_usage_histories => DataUsageHistory by account_id
    data_usage_top_offs => DataUsageTopOff by account_id
    call_detail_records => CallDetailRecord by account_id
    account_events => AccountEvent by account_id

type AccountBillingParameter = account_billing_parameters
    is Loggable Accessloggable
    account_id:Int64Bit! aggregate_invoice_taxes:Boolean! aggregate_linked_debits:Boolean!
    anchor_delinquency_logic:AnchorDelinquencyLogic auto_pay_day:BillingParameterDayOption! auto_pay_days:Int!
    bill_day:Int bill_day_mode:BillDayModeOption! bill_mode:BillMode! billing_default_id:Int64Bit
    days_of_delinquency_for_status_switch:Int default_for:BillingDefaultFor!
    delinquency_account_status_id:Int64Bit delinquency_removal_account_status_id:Int64Bit due_days:Int!
    due_days_day:BillingParameterDayOption! grace_days:Int! grace_until:Date invoice_day:Int lifeline:Boolean!
    months_to_bill:Int! print_invoice:Boolean! switch_status_after_delinquency:Boolean! tax_exempt:Boolean!
    delinquency_account_status -> AccountStatus by delinquency_account_status_id
    delinquency_removal_account_status -> AccountStatus by delinquency_removal_account_status_id
    account -> Account by account_id, owner
    billing_default -> BillingDefault by billing_default_id

type BillingDefault = billing_defaults
    is Loggable Accessloggable
    account_type_id:Int64Bit aggregate_invoice_taxes:Boolean! aggregate_linked_debits:Boolean!
    anchor_default_id:Int64Bit anchor_delinquency_logic:AnchorDelinquencyLogic
    auto_pay_day:BillingParameterDayOption! auto_pay_days:Int! bill_day:Int bill_day_mode:BillDayModeOption!
    bill_mode:BillMode! days_of_delinquency_for_status_switch:Int default:Boolean!
    default_for:BillingDefaultFor! delinquency_account_status_id:Int64Bit
    delinquency_removal_account_status_id:Int64Bit due_days:Int! due_days_day:BillingParameterDayOption!
    fixed_bill_day:Boolean grace_days:Int! invoice_day:Int lifeline:Boolean! months_to_bill:Int! name:String!
    print_invoice:Boolean! switch_status_after_delinquency:Boolean! tax_exempt:Boolean!
    delinquency_account_status -> AccountStatus by delinquency_account_status_id
    delinquency_removal_account_status -> AccountStatus by delinquency_removal_account_status_id
    account_type -> AccountType by account_type_id
    billing_default -> BillingDefault by anchor_default_id
    addresses => Address by billing_default_id
    account_billing_parameters => AccountBillingParameter by billing_default_id

type Contact = contacts
    is Searchable Emailable Smsable Customfielddataable Noteable Loggable Accessloggable
    contactable_id:Int64Bit! contactable_type:ContactableType! email_address:EmailAddress language:Language
    marketing_opt_in:Boolean name:String! primary:Boolean! role:String username:String
    contactable -> ContactableInterface as contactable, owner
    phone_numbers => PhoneNumber by contact_id
    custom_field_data => CustomFieldData as customfielddataable
    contracts => Contract by contact_id
    emails => Email as emailable
    sms_outbound_messages => SmsOutboundMessage as smsable
    notes => Note as noteable

type PhoneNumber = phone_numbers
    is Searchable Loggable Accessloggable
    contact_id:Int64Bit! country:Country! extension:Numeric number:Numeric! number_formatted:String
    phone_number_type_id:Int64Bit! sms_opt_in:Boolean!
    phone_number_type -> PhoneNumberType by phone_number_type_id
    contact -> Contact by contact_id, owner

type Address = addresses
    is Searchable Inventoryitemable Genericinventoryitemable Genericinventoryitemactionloggable
    is Customfielddataable Fileable Loggable Accessloggable
    address_status_id:Int64Bit addressable_id:Int64Bit addressable_type:AddressableType
    anchor_address_id:Int64Bit attainable_download_speed:Int attainable_upload_speed:Int avalara_pcode:String
    billing_default_id:Int64Bit census_year:Int city:String country:Country county:UsCounty fips:String
    fips_source:FipsSource is_anchor:Boolean! latitude:Latitude line1:String line2:String longitude:Longitude
    serviceable:Boolean! subdivision:Subdivision timezone:Timezone type:AddressType! zip:String
    anchor_address -> Address by anchor_address_id
    address_status -> AddressStatus by address_status_id
    billing_default -> BillingDefault by billing_default_id
    addressable -> AddressableInterface as addressable, owner
    custom_field_data => CustomFieldData as customfielddataable
    linked_addresses => Address by anchor_address_id
    serviceable_address_account_assignment_histories => ServiceableAddressAccountAssignmentHistory by address_id
    serviceable_address_account_assignment_futures => ServiceableAddressAccountAssignmentFuture by address_id
    inventory_items => InventoryItem as inventoryitemable
    generic_inventory_items => GenericInventoryItem as genericinventoryitemable
    files => File as fileable
    disconnection_logs => DisconnectionLog by serviceable_address_id

type CustomFieldData = custom_field_data
    is Searchable Loggable Accessloggable
    custom_field_id:Int64Bit! customfielddataable_id:Int64Bit! customfielddataable_type:CustomfielddataableType!
    value:String!
    customfielddataable -> CustomfielddataableInterface as customfielddataable, owner
    custom_field -> CustomField by custom_field_id

type ServiceableAddressAccountAssignmentHistory = serviceable_address_account_assignment_histories
    is Loggable Accessloggable
    account_id:Int64Bit! address_id:Int64Bit! end_date:Date start_date:Date!
    account -> Account by account_id, owner
    address -> Address by address_id
"""
