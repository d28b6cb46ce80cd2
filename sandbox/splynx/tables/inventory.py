"""What is bought, stocked, and lent or sold to customers."""

from sandbox.splynx.tables.model import table

INVENTORY_VENDORS = table(
    "inventory_vendors",
    """
    id uint auto
    name str(128)
    deleted flag = 0
    """,
)

INVENTORY_PRODUCTS_CATEGORIES = table(
    "inventory_products_categories",
    """
    id uint auto
    title str(128)
    deleted flag = 0
    """,
)

INVENTORY_PRODUCTS = table(
    "inventory_products",
    """
    id uint auto
    name str(128)
    vendor_id uint = 0
    category_id uint null
    rent_price money = 0.0000
    sold_price money = 0.0000
    filename_original str(256)
    filename str(256)
    deleted flag = 0
    """,
)

INVENTORY_STOCKS = table(
    "inventory_stocks",
    """
    id uint auto
    name str(128)
    type tinyint
    is_base flag = 0
    deleted flag = 0
    """,
)

INVENTORY_SUPPLIERS = table(
    "inventory_suppliers",
    """
    id uint auto
    name str(128)
    address str(256)
    contact_name str(255) null
    email str(255)
    phone str(255)
    role str(64)
    tax_included flag
    deleted flag = 0
    """,
)

INVENTORY_SUPPLIER_INVOICES = table(
    "inventory_supplier_invoices",
    """
    id uint auto
    supplier_id uint = 0
    original_invoice_number str(128) null
    date date
    filename_original str(256)
    filename str(256)
    deleted flag = 0
    """,
)

INVENTORY_SUPPLIER_INVOICES_ITEMS = table(
    "inventory_supplier_invoices_items",
    """
    id uint auto
    supplier_invoice_id uint = 0
    product_id uint = 0
    quantity int
    price money = 0.0000
    deleted flag = 0
    """,
)

INVENTORY_ITEMS = table(
    "inventory_items",
    """
    id uint auto
    barcode str(128) null
    serial_number str(128) null
    status enum(stock|in_transit|assigned|internal_usage|sold|rent|returned)
    customer_id uint
    service_id uint
    notes text null
    mark enum(new|used|broken) null
    admin_id uint null
    product_id uint = 0
    stock_id uint = 0
    cost_price money = 0.0000
    supplier_invoices_item_id uint = 0
    invoice_id uint null
    transaction_id uint
    filename_original str(256)
    filename str(256)
    task_id uint
    deleted flag = 0
    updated_at datetime null = now
    """,
)

TABLES = (
    INVENTORY_VENDORS,
    INVENTORY_PRODUCTS_CATEGORIES,
    INVENTORY_PRODUCTS,
    INVENTORY_STOCKS,
    INVENTORY_SUPPLIERS,
    INVENTORY_SUPPLIER_INVOICES,
    INVENTORY_SUPPLIER_INVOICES_ITEMS,
    INVENTORY_ITEMS,
)
