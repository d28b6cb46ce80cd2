"""What is written down and sent: contracts, files, notes, call logs, e-mails, text messages. Source: Sonar schema."""

TYPES = """
type Contract = contracts
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! body:Text! contact_id:Int64Bit contract_template_id:Int64Bit custom_message:Text
    expiration_date:Date handwritten_signature_id:Int64Bit name:String! term_in_months:Int
    unique_link_key:String!
    account -> Account by account_id, owner
    contact -> Contact by contact_id
    contract_template -> ContractTemplate by contract_template_id
    handwritten_signature -> HandwrittenSignature by handwritten_signature_id
    notes => Note as noteable

type ContractTemplate = contract_templates
    is Noteable Loggable Accessloggable
    body:Text! company_id:Int64Bit enabled:Boolean! name:String! term_in_months:Int ticket_group_id:Int64Bit
    company -> Company by company_id
    ticket_group -> TicketGroup by ticket_group_id
    contracts => Contract by contract_template_id
    job_types => JobType by contract_template_id
    notes => Note as noteable

type HandwrittenSignature = handwritten_signatures
    is Fileable Loggable Accessloggable
    contact_email_address:EmailAddress contact_name:String! contact_role:String signer_ip:IP!
    signer_name:String!
    contract -1 Contract by handwritten_signature_id
    files => File as fileable

type File = files
    is Completable Loggable Accessloggable
    description:String file_size_in_bytes:Int64Bit! fileable_id:Int64Bit fileable_type:FileableType
    filename:String! mime_type:String! primary_image:Boolean! user_id:Int64Bit
    fileable -> FileableInterface as fileable, owner
    user -> User by user_id
    tasks => Task as completable

type Note = notes
    is Loggable Accessloggable
    message:Text! noteable_id:Int64Bit! noteable_type:NoteableType! priority:NotePriority! user_id:Int64Bit
    noteable -> NoteableInterface as noteable, owner
    user -> User by user_id

type CallLog = call_logs
    is Fileable Loggable Accessloggable
    account_id:Int64Bit! body:Text! subject:String! time_in_seconds:String! user_id:Int64Bit!
    account -> Account by account_id, owner
    user -> User by user_id
    files => File as fileable

type Email = emails
    is Loggable Accessloggable
    body:Text email_address:EmailAddress! emailable_id:Int64Bit! emailable_type:EmailableType!
    reject_reason:String status:EmailStatus! subject:String! to_name:String
    emailable -> EmailableInterface as emailable, owner

type SmsOutboundMessage = sms_outbound_messages
    is Loggable Accessloggable
    category:SmsOutboundCategory! cost_in_hundredths:Int! destination_country:String error_message:String!
    last_status_check:Datetime message_text:String! mobile_number:String! provider_message_id:String
    segments:Int! smsable_id:Int64Bit! smsable_type:SmsableType! status:SmsOutboundStatus!
    smsable -> SmsableInterface as smsable, owner
"""
