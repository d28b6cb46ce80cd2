"""Vendors, products, stocks, suppliers with their invoices, and items."""

from sandbox.splynx.resources.model import Parts, Resource
from sandbox.splynx.resources.model import resource as _resource

_VENDORS = """
id integer ID
name string! Name
"""
_PRODUCTS = """
id integer ID
name string! Name
vendor_id string Vendor
category_id integer Category
rent_price float Rent price
sold_price float Sell price
filename_original string Filename_original
filename string Photo
"""
_SUPPLIERS = """
id integer ID
name string! Name
address string Address
contact_name string Contact name
email email Email
phone string Phone
tax_included boolean Tax included
"""
_SUPPLIER_INVOICES = """
id integer ID
supplier_id integer Supplier
original_invoice_number string Supplier invoice number
date date Date
filename_original string Invoice file
filename string Invoice file
"""
_ITEMS = """
id integer ID
supplier_invoices_item_id integer Supplier Invoice ID
barcode string Barcode
serial_number string Serial number
status string Status
mark string Mark
customer_id integer Customer
admin_id integer Administrator ID
service_id integer Service ID
invoice_id integer Invoice ID
cost_price float Cost price
transaction_id integer Transaction ID
product_id integer! Product
notes string Notes
filename_original string Filename_original
filename string Photo
stock_id integer Stock location
task_id integer Link to task
"""
_UPLOAD = {"upload": ("POST",)}
_FILE = frozenset({"filename_original", "filename"})

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "inventory/vendors",
        "inventory_vendors",
        "inventory\\Vendors",
        _VENDORS,
        module="inventory_vendors",
        used_by=(("inventory_products", "vendor_id"),),
    ),
    _resource(
        "inventory/products",
        "inventory_products",
        "inventory\\Products",
        _PRODUCTS,
        module="inventory_products",
        actions=_UPLOAD,
        refers={"vendor_id": "inventory_vendors", "category_id": "inventory_products_categories"},
        used_by=(("inventory_items", "product_id"),),
        protected=_FILE,
    ),
    _resource(
        "config/inventory-stocks",
        "inventory_stocks",
        "config\\InventoryStocks",
        item_path="config/inventory-stock",
        also_required=("name",),
        used_by=(("inventory_items", "stock_id"),),
        protected=frozenset({"type", "is_base"}),
    ),
    _resource(
        "inventory/suppliers",
        "inventory_suppliers",
        "inventory\\Suppliers",
        _SUPPLIERS,
        module="inventory_suppliers",
        used_by=(("inventory_supplier_invoices", "supplier_id"),),
    ),
    _resource(
        "inventory/supplier-invoices",
        "inventory_supplier_invoices",
        "inventory\\SupplierInvoices",
        _SUPPLIER_INVOICES,
        module="inventory_supplier_invoices",
        actions=_UPLOAD,
        also_required=("supplier_id", "items"),
        refers={"supplier_id": "inventory_suppliers"},
        parts={
            "items": Parts(
                "inventory_supplier_invoices_items", "supplier_invoice_id", ("product_id", "quantity", "price")
            )
        },
        protected=_FILE,
    ),
    _resource(
        "inventory/items",
        "inventory_items",
        "inventory\\Items",
        _ITEMS,
        module="inventory_items",
        actions=_UPLOAD,
        unique=("barcode",),
        refers={"product_id": "inventory_products", "stock_id": "inventory_stocks"},
        stamps={"updated_at": "now"},
        protected=_FILE,
    ),
)
