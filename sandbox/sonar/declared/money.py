"""Payments, how they were undone, and what they were paid with. Source: Sonar schema."""

TYPES = """
type Payment = payments
    is Creditable Disbursable Loggable Accessloggable
    account_id:Int64Bit! amount:Int! amount_remaining:Int! bank_account_id:Int64Bit company_id:Int64Bit!
    creation_token:String credit_card_id:Int64Bit deposit_slip_id:Int64Bit description:String fee:Int
    fractional_fee:Int full_processor_response:String is_autopay:Boolean passed_3ds_check:Boolean
    passed_avs_check:Boolean passed_cvv_check:Boolean payment_datetime:Datetime! payment_tracker_id:String
    payment_type:PaymentType! processor_message:String processor_status:String reference:String
    status:PaymentStatus successful:Boolean! transaction_id:String user_id:Int64Bit
    credit_card -> CreditCard by credit_card_id
    bank_account -> BankAccount by bank_account_id
    account -> Account by account_id, owner
    company -> Company by company_id
    reversed_payments => ReversedPayment by payment_id
    refunded_payments => RefundedPayment by payment_id
    voided_payments => VoidedPayment by payment_id
    deposit_slip -> DepositSlip by deposit_slip_id
    credits => Credit as creditable

type ReversedPayment = reversed_payments
    is Noteable Loggable Accessloggable
    amount:Int! description:String payment_id:Int64Bit! user_id:Int64Bit
    payment -> Payment by payment_id, owner
    user -> User by user_id
    notes => Note as noteable

type RefundedPayment = refunded_payments
    is Disbursable Noteable Loggable Accessloggable
    amount:Int! description:String payment_id:Int64Bit! payment_tracker_id:String
    processor_response_message:String transaction_id:String user_id:Int64Bit
    payment -> Payment by payment_id, owner
    user -> User by user_id
    notes => Note as noteable

type VoidedPayment = voided_payments
    is Disbursable Noteable Loggable Accessloggable
    amount:Int! description:String payment_id:Int64Bit! payment_tracker_id:String
    processor_response_message:String transaction_id:String user_id:Int64Bit
    payment -> Payment by payment_id, owner
    user -> User by user_id
    notes => Note as noteable

type CreditCard = credit_cards
    is Addressable Noteable Loggable Accessloggable
    account_id:Int64Bit! auto:Boolean! card_payment_type:CardPaymentType credit_card_processor_id:Int64Bit!
    credit_card_type:CreditCardType! customer_profile_id:String expiration_month:Int! expiration_year:Int!
    masked_number:String! name_on_card:String token:String!
    account -> Account by account_id, owner
    credit_card_processor -> CreditCardProcessor by credit_card_processor_id
    addresses => Address as addressable
    payments => Payment by credit_card_id
    notes => Note as noteable

type BankAccount = bank_accounts
    is Addressable Noteable Loggable Accessloggable
    account_id:Int64Bit! auto:Boolean! bank_account_processor_id:Int64Bit! bank_account_type:BankAccountType!
    customer_profile_id:String masked_account_number:String! name_on_account:String routing_number:String
    token:String
    account -> Account by account_id, owner
    bank_account_processor -> BankAccountProcessor by bank_account_processor_id
    addresses => Address as addressable
    payments => Payment by bank_account_id
    notes => Note as noteable

type CreditCardProcessor = credit_card_processors
    is Loggable Accessloggable
    amex:Boolean! dankort:Boolean! dinersclub:Boolean! discover:Boolean! enabled:Boolean!
    forbrugsforeningen:Boolean! jcb:Boolean! maestro:Boolean! mastercard:Boolean! moto_enabled:Boolean!
    primary:Boolean! provider:CreditCardProvider! unionpay:Boolean! visa:Boolean! visaelectron:Boolean!
    credit_cards => CreditCard by credit_card_processor_id
    companies <> Company with credit_card_processors

type BankAccountProcessor = bank_account_processors
    is Loggable Accessloggable
    enabled:Boolean! primary:Boolean! provider:BankAccountProvider!
    bank_accounts => BankAccount by bank_account_processor_id
    companies <> Company with bank_account_processors
"""
