"""Support: tickets with what was written in them, and what the help desk sets up. Source: Sonar schema."""

TYPES = """
type Ticket = tickets
    is Searchable Emailable Fileable Notifiable Subscribable Recentitemable Taskable Customfielddataable
    is Loggable Accessloggable
    closed_at:Datetime closed_by_user_id:Int64Bit company_id:Int64Bit description:Text! due_date:Date
    global_updated_at:Datetime inbound_mailbox_id:Int64Bit is_spam:Boolean parent_ticket_id:Int64Bit
    priority:TicketPriority! spam_score:Float status:TicketStatus! subject:String! ticket_group_id:Int64Bit
    ticketable_id:Int64Bit ticketable_type:TicketableType user_id:Int64Bit
    ticketable -> TicketableInterface as ticketable, owner
    ticket_group -> TicketGroup by ticket_group_id
    user -> User by user_id
    inbound_mailbox -> InboundMailbox by inbound_mailbox_id
    parent_ticket -> Ticket by parent_ticket_id
    closed_by_user -> User by closed_by_user_id
    ticket_categories <> TicketCategory with tickets
    ticket_recipients => TicketRecipient by ticket_id
    ticket_replies => TicketReply by ticket_id
    ticket_comments => TicketComment by ticket_id
    child_tickets => Ticket by parent_ticket_id
    jobs => Job by ticket_id
    emails => Email as emailable
    files => File as fileable
    tasks => Task as taskable
    subscriptions => Subscription as subscribable
    custom_field_data => CustomFieldData as customfielddataable
    inventory_items <> InventoryItem with tickets
    network_sites <> NetworkSite with linked_tickets

type TicketReply = ticket_replies
    is Emailable Fileable Loggable Accessloggable
    author:String author_email:EmailAddress body:Text! headers:Text incoming:Boolean! raw_body:Text
    signature:Text ticket_id:Int64Bit! user_id:Int64Bit
    ticket -> Ticket by ticket_id, owner
    user -> User by user_id
    emails => Email as emailable
    files => File as fileable

type TicketComment = ticket_comments
    is Fileable Loggable Accessloggable
    body:Text! ticket_id:Int64Bit! user_id:Int64Bit!
    ticket -> Ticket by ticket_id, owner
    user -> User by user_id
    files => File as fileable

type TicketRecipient = ticket_recipients
    is Noteable Loggable Accessloggable
    email_address:EmailAddress! name:String! ticket_id:Int64Bit!
    ticket -> Ticket by ticket_id, owner
    notes => Note as noteable

type TicketCategory = ticket_categories
    is Noteable Loggable Accessloggable
    enabled:Boolean! name:String!
    tickets <> Ticket with ticket_categories
    notes => Note as noteable

type TicketGroup = ticket_groups
    is Noteable Loggable Accessloggable
    enabled:Boolean! name:String! private:Boolean!
    tickets => Ticket by ticket_group_id
    inbound_mailboxes => InboundMailbox by ticket_group_id
    contract_templates => ContractTemplate by ticket_group_id
    users <> User with ticket_groups
    notes => Note as noteable

type InboundMailbox = inbound_mailboxes
    is Noteable Notifiable Loggable Accessloggable
    append_signature:Boolean! auto_reply:Text email_domain_id:Int64Bit! enable_slack_integration:Boolean!
    enabled:Boolean! from_mailbox:String! from_name:String! inbound_mailbox:String! name:String!
    post_email_body_to_slack:Boolean priority:TicketPriority! send_auto_reply:Boolean! signature:Text
    slack_webhook_url:URL ticket_group_id:Int64Bit!
    email_domain -> EmailDomain by email_domain_id
    tickets => Ticket by inbound_mailbox_id
    notes => Note as noteable

type EmailDomain = email_domains
    is Noteable Loggable Accessloggable
    dkim:Boolean! dns_requirements:String domain:DomainName! provider_domain_id:Int64Bit
    ready_for_migration:Boolean spf:Boolean! verified:Boolean!
    inbound_mailboxes => InboundMailbox by email_domain_id
    notes => Note as noteable

type CannedReply = canned_replies
    is Noteable Loggable Accessloggable
    body:Text! canned_reply_category_id:Int64Bit! name:String!
    canned_reply_category -> CannedReplyCategory by canned_reply_category_id, owner
    notes => Note as noteable

type CannedReplyCategory = canned_reply_categories
    is Noteable Loggable Accessloggable
    name:String!
    canned_replies => CannedReply by canned_reply_category_id
    notes => Note as noteable
"""
