"""What is sold, and how it is taxed: services with their details, packages, policies, taxes. Source: Sonar schema."""

TYPES = """
type Service = services
    is Noteable Loggable Accessloggable
    amount:Int application:ServiceApplication! company_id:Int64Bit display_if_zero:Boolean! enabled:Boolean!
    general_ledger_code_id:Int64Bit name:String! reverse_tax_definition_id:Int64Bit tax_definition_id:Int64Bit
    type:ServiceType!
    recurring_service_detail -1 RecurringServiceDetail by service_id
    expiring_service_detail -1 ExpiringServiceDetail by service_id
    adjustment_service_detail -1 AdjustmentServiceDetail by service_id
    data_service_detail -1 DataServiceDetail by service_id
    voice_service_detail -1 VoiceServiceDetail by service_id
    overage_service_detail -1 OverageServiceDetail by service_id
    general_ledger_code -> GeneralLedgerCode by general_ledger_code_id
    company -> Company by company_id
    account_services => AccountService by service_id
    service_metadata => ServiceMetadata by service_id
    discounts => Discount by service_id
    debits => Debit by service_id
    service_taxes => ServiceTax by service_id
    tax_definitions => ServiceTaxDefinition by service_id
    package_services => PackageService by service_id
    usage_based_billing_policies => UsageBasedBillingPolicy by service_id
    account_groups <> AccountGroup with services
    did_assignments => DidAssignment by service_id
    vendor_items => VendorItem by retail_item_service_id
    radius_groups <> RadiusGroup with services
    job_services => JobService by service_id
    job_types <> JobType with services
    notes => Note as noteable

type DataServiceDetail = data_service_details
    is Noteable Loggable Accessloggable
    billing_frequency:Int! download_speed_kilobits_per_second:Int! service_id:Int64Bit!
    technology_code:TechnologyCode! telrad_global_service_profile_name:String upload_speed_kilobits_per_second:Int!
    usage_based_billing_policy_id:Int64Bit
    service -> Service by service_id, owner
    usage_based_billing_policy -> UsageBasedBillingPolicy by usage_based_billing_policy_id
    notes => Note as noteable

type VoiceServiceDetail = voice_service_details
    is Noteable Loggable Accessloggable
    billing_frequency:Int! cost_per_minute_local_in_thousandths:Int
    cost_per_minute_long_distance_in_thousandths:Int country:Country first_interval_in_seconds:Int!
    inbound_toll_free_rate_per_minute_in_thousandths:Int! local_minutes:Int long_distance_minutes:Int
    rollup_generic_parameters:Boolean! service_id:Int64Bit! show_call_detail_records_on_invoice:Boolean!
    sub_interval_in_seconds:Int! sub_type:VoiceServiceDetailSubType! unlimited_local_minutes:Boolean!
    unlimited_long_distance_minutes:Boolean!
    service -> Service by service_id, owner
    local_prefixes => LocalPrefix by voice_service_detail_id
    voice_service_generic_parameters => VoiceServiceGenericParameter by voice_service_detail_id
    notes => Note as noteable

type RecurringServiceDetail = recurring_service_details
    is Loggable Accessloggable
    billing_frequency:Int! service_id:Int64Bit!
    service -> Service by service_id, owner

type ExpiringServiceDetail = expiring_service_details
    is Loggable Accessloggable
    billing_frequency:Int! service_id:Int64Bit! times_to_run:Int!
    service -> Service by service_id, owner

type OverageServiceDetail = overage_service_details
    is Noteable Loggable Accessloggable
    gigabytes:Int! service_id:Int64Bit!
    service -> Service by service_id, owner
    notes => Note as noteable

type AdjustmentServiceDetail = adjustment_service_details
    is Loggable Accessloggable
    amount:Int days:Int service_id:Int64Bit!
    service -> Service by service_id, owner
    roles <> Role with adjustment_service_details

type VoiceServiceGenericParameter = voice_service_generic_parameters
    is Noteable Loggable Accessloggable
    addition_prorate_date:Date description:String! price:Int! proratable:Boolean!
    reverse_tax_definition_id:Int64Bit tax_definition_id:Int64Bit type:VoiceServiceGenericParameterType!
    voice_service_detail_id:Int64Bit!
    voice_service_detail -> VoiceServiceDetail by voice_service_detail_id, owner
    account_voice_service_details => AccountVoiceServiceDetail by voice_service_generic_parameter_id
    scheduled_event_account_voice_service_details => ScheduledEventAccountVoiceServiceDetail \
by voice_service_generic_parameter_id
    voice_service_generic_parameter_taxes => VoiceServiceGenericParameterTax by voice_service_generic_parameter_id
    notes => Note as noteable

type VoiceServiceGenericParameterTax = voice_service_generic_parameter_taxes
    is Loggable Accessloggable
    exemption_amount:Int! tax_id:Int64Bit! voice_service_generic_parameter_id:Int64Bit!
    voice_service_generic_parameter -> VoiceServiceGenericParameter by voice_service_generic_parameter_id, owner
    tax -> Tax by tax_id

type LocalPrefix = local_prefixes
    is Noteable Loggable Accessloggable
    prefix:Numeric! voice_service_detail_id:Int64Bit!
    voice_service_detail -> VoiceServiceDetail by voice_service_detail_id, owner
    notes => Note as noteable

type Package = packages
    is Noteable Loggable Accessloggable
    company_id:Int64Bit enabled:Boolean! name:String! rollup_services:Boolean!
    company -> Company by company_id
    account_services => AccountService by package_id
    package_services => PackageService by package_id
    notes => Note as noteable

type PackageService = package_services
    is Loggable Accessloggable
    package_id:Int64Bit! quantity:Int! service_id:Int64Bit!
    package -> Package by package_id, owner
    service -> Service by service_id

type UsageBasedBillingPolicy = usage_based_billing_policies
    is Noteable Loggable Accessloggable
    allow_purchase_of_additional_capacity_during_billing_period:Boolean!
    assess_charges_at_end_of_billing_period:Boolean! cap_in_gigabytes:Int! name:String! rollover_enabled:Boolean!
    rollover_expiration_enabled:Boolean rollover_expiration_months:Int service_id:Int64Bit
    service -> Service by service_id
    data_service_details => DataServiceDetail by usage_based_billing_policy_id
    usage_based_billing_policy_free_periods => UsageBasedBillingPolicyFreePeriod by usage_based_billing_policy_id
    radius_groups <> RadiusGroup with usage_based_billing_policies
    notes => Note as noteable

type UsageBasedBillingPolicyFreePeriod = usage_based_billing_policy_free_periods
    is Noteable Loggable Accessloggable
    day:Day! end:Time! start:Time! usage_based_billing_policy_id:Int64Bit!
    usage_based_billing_policy -> UsageBasedBillingPolicy by usage_based_billing_policy_id, owner
    notes => Note as noteable

type Tax = taxes
    is Noteable Loggable Accessloggable
    application:TaxApplication! name:String! rate:Float! type:TaxType!
    geo_tax_zones => GeoTaxZone by tax_id
    service_taxes => ServiceTax by tax_id
    tax_overrides => TaxOverride by tax_id
    voice_service_generic_parameter_taxes => VoiceServiceGenericParameterTax by tax_id
    vendors <> Vendor with taxes
    purchase_order_items <> PurchaseOrderItem with taxes
    notes => Note as noteable

type GeoTaxZone = geo_tax_zones
    is Noteable Loggable Accessloggable
    city:String country:Country county:UsCounty name:String! rate:Float! subdivision:Subdivision tax_id:Int64Bit!
    zip:String zip_partial_match:Boolean!
    tax -> Tax by tax_id, owner
    accounts <> Account with geo_tax_zones
    notes => Note as noteable

type ServiceTax = service_taxes
    is Loggable Accessloggable
    exemption_amount:Int! service_id:Int64Bit! tax_id:Int64Bit!
    service -> Service by service_id, owner
    tax -> Tax by tax_id

type ServiceTaxDefinition = service_tax_definitions
    is Loggable Accessloggable
    discount:Boolean! service_id:Int64Bit! taxdefinitionable_id:Int64Bit!
    taxdefinitionable_type:TaxdefinitionableType!
    service -> Service by service_id, owner
    taxdefinitionable -> TaxdefinitionableInterface as taxdefinitionable

type AvalaraTaxDefinition = avalara_tax_definitions
    is Taxdefinitionable Loggable Accessloggable
    archived:Boolean! is_custom:Boolean! service_name:String! service_type:Int! transaction_name:String!
    transaction_type:Int!
    service_tax_definitions => ServiceTaxDefinition as taxdefinitionable

type TaxProvider = tax_providers
    is Noteable Loggable Accessloggable
    enabled:Boolean! name:String! subdivisions:[Subdivision] type:TaxProviderType!
    tax_exemptions => TaxExemption by tax_provider_id
    notes => Note as noteable

type GeneralLedgerCode = general_ledger_codes
    is Noteable Loggable Accessloggable
    code:String! description:String!
    services => Service by general_ledger_code_id
    notes => Note as noteable

type ServiceMetadata = service_metadata
    is Loggable Accessloggable
    name:String! service_id:Int64Bit!
    service -> Service by service_id, owner
    service_metadata_values => ServiceMetadataValue by service_metadata_id

type VoiceProvider = voice_providers
    is Noteable Loggable Accessloggable
    name:String!
    call_detail_records => CallDetailRecord by voice_provider_id
    dids => Did by voice_provider_id
    notes => Note as noteable
"""
