"""Payments, transactions and invoices, with the methods and categories that they name."""

from sandbox.splynx.resources.model import Resource
from sandbox.splynx.resources.model import resource as _resource

_PAYMENT_METHODS = """
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
_PAYMENTS = """
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
_TRANSACTION_CATEGORIES = """
id integer ID
name string! Name
is_base string Is base
accounting_category_id integer Accounting category ID
einvoicing_category_id integer eInvoicing category ID
einvoicing_private_person_category_id integer eInvoicing private person category ID
einvoicing_type_id integer eInvoicing type ID
einvoicing_private_person_type_id integer eInvoicing private person type ID
"""
_TRANSACTIONS = """
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
_INVOICES = """
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
_READ = ("GET",)

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "finance/payment-methods",
        "payments_types",
        "finance\\PaymentMethods",
        _PAYMENT_METHODS,
        unique=("name",),
        used_by=(("payments", "payment_type"),),
    ),
    _resource(
        "finance/transaction-categories",
        "billing_transactions_categories",
        "finance\\TransactionCategories",
        _TRANSACTION_CATEGORIES,
        unique=("name",),
        used_by=(("billing_transactions", "category"),),
        protected=frozenset({"id", "is_base", "deleted"}),
    ),
    _resource(
        "finance/payments",
        "payments",
        "finance\\Payments",
        _PAYMENTS,
        also_required=("payment_type", "date", "amount"),
        unique=("receipt_number",),
        module="payments",
        numbers=frozenset({"amount"}),
        protected=frozenset(
            {
                "id",
                "transaction_id",
                "real_create_datetime",
                "remind_amount",
                "added_by",
                "added_by_id",
                "deleted",
                "updated_at",
            }
        ),
    ),
    _resource(
        "finance/transactions",
        "billing_transactions",
        "finance\\Transactions",
        _TRANSACTIONS,
        also_required=("type", "date", "category"),
        module="billing_transactions",
        numbers=frozenset({"total"}),
        protected=frozenset({"id", "total", "deleted", "updated_at"}),
    ),
    _resource(
        "finance/invoices",
        "invoices",
        "finance\\Invoices",
        _INVOICES,
        unique=("number",),
        module="invoices",
        computed=("items",),
        numbers=frozenset({"total", "due"}),
        protected=frozenset(
            {"id", "total", "due", "real_create_datetime", "date_updated", "added_by", "added_by_id", "deleted"}
        ),
    ),
    _resource(
        "config/transaction-categories",
        "billing_transactions_categories",
        "config\\TransactionCategories",
        on_collection=_READ,
        on_item=(),
    ),
)
