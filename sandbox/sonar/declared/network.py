"""The network: sites, address space, who holds which address, RADIUS, numbers. Source: Sonar schema.

`RadiusAccount.password` is a secret in clear text, as in the real one; the ones served are invented.
"""

TYPES = """
type NetworkSite = network_sites
    is Searchable Contactable Ticketable Jobbable Inventoryitemable Addressable Ipassignmentable
    is Ipassignmenthistoryable Genericinventoryitemable Genericinventoryitemactionloggable Emailable Noteable
    is Customfielddataable Fileable Recentitemable Taskable Loggable Accessloggable
    geopoint:Geopoint height_in_meters:Float! name:String!
    contacts => Contact as contactable
    inventory_items => InventoryItem as inventoryitemable
    addresses => Address as addressable
    ip_assignments => IpAssignment as ipassignmentable
    ip_assignment_histories => IpAssignmentHistory as ipassignmenthistoryable
    generic_inventory_items => GenericInventoryItem as genericinventoryitemable
    custom_field_data => CustomFieldData as customfielddataable
    tickets => Ticket as ticketable
    linked_tickets <> Ticket with network_sites
    jobs => Job as jobbable
    emails => Email as emailable
    notes => Note as noteable
    files => File as fileable
    tasks => Task as taskable

type Supernet = supernets
    is Noteable Loggable Accessloggable
    largest_cidr_available:Int name:String subnet:SubnetScalar!
    subnets => Subnet by supernet_id
    notes => Note as noteable

type Subnet = subnets
    is Searchable Noteable Loggable Accessloggable
    largest_cidr_available:Int name:String poller_id:Int64Bit polling_priority:Int! subnet:SubnetScalar!
    supernet_id:Int64Bit! type:SubnetType!
    supernet -> Supernet by supernet_id, owner
    ip_pools => IpPool by subnet_id
    ip_assignments => IpAssignment by subnet_id
    notes => Note as noteable

type IpPool = ip_pools
    is Noteable Loggable Accessloggable
    dhcp_server_identifier_id:Int64Bit ip_range:IpRange! ips_available:Int! name:String subnet_id:Int64Bit!
    subnet -> Subnet by subnet_id, owner
    ip_assignments => IpAssignment by ip_pool_id
    notes => Note as noteable

type IpAssignment = ip_assignments
    is Searchable Noteable Loggable Accessloggable
    description:String ip_pool_id:Int64Bit ipassignmentable_id:Int64Bit! ipassignmentable_type:IpassignmentableType!
    reference:Text soft:Boolean! subnet:SubnetScalar! subnet_id:Int64Bit!
    ipassignmentable -> IpassignmentableInterface as ipassignmentable, owner
    parent_subnet -> Subnet by subnet_id
    ip_pool -> IpPool by ip_pool_id
    notes => Note as noteable

type IpAssignmentHistory = ip_assignment_histories
    is Loggable Accessloggable
    assigned_datetime:Datetime! description:String ip_assignment_id:Int64Bit ipassignmentable_id:Int64Bit
    ipassignmentable_type:IpassignmentableType! ipassignmenthistoryable_id:Int64Bit!
    ipassignmenthistoryable_type:IpassignmenthistoryableType! reference:Text removed_datetime:Datetime soft:Boolean!
    subnet:SubnetScalar! unique_identifier:String
    ipassignmenthistoryable -> IpassignmenthistoryableInterface as ipassignmenthistoryable, owner
    ipassignmentable -> IpassignmentableInterface as ipassignmentable
    ip_assignment -> IpAssignment by ip_assignment_id

type RadiusAccount = radius_accounts
    is Searchable Ipassignmentable Noteable Loggable Accessloggable
    account_id:Int64Bit! password:Text username:String!
    account -> Account by account_id, owner
    ip_assignments => IpAssignment as ipassignmentable
    notes => Note as noteable

type RadiusGroup = radius_groups
    is Noteable Loggable Accessloggable
    account_status:AddressListAccountStatus! delinquency:AddressListDelinquency! fall_through:Boolean! name:String!
    priority:Int!
    account_groups <> AccountGroup with radius_groups
    account_statuses <> AccountStatus with radius_groups
    account_types <> AccountType with radius_groups
    notes => Note as noteable
    services <> Service with radius_groups
    usage_based_billing_policies <> UsageBasedBillingPolicy with radius_groups

type UninventoriedMacAddress = uninventoried_mac_addresses
    is Searchable Ipassignmentable Noteable Loggable Accessloggable
    account_id:Int64Bit! mac_address:MacAddress!
    account -> Account by account_id, owner
    ip_assignments => IpAssignment as ipassignmentable
    ip_assignment_histories => IpAssignmentHistory as ipassignmentable
    notes => Note as noteable

type Did = dids
    is Searchable Noteable Loggable Accessloggable
    number:String! rate_center_id:Int64Bit voice_provider_id:Int64Bit!
    did_assignments => DidAssignment by did_id
    notes => Note as noteable
    voice_provider -> VoiceProvider by voice_provider_id

type DidAssignment = did_assignments
    is Noteable Loggable Accessloggable
    account_id:Int64Bit! did_id:Int64Bit! service_id:Int64Bit
    did -> Did by did_id
    account -> Account by account_id, owner
    notes => Note as noteable
    service -> Service by service_id

type ServiceableAddressAccountAssignmentFuture = serviceable_address_account_assignment_futures
    is Loggable Accessloggable
    account_id:Int64Bit! address_id:Int64Bit! note:Text target_date:Date!
    account -> Account by account_id, owner
    address -> Address by address_id
    jobs => Job by serviceable_address_account_assignment_future_id
"""
