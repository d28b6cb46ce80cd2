"""The stock: models, items, the places where they lie, and where they were bought. Source: Sonar schema."""

TYPES = """
type InventoryModelCategory = inventory_model_categories
    is Noteable Loggable Accessloggable
    general_ledger_code_id:Int64Bit icon:Icon! name:String!
    inventory_models => InventoryModel by inventory_model_category_id
    notes => Note as noteable
    general_ledger_code -> GeneralLedgerCode by general_ledger_code_id

type Manufacturer = manufacturers
    is Noteable Loggable Accessloggable
    name:String!
    inventory_models => InventoryModel by manufacturer_id
    notes => Note as noteable

type InventoryModel = inventory_models
    is Vendoritemable Noteable Fileable Loggable Accessloggable
    default_vendor_id:Int64Bit device_type:InventoryModelDeviceType! enabled:Boolean! generic:Boolean! icon:Icon!
    inventory_model_category_id:Int64Bit! is_segmentable:Boolean! lte_sim_type:LteProviderType
    manufacturer_id:Int64Bit! model_name:String name:String! network_monitoring_template_id:Int64Bit port:Int
    protocol:Protocol quantity:Int unit_of_measurement:UnitOfMeasurementType
    manufacturer -> Manufacturer by manufacturer_id
    inventory_model_category -> InventoryModelCategory by inventory_model_category_id
    default_vendor -> Vendor by default_vendor_id
    vendor_items => VendorItem as vendoritemable
    inventory_model_fields => InventoryModelField by inventory_model_id
    inventory_items => InventoryItem by inventory_model_id
    deployment_types => DeploymentType by inventory_model_id
    generic_inventory_items => GenericInventoryItem by inventory_model_id
    notes => Note as noteable
    files => File as fileable

type InventoryModelField = inventory_model_fields
    is Noteable Loggable Accessloggable
    inventory_model_id:Int64Bit! name:String! primary:Boolean! regexp:String required:Boolean!
    secondary_type:InventoryModelFieldSecondaryType type:InventoryModelFieldType! unique:Uniqueness!
    inventory_model -> InventoryModel by inventory_model_id, owner
    inventory_model_field_data => InventoryModelFieldData by inventory_model_field_id
    notes => Note as noteable

type DeploymentType = deployment_types
    is Noteable Loggable Accessloggable
    inventory_model_id:Int64Bit! name:String! network_monitoring_template_id:Int64Bit
    inventory_model -> InventoryModel by inventory_model_id, owner
    inventory_items => InventoryItem by deployment_type_id
    notes => Note as noteable

type InventoryItem = inventory_items
    is Ipassignmentable Fileable Noteable Notifiable Recentitemable Taskable Loggable Accessloggable
    account_service_id:Int64Bit claimed_user_id:Int64Bit deployment_type_id:Int64Bit flapping:Boolean!
    icmp_device_status:InventoryItemDeviceStatus icmp_status_flap_count:Int! icmp_status_last_change:Datetime
    icmp_threshold_violation:InventoryItemIcmpThresholdViolation inventory_model_id:Int64Bit!
    inventoryitemable_id:Int64Bit! inventoryitemable_type:InventoryitemableType! latitude:Latitude
    longitude:Longitude metadata:String overall_status:InventoryItemDeviceStatus
    override_status:InventoryItemDeviceStatus override_status_last_change:Datetime parent_inventory_item_id:Int64Bit
    preseem_status:PreseemStatus purchase_order_item_id:Int64Bit purchase_price:Int quantity:Int
    segment_parent_id:Int64Bit snmp_device_status:InventoryItemDeviceStatus snmp_status_flap_count:Int!
    snmp_status_last_change:Datetime snmp_status_message:String status:InventoryItemStatus! um_price:Int
    inventoryitemable -> InventoryitemableInterface as inventoryitemable, owner
    inventory_model -> InventoryModel by inventory_model_id
    deployment_type -> DeploymentType by deployment_type_id
    purchase_order_item -> PurchaseOrderItem by purchase_order_item_id
    parent_inventory_item -> InventoryItem by parent_inventory_item_id
    claimed_user -> User by claimed_user_id
    segment_parent -> InventoryItem by segment_parent_id
    inventory_model_field_data => InventoryModelFieldData by inventory_item_id
    child_inventory_items => InventoryItem by parent_inventory_item_id
    segments => InventoryItem by segment_parent_id
    ip_assignments => IpAssignment as ipassignmentable
    tickets <> Ticket with inventory_items
    files => File as fileable
    notes => Note as noteable
    tasks => Task as taskable
    account_service -> AccountService by account_service_id

type InventoryModelFieldData = inventory_model_field_data
    is Searchable Ipassignmentable Loggable Accessloggable
    inventory_item_id:Int64Bit! inventory_model_field_id:Int64Bit! value:String!
    inventory_model_field -> InventoryModelField by inventory_model_field_id
    inventory_item -> InventoryItem by inventory_item_id, owner
    ip_assignments => IpAssignment as ipassignmentable

type GenericInventoryItem = generic_inventory_items
    is Noteable Loggable Accessloggable
    genericinventoryitemable_id:Int64Bit! genericinventoryitemable_type:InventoryitemableType!
    inventory_model_id:Int64Bit! quantity:Int!
    genericinventoryitemable -> GenericinventoryitemableInterface as genericinventoryitemable, owner
    inventory_model -> InventoryModel by inventory_model_id
    notes => Note as noteable

type GenericInventoryAssignee = generic_inventory_assignees
    is Inventoryitemable Genericinventoryitemable Genericinventoryitemactionloggable Noteable Customfielddataable
    is Loggable Accessloggable
    name:String!
    inventory_items => InventoryItem as inventoryitemable
    generic_inventory_items => GenericInventoryItem as genericinventoryitemable
    custom_field_data => CustomFieldData as customfielddataable
    notes => Note as noteable

type InventoryLocation = inventory_locations
    is Addressable Inventoryitemable Genericinventoryitemable Genericinventoryitemactionloggable Noteable
    is Loggable Accessloggable
    default_shipping_location:Boolean! geopoint:Geopoint name:String!
    addresses => Address as addressable
    inventory_items => InventoryItem as inventoryitemable
    generic_inventory_items => GenericInventoryItem as genericinventoryitemable
    internal_locations => InternalLocation by inventory_location_id
    purchase_orders => PurchaseOrder by inventory_location_id
    notes => Note as noteable

type InternalLocation = internal_locations
    is Inventoryitemable Genericinventoryitemable Genericinventoryitemactionloggable Noteable Loggable
    is Accessloggable
    inventory_location_id:Int64Bit! name:String!
    inventory_location -> InventoryLocation by inventory_location_id, owner
    inventory_items => InventoryItem as inventoryitemable
    generic_inventory_items => GenericInventoryItem as genericinventoryitemable
    notes => Note as noteable

type Vehicle = vehicles
    is Inventoryitemable Genericinventoryitemable Genericinventoryitemactionloggable Noteable Loggable
    is Accessloggable
    geopoint:Geopoint gps_tracking_always:Boolean! gps_tracking_day_friday:Boolean! gps_tracking_day_monday:Boolean!
    gps_tracking_day_saturday:Boolean! gps_tracking_day_sunday:Boolean! gps_tracking_day_thursday:Boolean!
    gps_tracking_day_tuesday:Boolean! gps_tracking_day_wednesday:Boolean! gps_tracking_enabled:Boolean!
    gps_tracking_end_time:Time! gps_tracking_provider_id:Int64Bit gps_tracking_start_time:Time!
    gps_tracking_timezone:Timezone gps_tracking_uid:String manufacturer:String model:String name:String! vin:String
    year:Int
    inventory_items => InventoryItem as inventoryitemable
    generic_inventory_items => GenericInventoryItem as genericinventoryitemable
    users <> User with vehicles
    notes => Note as noteable

type Vendor = vendors
    is Addressable Contactable Emailable Noteable Fileable Loggable Accessloggable
    archived:Boolean! automate_approved_purchase_orders:Boolean! currency:Currency! name:String!
    payment_terms:PaymentTerm!
    addresses => Address as addressable
    contacts => Contact as contactable
    vendor_items => VendorItem by vendor_id
    purchase_orders => PurchaseOrder by vendor_id
    emails => Email as emailable
    notes => Note as noteable
    files => File as fileable
    taxes <> Tax with vendors

type VendorItem = vendor_items
    is Noteable Loggable Accessloggable
    archived:Boolean! name:String! part_number:String price:Int! quantity_per_unit:Int! retail_item:Boolean!
    retail_item_price:Int retail_item_service_id:Int64Bit vendor_id:Int64Bit vendoritemable_id:Int64Bit
    vendoritemable_type:VendoritemableType
    vendoritemable -> VendoritemableInterface as vendoritemable
    vendor -> Vendor by vendor_id, owner
    purchase_order_items => PurchaseOrderItem by vendor_item_id
    notes => Note as noteable
    retail_item_service -> Service by retail_item_service_id

type NonInventoryItem = non_inventory_items
    is Vendoritemable Noteable Loggable Accessloggable
    general_ledger_code_id:Int64Bit name:String!
    vendor_items => VendorItem as vendoritemable
    notes => Note as noteable
    general_ledger_code -> GeneralLedgerCode by general_ledger_code_id

type PurchaseOrder = purchase_orders
    is Emailable Noteable Notifiable Fileable Loggable Accessloggable
    approved_by_user_id:Int64Bit canceled_at:Datetime canceled_by_user_id:Int64Bit company_id:Int64Bit!
    created_by_user_id:Int64Bit! currency:Currency external_message:String inventory_location_id:Int64Bit!
    is_paid:Boolean last_status_change:Datetime! order_group_id:Int64Bit order_number:Int payment_terms:PaymentTerm
    status:PurchaseOrderStatus! vendor_id:Int64Bit! vendor_name:String
    canceled_by_user -> User by canceled_by_user_id
    created_by_user -> User by created_by_user_id
    approved_by_user -> User by approved_by_user_id
    vendor -> Vendor by vendor_id
    inventory_location -> InventoryLocation by inventory_location_id
    company -> Company by company_id
    purchase_order_items => PurchaseOrderItem by purchase_order_id
    emails => Email as emailable
    notes => Note as noteable
    files => File as fileable

type PurchaseOrderItem = purchase_order_items
    is Noteable Customfielddataable Loggable Accessloggable
    calculated_tax:Int generic_quantity_received:Int! list_order:Int name:String part_number:String price:Int64Bit!
    purchase_order_id:Int64Bit! quantity_per_unit:Int status:PurchaseOrderItemStatus! units:Int!
    vendor_item_id:Int64Bit!
    purchase_order -> PurchaseOrder by purchase_order_id, owner
    vendor_item -> VendorItem by vendor_item_id
    inventory_items => InventoryItem by purchase_order_item_id
    custom_field_data => CustomFieldData as customfielddataable
    notes => Note as noteable
    taxes <> Tax with purchase_order_items
"""
