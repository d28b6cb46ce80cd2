"""Field work: jobs with check-ins and tasks, and what they are made from. Source: Sonar schema."""

TYPES = """
type Job = jobs
    is Customfielddataable Fileable Noteable Notifiable Recentitemable Taskable Loggable Accessloggable
    address_on_completion:String complete:Boolean! completed_by_user_id:Int64Bit
    completed_successfully:Boolean completion_datetime:Datetime completion_notes:Text job_type_id:Int64Bit!
    jobbable_id:Int64Bit! jobbable_type:JobbableType! length_in_minutes:Int! scheduled_datetime:Datetime
    serviceable_address_account_assignment_future_id:Int64Bit skips_validation:Boolean! ticket_id:Int64Bit
    jobbable -> JobbableInterface as jobbable, owner
    job_type -> JobType by job_type_id
    ticket -> Ticket by ticket_id
    completed_by_user -> User by completed_by_user_id
    serviceable_address_account_assignment_future -> ServiceableAddressAccountAssignmentFuture \
by serviceable_address_account_assignment_future_id
    users <> User with jobs
    job_check_ins => JobCheckIn by job_id
    job_services => JobService by job_id
    custom_field_data => CustomFieldData as customfielddataable
    files => File as fileable
    notes => Note as noteable
    tasks => Task as taskable

type JobCheckIn = job_check_ins
    is Loggable Accessloggable
    check_in_datetime:Datetime! check_out_datetime:Datetime checked_in_by_user_id:Int64Bit!
    checked_out_by_user_id:Int64Bit job_id:Int64Bit! user_id:Int64Bit!
    job -> Job by job_id, owner
    user -> User by user_id
    checked_in_by_user -> User by checked_in_by_user_id
    checked_out_by_user -> User by checked_out_by_user_id

type JobService = job_services
    is Loggable Accessloggable
    job_id:Int64Bit! quantity:Int! service_id:Int64Bit!
    service -> Service by service_id

type JobType = job_types
    is Noteable Loggable Accessloggable
    account_status_id_completion:Int64Bit account_status_id_failure:Int64Bit
    action_on_completion:JobTypeAction! action_on_failure:JobTypeAction! all_companies:Boolean!
    allow_completion_with_incomplete_tasks:Boolean! color:HtmlHexColor! contract_template_id:Int64Bit
    default_length_in_minutes:Int! disconnects_account:Boolean enabled:Boolean! icon:Icon! name:String!
    task_template_id:Int64Bit ticket_group_id_completion:Int64Bit ticket_group_id_failure:Int64Bit
    ticket_status_on_completion:TicketStatus! ticket_status_on_failure:TicketStatus!
    account_status_completion -> AccountStatus by account_status_id_completion
    account_status_failure -> AccountStatus by account_status_id_failure
    ticket_group_completion -> TicketGroup by ticket_group_id_completion
    ticket_group_failure -> TicketGroup by ticket_group_id_failure
    contract_template -> ContractTemplate by contract_template_id
    task_template -> TaskTemplate by task_template_id
    companies <> Company with job_types
    jobs => Job by job_type_id
    notes => Note as noteable
    services <> Service with job_types

type Task = tasks
    is Notifiable Loggable Accessloggable
    completable_id:Int64Bit completable_type:CompletableType complete:Boolean! completed_at:Datetime
    completed_by_user_id:Int64Bit completion_type:TaskCompletionType! due:Date list_order:Int task:Text!
    taskable_id:Int64Bit! taskable_type:TaskableType! user_id:Int64Bit
    taskable -> TaskableInterface as taskable, owner
    completable -> CompletableInterface as completable
    user -> User by user_id

type TaskTemplate = task_templates
    is Loggable Accessloggable
    name:String!
    task_template_items => TaskTemplateItem by task_template_id
    job_types => JobType by task_template_id

type TaskTemplateItem = task_template_items
    is Loggable Accessloggable
    completable_id:Int64Bit completable_type:CompletableType completion_type:TaskCompletionType! list_order:Int
    task:String! task_template_id:Int64Bit!
    completable -> CompletableInterface as completable
    task_template -> TaskTemplate by task_template_id, owner
"""
