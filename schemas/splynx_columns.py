"""Tables of Splynx that are written by SQL, as this release knows them. Source: Splynx database fact sheet.

One column per line: `name type [null] [= default] [auto]`, as `sinks.columns` tells a live one; not null is the rule,
and `now` stands for CURRENT_TIMESTAMP. Rows are inserted into the first two, so each of their columns counts; of
`customer_billing` only what is used.
"""

COLUMNS: dict[str, str] = {
    "payments": """
        id int unsigned auto
        customer_id int unsigned
        invoice_id int unsigned null
        request_id int unsigned null
        transaction_id int unsigned
        payment_type int unsigned
        receipt_number varchar(32)
        date date
        real_create_datetime datetime
        amount decimal(19,4)
        remind_amount decimal(19,4)
        comment varchar(256)
        is_sent enum('0','1') = 0
        field_1 varchar(512)
        field_2 varchar(512)
        field_3 varchar(512)
        field_4 varchar(512)
        field_5 varchar(512)
        note text
        memo text
        added_by enum('system','api','admin') null
        added_by_id int null
        deleted enum('0','1') = 0
        updated_at datetime null = now
        credit_note_id int null
        payment_statement_id int null
    """,
    "billing_transactions": """
        id int unsigned auto
        customer_id int unsigned
        sub_account_id int unsigned null
        type enum('debit','credit')
        quantity int = 1
        unit varchar(32)
        price decimal(19,4)
        total decimal(19,4)
        remind_amount decimal(19,4)
        tax_percent decimal(6,4)
        tax_id int unsigned
        date date
        category int unsigned
        description varchar(255)
        comment varchar(512)
        period_from date
        period_to date
        to_invoice enum('0','1') = 0
        service_id int unsigned null
        service_type enum('internet','voice','custom','bundle','one_time')
        payment_id int unsigned null
        invoice_id int unsigned null
        invoiced_by_id int unsigned null
        source enum('manual','auto','cdr','config') = manual
        deleted enum('0','1') = 0
        updated_at datetime null = now
        credit_note_id int unsigned null
    """,
    "customer_billing": """
        customer_id int unsigned
        deposit decimal(19,4) = 0.0000
    """,
}
"""`{table: columns}`."""
