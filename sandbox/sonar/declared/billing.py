"""What accounts have and owe: services, invoices, debits, credits, discounts, usage, calls. Source: Sonar schema."""

TYPES = """
type AccountService = account_services
    is Loggable Accessloggable
    account_id:Int64Bit! addition_prorate_date:Date data_usage_last_calculated_date:Date name_override:String
    next_bill_date:Date number_of_times_billed:Int package_id:Int64Bit price_override:Int
    price_override_reason:String quantity:Int! service_id:Int64Bit! unique_package_relationship_id:String
    account -> Account by account_id, owner
    service -> Service by service_id
    package -> Package by package_id
    service_metadata_values => ServiceMetadataValue by account_service_id
    account_voice_service_details => AccountVoiceServiceDetail by account_service_id
    inventory_items => InventoryItem by account_service_id

type AccountVoiceServiceDetail = account_voice_service_details
    is Noteable Loggable Accessloggable
    account_service_id:Int64Bit! price_override:Int price_override_reason:String quantity:Int!
    voice_service_generic_parameter_id:Int64Bit!
    account_service -> AccountService by account_service_id, owner
    voice_service_generic_parameter -> VoiceServiceGenericParameter by voice_service_generic_parameter_id
    notes => Note as noteable

type ServiceMetadataValue = service_metadata_values
    is Loggable Accessloggable
    account_service_id:Int64Bit! service_metadata_id:Int64Bit! value:String!
    account_service -> AccountService by account_service_id, owner
    service_metadatum -> ServiceMetadata by service_metadata_id

type TaxOverride = tax_overrides
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! rate:Float! tax_id:Int64Bit!
    account -> Account by account_id, owner
    tax -> Tax by tax_id
    notes => Note as noteable

type TaxExemption = tax_exemptions
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! jurisdictions:[TaxJurisdiction] name:String! tax_provider_id:Int64Bit!
    tax_provider -> TaxProvider by tax_provider_id
    account -> Account by account_id, owner
    notes => Note as noteable

type Invoice = invoices
    is Loggable Accessloggable
    account_id:Int64Bit! auto_pay_attempts:Int! auto_pay_date:Date child_invoice_remaining_due:Int!
    company_id:Int64Bit! date:Date! delinquency_date:Date delinquent:Boolean! due_date:Date! end_date:Date!
    frozen:Boolean! invoice_template_version_id:Int64Bit late_fee_applied:Boolean! late_fee_only:Boolean!
    message:Text number_of_months:Int! parent_invoice_id:Int64Bit pending_email:Boolean! remaining_due:Int!
    status:String! tax_committed:Boolean! tax_provider_id:Int64Bit total_debits:Int! total_taxes:Int! void:Boolean!
    voided_at:Datetime
    account -> Account by account_id, owner
    company -> Company by company_id
    tax_provider -> TaxProvider by tax_provider_id
    parent_invoice -> Invoice by parent_invoice_id
    debits => Debit by invoice_id
    credits => Credit by invoice_id
    child_invoices => Invoice by parent_invoice_id
    monthly_billing_completion -1 MonthlyBillingCompletion by invoice_id

type Debit = debits
    is Taxtransactionable Loggable Accessloggable Transaction
    account_id:Int64Bit! amount:Int! company_id:Int64Bit! description:String general_ledger_code:String
    general_ledger_code_description:String invoice_id:Int64Bit linked_debit_id:Int64Bit minutes:Float
    number_of_months:Int! prorated_from:Date prorated_to:Date quantity:Int! quantity_prorated_from:Int
    quantity_prorated_to:Int reversed:Boolean! reversed_at:Datetime reversed_by_user_id:Int64Bit
    service_id:Int64Bit! service_name:String! service_transaction_type:ServiceTransactionType type:ServiceType!
    user_id:Int64Bit voice_service_generic_parameter_id:Int64Bit
    account -> Account by account_id, owner
    company -> Company by company_id
    service -> Service by service_id
    voice_service_generic_parameter -> VoiceServiceGenericParameter by voice_service_generic_parameter_id
    invoice -> Invoice by invoice_id
    user -> User by user_id
    reversed_by_user -> User by reversed_by_user_id
    linked_debit -> Debit by linked_debit_id
    discount -1 Discount by debit_id
    data_usage_top_off -1 DataUsageTopOff by debit_id
    tax_transactions => TaxTransaction as taxtransactionable

type Credit = credits
    is Loggable Accessloggable
    account_id:Int64Bit! amount:Int! creditable_id:Int64Bit! creditable_type:CreditableType! invoice_id:Int64Bit!
    void:Boolean! voided_at:Datetime
    account -> Account by account_id
    invoice -> Invoice by invoice_id
    creditable -> CreditableInterface as creditable, owner

type Discount = discounts
    is Taxtransactionable Creditable Loggable Accessloggable Transaction
    account_id:Int64Bit! amount:Int! amount_remaining:Int! company_id:Int64Bit! debit_id:Int64Bit
    description:String general_ledger_code:String general_ledger_code_description:String minutes:Float
    prorated_from:Date prorated_to:Date quantity:Int! quantity_prorated_from:Int quantity_prorated_to:Int
    reversed:Boolean! reversed_at:Datetime reversed_by_user_id:Int64Bit service_id:Int64Bit! service_name:String!
    service_transaction_type:ServiceTransactionType tax_committed:Boolean! tax_provider_id:Int64Bit
    type:ServiceType! user_id:Int64Bit
    account -> Account by account_id, owner
    company -> Company by company_id
    service -> Service by service_id
    user -> User by user_id
    debit -> Debit by debit_id
    tax_provider -> TaxProvider by tax_provider_id
    reversed_by_user -> User by reversed_by_user_id
    tax_transactions => TaxTransaction as taxtransactionable
    credits => Credit as creditable

type TaxTransaction = tax_transactions
    is Loggable Accessloggable
    amount:Int! amount_taxed:Int! description:Text! tax_provider_id:Int64Bit taxdefinitionable_id:Int64Bit
    taxdefinitionable_type:TaxdefinitionableType taxtransactionable_id:Int64Bit!
    taxtransactionable_type:TaxtransactionableType!
    tax_provider -> TaxProvider by tax_provider_id
    taxtransactionable -> TaxtransactionableInterface as taxtransactionable, owner
    taxdefinitionable -> TaxdefinitionableInterface as taxdefinitionable

type MonthlyBillingCompletion = monthly_billing_completions
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! date:Date! invoice_id:Int64Bit!
    account -> Account by account_id, owner
    invoice -> Invoice by invoice_id
    call_detail_records => CallDetailRecord by monthly_billing_completion_id
    notes => Note as noteable

type DepositSlip = deposit_slips
    is Fileable Noteable Loggable Accessloggable
    bank_account_line:String! date:Date! memo:String
    payments => Payment by deposit_slip_id
    files => File as fileable
    notes => Note as noteable

type DataUsageHistory = data_usage_histories
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! billable_in_bytes:Int64Bit! billable_out_bytes:Int64Bit! end_time:Datetime
    free_in_bytes:Int64Bit! free_out_bytes:Int64Bit! policy_cap_at_close_in_bytes:Int64Bit!
    rollover_available_in_bytes:Int64Bit! rollover_remainder_bytes:Int64Bit! rollover_unconsumed_bytes:Int64Bit!
    rollover_used_at_close_in_bytes:Int64Bit! start_time:Datetime! top_off_total_at_close_in_bytes:Int64Bit!
    account -> Account by account_id, owner
    data_usage_top_offs => DataUsageTopOff by data_usage_history_id
    available_rollover_histories <> DataUsageHistory with rollover_parent_histories
    rollover_parent_histories <> DataUsageHistory with available_rollover_histories
    notes => Note as noteable

type DataUsageTopOff = data_usage_top_offs
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! amount_in_bytes:Int64Bit! data_usage_history_id:Int64Bit! debit_id:Int64Bit
    account -> Account by account_id
    debit -> Debit by debit_id
    data_usage_history -> DataUsageHistory by data_usage_history_id, owner
    notes => Note as noteable

type CallDetailRecord = call_detail_records
    is Loggable Accessloggable
    account_id:Int64Bit amount:Float charge_rate:Float description:String direction:CallDetailRecordDirection
    length_in_seconds:Int! matched_prefix:String monthly_billing_completion_id:Int64Bit originating_number:String
    prefix_type:CallDetailRecordPrefixType receiving_number:String service_id:Int64Bit started_at:Datetime!
    voice_provider_id:Int64Bit!
    voice_provider -> VoiceProvider by voice_provider_id
    account -> Account by account_id, owner
    service -> Service by service_id
    monthly_billing_completion -> MonthlyBillingCompletion by monthly_billing_completion_id

type AccountEvent = account_events
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! current:String event:AccountUpdateEvent! event_datetime:Datetime! previous:String
    account -> Account by account_id, owner
    notes => Note as noteable

type DisconnectionLog = disconnection_logs
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! disconnected_at:Datetime! disconnected_by_user_id:Int64Bit!
    serviceable_address_id:Int64Bit serviceable_address_reference_record:Text
    account -> Account by account_id, owner
    disconnected_by_user -> User by disconnected_by_user_id
    serviceable_address -> Address by serviceable_address_id
    notes => Note as noteable

type ScheduledEvent = scheduled_events
    is Loggable Accessloggable
    account_id:Int64Bit! amount:Int complete:Boolean! datetime:Datetime! description:String
    event:ScheduledEventEvent! primary_event_object_id:String prorate:Boolean
    account -> Account by account_id, owner
    scheduled_event_account_voice_service_details => ScheduledEventAccountVoiceServiceDetail by scheduled_event_id

type ScheduledEventAccountVoiceServiceDetail = scheduled_event_account_voice_service_details
    is Noteable Loggable Accessloggable
    price_override:Int price_override_reason:String quantity:Int! scheduled_event_id:Int64Bit!
    voice_service_generic_parameter_id:Int64Bit!
    scheduled_event -> ScheduledEvent by scheduled_event_id, owner
    voice_service_generic_parameter -> VoiceServiceGenericParameter by voice_service_generic_parameter_id
    notes => Note as noteable
"""
