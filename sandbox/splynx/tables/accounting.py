"""What the accounting add-on knows of customers and invoices, and whether it must push them again."""

from sandbox.splynx.tables.model import Table, table


def _known(name: str, owner: str, owners: str) -> Table:
    return table(
        name,
        f"""
    id uint auto
    {owner} uint index
    modified flag = 1
    accounting_id str(256) null
    create_date datetime
    last_updated datetime
    accounting_status int null
    additional_1 text null
    additional_2 text null
    additional_3 text null
    deleted flag = 0 index
    """,
        foreign={owner: f"{owners}.id"},
        exact=True,
    )


TABLES = (
    _known("accounting_customers", "customer_id", "customers"),
    _known("accounting_invoices", "invoice_id", "invoices"),
)
