"""What OPTIONS says of each resource: `name type title` per line, `!` where the server marks it as required.

Recorded on an installation where the reference has a recording, taken from the API's description otherwise.
"""

LOCATIONS = """
id integer Id
name string! Location
tax_for_tariff_bundle integer Default tax for any bundle in this location
tax_for_tariff_internet integer Default tax for any internet tariff & related top-ups in this location
tax_for_tariff_voice integer Default tax for any voice tariff in this location
tax_for_tariff_recurring integer Default tax for any recurring tariff in this location
tax_for_tariff_onetime integer Default tax for any one-time tariff in this location
tax_for_inventory_items integer Default tax for any inventory item in this location
"""

PARTNERS = """
id integer Id
name string! Partner name
"""

ADMINISTRATORS = """
id integer Id
partner_id integer Partner
role_name string Role
login string! Admin login
name string! Full name
email email! Email
timeout integer Timeout
last_ip string Last IP
last_dt datetime Last login
filter_partner_id string Filter_partner_id
router_access string Router access (radius)
phone string Phone
send_from_my_name boolean Send emails from my name
calendar_color string Calendar color
updated_at string Updated_at
"""

CUSTOMER = """
mrr_total string Monthly recurring revenue
gdpr_agreed string GDPR agreement
parent_id integer Main account
id integer ID
billing_type string Billing type
partner_id string Partner
location_id string Location
added_by string Added by
added_by_id string Added by ID
login string Portal login
category string Category
name string! Full name
email string Email
billing_email string Billing email
phone string Phone number
street_1 string Street
zip_code string ZIP Code
city string City
subdivision_id integer State/Province
status string Status
date_add date Date added
last_online string Last online
last_update string Last update
daily_prepaid_cost float Daily prepaid cost
gps string Geo data
conversion_date datetime Convert date
"""

PAYMENT_METHODS = """
id integer ID
name string! Name
is_active boolean! Active
name_1 string Field 1
name_2 string Field 2
name_3 string Field 3
name_4 string Field 4
name_5 string Field 5
accounting_bank_accounts_id integer Accounting bank accounts ID
einvoicing_payment_methods_id integer Einvoicing_payment_methods_id
"""

PAYMENTS = """
id integer ID
customer_id integer! Customer ID
invoice_id integer Invoice
credit_note_id integer Credit note
request_id string Proforma Invoice
transaction_id integer Transaction
payment_statement_id string Payment_statement_id
payment_type integer Payment type
receipt_number string Receipt Number
date date Date
real_create_datetime string Created
amount float Sum
remind_amount string Unallocated amount
comment string Comment
is_sent string Sent?
field_1 string Payer
field_2 string #2
field_3 string #3
field_4 string #4
field_5 string #5
note string Note
memo string Memo
added_by string Added_by
added_by_id numeric Added by
updated_at string Updated_at
"""

TRANSACTION_CATEGORIES = """
id integer ID
name string! Name
is_base string Is base
accounting_category_id integer Accounting category ID
einvoicing_category_id integer eInvoicing category ID
einvoicing_private_person_category_id integer eInvoicing private person category ID
einvoicing_type_id integer eInvoicing type ID
einvoicing_private_person_type_id integer eInvoicing private person type ID
"""

TRANSACTIONS = """
id integer ID
customer_id integer! Customer ID
type string Type
quantity integer Quantity
unit string Unit
price float Price
tax_percent float Tax %
total float Total
remind_amount float Remind amount
date date Transaction date
category integer Category
description string! Description
period_from date From
period_to date To
service_id integer Service ID
payment_id integer Payment
credit_note_id integer Credit note ID
invoice_id integer Invoice ID
invoiced_by_id integer Invoiced by ID
comment string Comment
to_invoice boolean Include transaction in next recurring invoice
service_type string Service type
source string Source
tax_id integer Tax name
sub_account_id integer Account ID
"""

INVOICES = """
id integer ID
customer_id integer! Customer ID
date_created date Document date
real_create_datetime string Created
date_updated date Last update
date_payment string Payment date
date_till date Payment due date
use_transactions string Use transactions
note string Note
memo string Memo
number string Number
total float Total
due float Due
payment_id string Payment
type string Type
payd_from_deposit string Payd_from_deposit
status string! Status
is_sent string Sent?
added_by string Added_by
added_by_id numeric Added by
"""

CUSTOMER_INFO = """
id integer ID
birthday string Date of birth
passport string Passport
company_id string Company ID
vat_id string VAT ID
contact_person string Contact person
updated_at string Updated_at
"""

CUSTOMER_BILLING = """
customer_id integer Customer ID
enabled boolean Billing enabled
type integer Payment period
deposit string Account balance
billing_date integer Billing day
billing_due integer Payment due
blocking_period integer Blocking period
grace_period integer Deactivation period
make_invoices boolean Create invoices
payment_method integer Payment method
min_balance string Minimum balance
request_auto_enable boolean Auto create proforma invoices
request_auto_day integer Day of generation
request_auto_period integer Payment period
request_auto_type integer Type of generation
request_auto_next date Next proforma invoice
reminder_enable boolean Enable reminders
reminder_day_1 integer Reminder 1 day
reminder_day_2 integer Reminder 2 day
reminder_day_3 integer Reminder 3 day
reminder_payment boolean Attach payment
reminder_payment_value string Payment amount
reminder_payment_comment string Payment comment
reminder_type integer Message type
billing_person string Billing name
billing_street_1 string Billing street
billing_zip_code string Billing ZIP code
billing_city string Billing city
sub_billing_mode string Sub billing mode
send_finance_notification boolean Send finance notifications
partner_percent string Partner percent
"""

LABELS = """
id integer ID
module string! Module
label string! Label
color string Color
"""

TAXES = """
id integer ID
name string! Name
rate float! Rate
type string! Type
archived boolean Archived
accounting_tax_rates_id integer Accounting tax rates ID
einvoicing_tax_rates_id integer Einvoicing_tax_rates_id
is_system boolean Is system
"""

TARIFFS_INTERNET = """
speed_download integer! Download speed (kbps)
speed_upload integer! Upload speed (kbps)
speed_limit_type string Speed limit type
speed_limit_at integer Guaranteed speed limit at
speed_limit_fixed_up integer Guaranteed upload speed limit
speed_limit_fixed_down integer Guaranteed download speed limit
aggregation integer Aggregation
burst_type string Burst type
burst_limit integer Burst limit
burst_limit_fixed_up integer Upload burst limit
burst_limit_fixed_down integer Download burst limit
burst_threshold integer Burst threshold
burst_threshold_fixed_up integer Upload burst threshold
burst_threshold_fixed_down integer Download burst threshold
burst_time integer Burst time
priority string Priority
exclude_traffic_classes array Exclude traffic classes from accounting
services string Services
service_name string Service description
billing_days_count string Days
available_for_services boolean Enabled
billing_types array! Types of billing
custom_period integer Prepaid period
id integer ID
title string! Title
price float Price
transaction_category_id integer Transaction category
vat_percent float Tax %
with_vat boolean Tax included
show_on_customer_portal boolean Show tariff on Customer portal
hide_on_admin_portal boolean Hide tariff on Admin portal
available_for_locations array! Available locations
customer_categories array! Customer category
partners_ids array! Partners
tax_id integer Tax name
"""

STATES_PROVINCES = """
id integer ID
code string Code
name string Name
date_changed date Date changed
is_default boolean Default
"""

_SERVICE = """
id integer ID
customer_id integer Customer ID
parent_id integer Parent ID
tariff_id integer! Tariff plan
bundle_service_id integer Bundle service ID
status string! Status
status_new string New status
description string! Description
quantity integer! Quantity
unit string Unit
unit_price float Price
start_date date! Start date
end_date date End date
discount boolean Discount
discount_type string Discount type
discount_value float Discount value
discount_start_date date Discount start date
discount_end_date date Discount end date
discount_text string Discount message
period string Period
on_approve boolean On approve
"""

INTERNET_SERVICES = (
    _SERVICE
    + """
login string! Service login
password string Service password
router_id integer Router
sector_id integer Sector
taking_ipv4 integer Taking IPv4
ipv4 string IPv4
ipv4_route string Additional network
ipv4_pool_id integer IPv4 pool
taking_ipv6 integer Taking IPv6
ipv6 string IPv6
ipv6_delegated string Delegated IPv6
ipv6_pool_id integer IPv6 pool
mac string MAC(s)
port_id integer Port
access_device integer Access device
top_up_tariff_id integer Top-up tariff
"""
)

VOICE_SERVICES = (
    _SERVICE
    + """
phone string! Phone
voice_device_id integer Voice device
direction string Direction
"""
)

RECURRING_SERVICES = _SERVICE
