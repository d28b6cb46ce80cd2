"""What the operator sets up: companies, users, look-up tables, settings; and the audit log. Source: Sonar schema."""

TYPES = """
type Company = companies
    is Addressable Noteable Fileable Loggable Accessloggable
    billing_communication_delay_end_local_time:Time billing_communication_delay_start_local_time:Time
    checks_payable_to:String country:Country! customer_portal_url:URL default:Boolean! enabled:Boolean!
    isp_type:IspType name:String! phone_number:Numeric primary_color:HtmlHexColor! secondary_color:HtmlHexColor!
    show_remittance_slip:Boolean! tax_identification:String website_address:URL
    payments => Payment by company_id
    accounts => Account by company_id
    company_departments => CompanyDepartment by company_id
    addresses => Address as addressable
    custom_fields <> CustomField with companies
    credit_card_processors <> CreditCardProcessor with companies
    bank_account_processors <> BankAccountProcessor with companies
    contract_templates => ContractTemplate by company_id
    job_types <> JobType with companies
    notes => Note as noteable
    files => File as fileable
    debits => Debit by company_id
    invoices => Invoice by company_id
    services => Service by company_id
    discounts => Discount by company_id

type CompanyDepartment = company_departments
    is Loggable Accessloggable
    company_id:Int64Bit! country:Country department_id:Int64Bit! email_address:EmailAddress extension:Numeric
    number:Numeric number_formatted:String
    company -> Company by company_id, owner
    department -> Department by department_id

type Department = departments
    is Noteable Loggable Accessloggable
    name:String!
    company_departments => CompanyDepartment by department_id
    notes => Note as noteable

type User = users
    is Emailable Inventoryitemable Genericinventoryitemable Smsable Loggable Accessloggable
    completed_setup:Boolean! email_address:EmailAddress! enabled:Boolean! is_sonar_staff:Boolean
    language:Language mobile_number:Numeric name:String! public_name:String! role_id:Int64Bit
    super_admin:Boolean! username:String!
    archived_accounts => Account by archived_by_user_id
    reversed_payments => ReversedPayment by user_id
    refunded_payments => RefundedPayment by user_id
    voided_payments => VoidedPayment by user_id
    subscriptions => Subscription by user_id
    inventory_items => InventoryItem as inventoryitemable
    generic_inventory_items => GenericInventoryItem as genericinventoryitemable
    vehicles <> Vehicle with users
    role -> Role by role_id
    tickets => Ticket by user_id
    ticket_replies => TicketReply by user_id
    ticket_comments => TicketComment by user_id
    ticket_groups <> TicketGroup with users
    jobs <> Job with users
    job_check_ins => JobCheckIn by user_id
    tasks => Task by user_id
    notes => Note by user_id
    emails => Email as emailable
    sms_outbound_messages => SmsOutboundMessage as smsable
    debits => Debit by user_id
    discounts => Discount by user_id

type Role = roles
    is Noteable Loggable Accessloggable
    applied_permissions:[Permission]! name:String!
    users => User by role_id
    notes => Note as noteable
    adjustment_service_details <> AdjustmentServiceDetail with roles

type AccountGroup = account_groups
    is Noteable Loggable Accessloggable
    name:String!
    accounts <> Account with account_groups
    radius_groups <> RadiusGroup with account_groups
    notes => Note as noteable
    services <> Service with account_groups

type AccountType = account_types
    is Noteable Loggable Accessloggable
    color:HtmlHexColor! icon:Icon! invoice_message_id:Int64Bit name:String! type:AccountTypeEnum!
    accounts => Account by account_type_id
    radius_groups <> RadiusGroup with account_types
    notes => Note as noteable

type AccountStatus = account_statuses
    is Noteable Loggable Accessloggable
    activates_account:Boolean! color:HtmlHexColor! icon:Icon! name:String!
    accounts => Account by account_status_id
    radius_groups <> RadiusGroup with account_statuses
    notes => Note as noteable

type PhoneNumberType = phone_number_types
    is Loggable Accessloggable
    name:String! sms_capable:Boolean!
    phone_numbers => PhoneNumber by phone_number_type_id

type AddressStatus = address_statuses
    is Noteable Loggable Accessloggable
    color:HtmlHexColor! icon:Icon! name:String!
    addresses => Address by address_status_id
    notes => Note as noteable

type CustomField = custom_fields
    is Completable Noteable Loggable Accessloggable
    entity_type:CustomfielddataableType! enum_options:[String] name:String! required:Boolean!
    type:CustomFieldType! unique:Boolean!
    custom_field_data => CustomFieldData by custom_field_id
    companies <> Company with custom_fields
    tasks => Task as completable
    task_template_items => TaskTemplateItem as completable
    notes => Note as noteable

type Log = logs
    is Loggable Accessloggable
    current:Text! legacy:Boolean! legacy_title:String level:LogLevel! loggable_id:Int64Bit!
    loggable_type:String! logged_entity_id:Int64Bit! logged_entity_type:String! message:Text previous:Text
    relation_data:Text type:LogType! user_id:Int64Bit
    loggable -> LoggableInterface as loggable
    user -> User by user_id

type Subscription = subscriptions
    is Loggable Accessloggable
    is_suspended:Boolean! subscribable_id:Int64Bit! subscribable_type:SubscribableType! user_id:Int64Bit!
    user -> User by user_id
    subscribable -> SubscribableInterface as subscribable, owner

type SystemSetting = a singleton
    is Loggable Accessloggable
    application_firewall_enabled:Boolean! bilingual_invoices:Boolean calendar_allow_external_sync:Boolean!
    calendar_history_sync_maximum:Int! city:String country:Country!
    create_radius_account_on_account_creation:Boolean! currency:Currency!
    customer_portal_contact_access:CustomerPortalContactAccess! date_format:DateFormat!
    decimal_separator:DecimalSeparator! default_message_from_email_domain_id:Int64Bit
    default_message_from_email_user_prefix:String default_message_from_name:String
    default_message_from_phone_number_id:Int64Bit default_message_language:String
    digit_separator:DigitSeparator! fcc_form_477_company_source:String! force_sso_login_web:Boolean!
    initial_purchase_order_number:Int64Bit! instance_id:Int64Bit! language:Language! latitude:Latitude
    longitude:Longitude mass_message_signature_id:Int64Bit option_82_assign_to_customer_mac:Boolean
    past_due_stamp_invoice:Boolean radius_account_prefix:String! single_recipient_signature_id:Int64Bit
    subdivision:Subdivision! suppress_alerts_until_datetime:Datetime test_billing_run:Boolean!
    test_mode:Boolean! time_format:TimeFormat! timezone:Timezone! triggered_message_signature_id:Int64Bit
    units:Units!

type BillingSetting = a singleton
    is Loggable Accessloggable
    accounting_period_auto_close:AccountingPeriodCloseOption! accounting_period_close_date:Date
    always_round_taxes_up:Boolean! apply_late_fees:Boolean! apply_late_fees_to_child_invoices:Boolean!
    autopay_bank_account_attempts:Int! autopay_bank_account_retry_interval_in_days:Int!
    autopay_credit_card_attempts:Int! autopay_credit_card_retry_interval_in_days:Int!
    autopay_disconnect_invoice:Boolean autopay_disconnect_invoice_days:Int autopay_initial_invoice:Boolean
    autopay_initial_invoice_days:Int autopay_runs_entire_amount_due:Boolean! daily_billing:Boolean!
    days_after_invoice_due_for_late_fee_application:Int delete_expired_credit_cards:Boolean!
    delinquency_check_day_friday:Boolean! delinquency_check_day_monday:Boolean!
    delinquency_check_day_saturday:Boolean! delinquency_check_day_sunday:Boolean!
    delinquency_check_day_thursday:Boolean! delinquency_check_day_tuesday:Boolean!
    delinquency_check_day_wednesday:Boolean! disconnect_account_status_id:Int64Bit!
    exclude_inactive_accounts_from_late_fees:Boolean! generate_invoice_on_initial_activation:Boolean!
    include_late_fee_invoices_in_printed_batches:Boolean! invoice_and_email_late_fees_immediately:Boolean!
    late_fee_minimum_delinquency_amount:Int late_fee_mode:LateFeeMode! late_fee_percentage:Float
    late_fee_service_id:Int64Bit minimum_amount_due_for_delinquency:Int! minimum_bank_account_payment:Int!
    minimum_credit_card_payment:Int! printed_invoice_batch_duplex:Boolean!
    printed_invoice_fee_service_id:Int64Bit prorate_account_delinquency_status_change:Boolean
    prorate_account_status_change:Boolean! prorate_billing_day_change:Boolean! prorate_service_quantity:Boolean!
    prorate_services:Boolean! round_prorated_amounts:Boolean! unarchive_account_status_id:Int64Bit
    use_invoice_templates:Boolean!
    disconnect_account_status -> AccountStatus by disconnect_account_status_id
    unarchive_account_status -> AccountStatus by unarchive_account_status_id
    account_types <> AccountType
    late_fee_service -> Service by late_fee_service_id
    printed_invoice_service -> Service by printed_invoice_fee_service_id
"""
