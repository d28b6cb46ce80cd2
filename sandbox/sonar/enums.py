"""The enums of the served types. Source: Sonar schema.

Most are complete. `PARTIAL` names the large ones (thousands of counties and subdivisions, hundreds of zones and icons),
of which only a useful share is served. Every value is a legal one, and clients have to tolerate unknown ones anyway.
"""

import re
from collections.abc import Mapping

PARTIAL = frozenset({"Country", "Icon", "Permission", "Subdivision", "Timezone", "UsCounty"})

_COMPLETE = """
AccountTypeEnum COMMERCIAL RESIDENTIAL GOVERNMENT INDUSTRIAL SENIOR_CITIZEN
AccountUpdateEvent ACTIVATED ARCHIVED GROUPS_REMOVED GROUPS_ADDED SERVICES_ADDED SERVICES_REMOVED SERVICES_UPDATED \
STATUS_UPDATED TYPE_UPDATED UNARCHIVED CREDIT_CARD_ADDED CREDIT_CARD_UPDATED CREDIT_CARD_REMOVED
AccountingPeriodCloseOption NEVER MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY DAILY MONTHLY
AddressListAccountStatus ALL ACTIVE INACTIVE
AddressListDelinquency ALL DELINQUENT CURRENT
AddressType PHYSICAL MAILING
AddressableType Account InventoryLocation BankAccount CreditCard NetworkSite Company TowercoverageSubmission Vendor
AggregationFunction MAX MIN SUM AVG COUNT
AnchorDelinquencyLogic ALL ANCHOR_ONLY
BankAccountProvider AUTHORIZE BLUEPAY BMOHARRISCANADA80BYTE CANADAACH1464BYTE CARDCONNECT CENTRAL1ACH GOCARDLESS \
IPPAY NACHAACH PROPAY ROYALBANKOFCANADAACH ROYALBANKOFCANADAACHFTP SONARPAY SONARPAY_CANADA
BankAccountType CHECKING SAVINGS
BillDayModeOption FIXED ANNIVERSARY_INVOICE_DAY ANNIVERSARY_BILL_DAY
BillMode INVOICE STATEMENT
BillingDefaultFor ACCOUNT_TYPE ANCHOR LINKED
BillingParameterDayOption BILL_DAY INVOICE_DAY
BooleanOperator EQ NEQ
CallDetailRecordDirection INBOUND OUTBOUND
CallDetailRecordPrefixType LOCAL LONG_DISTANCE TOLL_FREE PROVIDER_RATED
CardPaymentType NONE CREDIT DEBIT CHARGE PREPAID DEBIT_CREDIT
ContactableType Account NetworkSite Vendor
CreditCardProvider STRIPE IPPAY BLUEPAY AUTHORIZE BAMBORA CARDCONNECT PROPAY MONERIS_CA PAYGATE SONARPAY SONARPAY_CANADA
CreditCardType VISAELECTRON MAESTRO FORBRUGSFORENINGEN DANKORT VISA MASTERCARD AMEX DINERSCLUB DISCOVER UNIONPAY JCB
CreditableType Discount Payment
Currency AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY \
COP CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ HKD HNL HTG HUF IDR ILS INR IRR \
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO \
NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STN SVC SYP SZL THB \
TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWL
CustomFieldType BOOLEAN DATE TEXT
CustomerPortalContactAccess ALL PRIMARY
CustomfielddataableType Account Address Contact GenericInventoryAssignee Job NetworkSite PurchaseOrderItem \
TestReadOnlyFileModel Ticket
DateFormat YEAR_MONTH_DAY DAY_MONTH_YEAR MONTH_DAY_YEAR HUMAN_FORMAT
Day SUNDAY MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY
DecimalSeparator COMMA DOT
DigitSeparator COMMA DOT SPACE
FipsSource FCC MIGRATION OTHER SONAR
GeneralSearchMode ROOT ROOT_PLUS_RELATIONS
InventoryItemDeviceStatus GOOD DOWN WARNING
InventoryItemIcmpThresholdViolation TOTAL_PACKET_LOSS LOSS_THRESHOLD_VIOLATED LATENCY_THRESHOLD_VIOLATED \
LOSS_AND_LATENCY_THRESHOLD_VIOLATED
InventoryItemStatus FAILED LOST FUNCTIONAL
InventoryModelDeviceType CABLE_MODEM OTHER
InventoryModelFieldSecondaryType CABLE_MODEM_PROVISIONING
InventoryModelFieldType TEXT NUMBER DECIMAL MAC_ADDRESS REGULAR_EXPRESSION IMSI LTEAUTHKEY OPOPC
InventoryitemableType User InventoryLocation GenericInventoryAssignee Vehicle InternalLocation Address NetworkSite
IpassignmentableType Account InventoryItem InventoryModelFieldData RadiusAccount UninventoriedMacAddress NetworkSite
IpassignmenthistoryableType Account NetworkSite
IspType ILEC CLEC IXC VOIP ISP WIRELESS RETAIL_SALES
Language en fr
LateFeeMode FLAT PERCENTAGE
LogLevel INFO ERROR CRITICAL
LogType CREATED UPDATED DELETED ATTACHED DETACHED SYSTEM OTHER
LteProviderType TELRAD BAICELLS TELRAD_RESTCONF
PaymentStatus PENDING FAILED SUCCEEDED
PaymentTerm CASH_ON_DELIVERY CASH_IN_ADVANCE CASH_CONC_DISB END_OF_MONTH NET_30 NET_60 NET_90
PaymentType CREDITCARD BANKACCOUNT CASH WIRE CHECK OTHER PAYPAL
PreseemStatus RED YELLOW GREEN
Protocol HTTP HTTPS
PurchaseOrderItemStatus PENDING RECEIVED DEFECTIVE_RMA MISSING CANCELED RETURNED
PurchaseOrderStatus PRODUCT_REQUEST APPROVED DISPATCHED_TO_VENDOR DISPATCH_FAILED RECEIVING INCOMPLETE COMPLETE \
CANCELED REJECTED PAID UNINITIALIZED
RangeOperator GTE GT LTE LT EQ NEQ
ScheduledEventEvent CREDIT_CARD_PAYMENT BANK_ACCOUNT_PAYMENT REMOVE_SERVICE ADD_SERVICE CHANGE_STATUS \
ADD_PRICE_OVERRIDE REMOVE_PRICE_OVERRIDE ADD_PACKAGE REMOVE_PACKAGE DISCONNECT_ACCOUNT ONE_TIME_TRANSACTION \
ASSIGN_SERVICEABLE_ADDRESS
ServiceApplication CREDIT DEBIT
ServiceTransactionType BASE_SERVICE VOICE_SERVICE_ADDITION
ServiceType RECURRING EXPIRING ONETIME OVERAGE ADJUSTMENT DATA VOICE
SortDirection ASC DESC
SubnetType MIXED ACCOUNT NETWORK EXCLUDED
SubscribableType Ticket
TaxApplication FLAT PERCENTAGE
TaxJurisdiction FEDERAL STATE COUNTY CITY
TaxProviderType MANUAL AVALARA MANUALASYNC
TaxType GEOGRAPHICAL GLOBAL
TaxdefinitionableType AvalaraTaxDefinition
TaxtransactionableType Debit Discount
TechnologyCode ASYMMETRICXDSL SYMMETRICXDSL COPPERWIRELINE CABLEMODEM FIBER SATELLITE NONGEOSTATIONARYSATELLITE \
TERRESTRIALFIXEDWIRELESS UNLICENSEDTERRESTRIALFIXEDWIRELESS LICENSEDTERRESTRIALFIXEDWIRELESS \
LICENSEDBYRULETERRESTRIALFIXEDWIRELESS ELECTRICPOWERLINE OTHER
TimeFormat TWELVE_HOUR TWENTY_FOUR_HOUR
Uniqueness NONE LOCAL GLOBAL
UnitOfMeasurementType CENTIMETERS EACH INCHES FEET METERS
Units METRIC IMPERIAL
VendoritemableType NonInventoryItem InventoryModel
VoiceServiceDetailSubType VOICE HOSTED_PBX
VoiceServiceGenericParameterType LINES PBX_SEATS OTHER
Icon CIRCLE ALARM759357 ANTENNA759818 BANK759322 CASH759858 CHECKMARK759628 CLOCK759361 CLOUD759379 EMAIL759362 \
FLAG759300 HAPPY759916 HOUSE759590 KEY759683 LOCK759686 NETWORK759366 OFFICE759331 HELP759642 LOSS759310
Country US CA AF AL DZ AD AO AI AQ AG AR AM AW AU AT AZ BS BH BD BB BY BE BZ BJ BM BT BO BA BW BV BR IO BN BG BF BI KH \
CM CV KY CF TD CL CN CX CC CO KM CG CK CR HR CU CY CZ DK DJ DM DO EC EG SV GQ ER EE ET FK FO FJ FI FR GF PF TF GA GM \
GE DE GH GI GR GL GD GP GT GN GW GY HT HM HN HK HU IS IN ID IR IQ IE IL IT CI JM JP JO KZ KE KI KP KR KW KG LA LV LB \
LS LR LY LI LT LU MO MK MG MW MY MV ML MT MH MQ MR MU MX FM MD MC MN MS MA MZ MM NA NR NP NL NC NZ NI NE NG NU NF NO \
OM PK PW PA PG PY PE PH PN PL PT PR QA RE RO RU RW KN LC VC WS SM ST SA SN RS SC SL SG SK SI SB SO ZA GS ES LK SH PM \
SD SR SJ SZ SE CH SY TW TJ TZ TH TG TK TO TT TN TR TM TC TV UG UA AE GB UY UZ VU VA VE VN VG WF EH YE ZM ZW
CompletableType CustomField File
EmailStatus SENT SENT_TO_PROCESSOR BOUNCED REJECTED FAILED OPENED DEFERRED HARD_BOUNCED SOFT_BOUNCED CLICKED \
MARKED_SPAM UNSUBBED IN_PROGRESS
EmailableType User Account Contact NetworkSite Ticket TicketReply Vendor PurchaseOrder
FileableType Account AchBatch Address CallDataRecordImport CallDetailRecordImport CallLog Company DepositSlip \
EmailMessageContent FccForm477Report HandwrittenSignature InventoryItem InventoryModel InvoiceAttachment Job \
MassEmail NetworkSite PrintedInvoiceBatch PurchaseOrder SystemBackup TestReadOnlyFileModel Ticket TicketComment \
TicketReply TowercoverageSubmission Vendor VoiceProviderRateImport
JobTypeAction CREATE_NEW_TICKET UPDATE_TICKET_OR_ADD NONE
JobbableType Account NetworkSite
NotePriority NORMAL STICKY STICKY_WITH_CONFIRMATION
NoteableType AccessLog Account AccountAdtranMosaicServiceDetail AccountEvent AccountGroup AccountStatus AccountType \
AccountVoiceServiceDetail AchBatch AddressList AddressStatus AdtranMosaicAudit AdtranMosaicKafkaEvent \
AdtranMosaicSetting AdtranMosaicWorkflowEvent AlertingRotation AlertingRotationDay ApplicationFirewallRule \
AvalaraTaxCategory BankAccount BankAccountProcessorCredential CableModemProvisioner CableModemProvisionerCredential \
CalixCloudAudit CalixCloudSetting CalixIntegration CallDataRecordImport CallDetailRecordImport \
CallDetailRecordImportRecipe CannedReply CannedReplyCategory Company Contact Contract ContractTemplate CreditCard \
CustomField DataServiceDetail DataUsageHistory DataUsageTopOff DelinquencyExclusion Department DeploymentType \
DepositSlip DhcpServer DhcpServerIdentifier Did DidAssignment DidImportRecipe Disbursement DisbursementDetail \
DisconnectionLog Dispute EmailCategory EmailDomain EmailMessage Epc ExternalMarketingProviderCredential \
FibermapIntegration FibermapPlan FibermapServiceLocation FractionalDebit FractionalTaxTransaction GeneralLedgerCode \
GenericInventoryAssignee GenericInventoryItem GeoTaxZone Geofence GlobalInventoryModelMinMax \
IdentityProviderActiveDirectoryDetail IdentityProviderGoogleDetail IdentityProviderMicrosoftDetail \
IdentityProviderSamlDetail Import InboundMailbox InlineDevice InlineDeviceCredential IntegrationFieldMapping \
IntegrationServiceMapping InternalLocation InventoryItem InventoryLocation InventoryModel InventoryModelCategory \
InventoryModelField InventoryModelMinMax InvoiceAttachment InvoiceMessage InvoiceTemplate InvoiceTemplateVersion \
IpAssignment IpPool Job JobType LocalPrefix LookerExploreLicense LookerViewLicense LteProvider LteProviderCredential \
Manufacturer MapOverlay MassEmail MessageCategory MonthlyBillingCompletion NetflowAllowedSubnet NetflowEndpoint \
NetflowOnPremise NetflowWhitelist NetworkMonitoringGraph NetworkMonitoringTemplate NetworkSite \
NetworkSiteServiceableAddressList NonInventoryItem OrderGroup OverageServiceDetail Package PayPalCredential \
PersonalAccessToken Poller PollerSetting Preseem PrintedInvoiceBatch PurchaseOrder PurchaseOrderItem RadiusAccount \
RadiusGroup RadiusGroupReplyAttribute RadiusServer RadiusSessionHistory RateCenter RefundedPayment ReversedPayment \
Role SavedMessageCategory ScheduleAddress ScheduleAvailability ScheduleBlocker ScheduleBlockerOverride \
ScheduleTimeOff ScheduledEventAccountCalixServiceDetail ScheduledEventAccountVoiceServiceDetail Service Signature \
SmsMessage SmsMessageContent SmsSetting SnmpOid SnmpOidThreshold SnmpOverride StoredView Subnet Supernet SystemBackup \
SystemBackupDestination SystemBackupDestinationCredential SystemBackupExport SystemBackupSetting Tax TaxExemption \
TaxOverride TaxProvider TaxProviderCredential TestReadOnlyFileModel TicketCategory TicketGroup TicketRecipient \
TowercoverageConfiguration TowercoverageSubmission TriggeredEmail TriggeredMessage UninventoriedMacAddress \
UsageBasedBillingPolicy UsageBasedBillingPolicyFreePeriod Vehicle Vendor VendorItem VoiceProvider \
VoiceProviderRateImport VoiceProviderRateImportRecipe VoiceServiceDetail VoiceServiceGenericParameter VoidedPayment \
WebhookEndpoint WebhookEndpointEvent WebhookEndpointEventDispatch WebhookEndpointEventDispatchAttempt
SmsOutboundCategory NOTIFICATION MASS_MESSAGE TRIGGER AUTHENTICATION
SmsOutboundStatus PENDING INSUFFICIENT_FUNDS IN_PROGRESS DELIVERED SENT FAILED
SmsableType User Contact
TaskCompletionType BOOLEAN CUSTOM_FIELD FILE IMAGE_FILE
TaskableType Account InventoryItem Job NetworkSite TestReadOnlyFileModel Ticket
TicketPriority LOW MEDIUM HIGH CRITICAL
TicketStatus OPEN CLOSED PENDING_INTERNAL PENDING_EXTERNAL
TicketableType Account NetworkSite
Permission CREATE_ACCOUNT READ_ACCOUNT UPDATE_ACCOUNT CREATE_SERVICE READ_SERVICE UPDATE_SERVICE DELETE_SERVICE \
CREATE_TASK UPDATE_TASK DELETE_TASK CREATE_NOTE UPDATE_NOTE DELETE_NOTE READ_FILE CREATE_FILE UPDATE_FILE DELETE_FILE \
CREATE_CONTACT UPDATE_CONTACT DELETE_CONTACT RESEND_CONTRACT CREATE_NETWORK_SITE READ_NETWORK_SITE \
UPDATE_NETWORK_SITE DELETE_NETWORK_SITE CREATE_PAYMENT UPDATE_PAYMENT READ_IP_ASSIGNMENT CREATE_IP_ASSIGNMENT \
UPDATE_IP_ASSIGNMENT DELETE_IP_ASSIGNMENT READ_RADIUS_ACCOUNT CREATE_RADIUS_ACCOUNT UPDATE_RADIUS_ACCOUNT \
DELETE_RADIUS_ACCOUNT READ_TICKET CREATE_TICKET UPDATE_TICKET DELETE_TICKET READ_TICKET_GROUP CREATE_TICKET_GROUP \
UPDATE_TICKET_GROUP DELETE_TICKET_GROUP READ_TICKET_CATEGORY CREATE_TICKET_CATEGORY UPDATE_TICKET_CATEGORY \
DELETE_TICKET_CATEGORY READ_CANNED_REPLY UPDATE_CANNED_REPLY CREATE_CANNED_REPLY DELETE_CANNED_REPLY READ_JOB_TYPE \
UPDATE_JOB_TYPE CREATE_JOB_TYPE DELETE_JOB_TYPE READ_JOB UPDATE_JOB CREATE_JOB DELETE_JOB CHECK_IN_OWN_JOB \
CHECK_IN_ANY_JOB COMPLETE_OWN_JOB COMPLETE_ANY_JOB READ_CONTRACT UPDATE_CONTRACT CREATE_CONTRACT DELETE_CONTRACT \
READ_CALL_LOG CREATE_CALL_LOG UPDATE_CALL_LOG DELETE_CALL_LOG READ_ALL_LOGS UPDATE_SYSTEM_SETTINGS \
UPDATE_BILLING_SETTINGS CHECK_IN_OWN_JOB CHECK_IN_ANY_JOB COMPLETE_OWN_JOB COMPLETE_ANY_JOB READ_FINANCIAL_REPORTS \
REFUND_PAYMENTS READ_ALL_INVENTORY
"""

_SUBDIVISIONS = """
US AL AK AZ AR CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR \
PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY AS GU MP UM AA AE AP
CA AB BC MB NB NL NS NT NU ON PE QC SK YT
AU ACT NSW NT QLD SA TAS VIC WA
CH AG BE BS GE LU SG TI VD ZH
DE BB BE BW BY HB HE HH MV NI NW RP SH SL SN ST TH
GB ENG SCT LND MAN LDS
"""

# Federal state codes and the highest county number served; counties carry odd numbers in alphabetical order.
_COUNTIES = {"06": 115, "17": 203, "19": 197, "36": 123, "48": 507, "55": 77}

_ZONES = """
America/Anchorage America/Bogota America/Boise America/Chicago America/Denver America/Detroit America/Edmonton
America/Halifax America/Indiana/Knox America/Los_Angeles America/Mexico_City America/New_York
America/North_Dakota/Center America/Phoenix America/Port-au-Prince America/Puerto_Rico America/Regina
America/Sao_Paulo America/St_Johns America/Toronto America/Vancouver America/Winnipeg Africa/Cairo
Africa/Johannesburg Africa/Lagos Asia/Dubai Asia/Hong_Kong Asia/Kolkata Asia/Singapore Asia/Tokyo Atlantic/Reykjavik
Australia/Adelaide Australia/Brisbane Australia/Lord_Howe Australia/Perth Australia/Sydney CST6CDT EST5EDT
Etc/GMT+5 Etc/GMT-1 Etc/UTC Europe/Berlin Europe/Dublin Europe/London Europe/Madrid Europe/Paris Europe/Zurich
MST7MDT PST8PDT Pacific/Auckland Pacific/Honolulu US/Central US/Eastern US/Mountain US/Pacific UTC
"""


def zone_name(iana: str) -> str:
    """The enum value of an IANA zone: `America/Chicago` is `AMERICACHICAGO`, `Etc/GMT+5` is `ETCGMTPLUS5`."""
    signed = re.sub(r"-(?=\d)", "MINUS", iana.replace("+", "PLUS"))
    return re.sub(r"[^A-Z0-9]", "", signed.upper())


def _read() -> dict[str, dict[str, str | None]]:
    enums: dict[str, dict[str, str | None]] = {}
    for line in _COMPLETE.strip().splitlines():
        name, *values = line.split()
        enums[name] = dict.fromkeys(values)
    enums["Subdivision"] = {
        f"{country}_{code}": None
        for country, *codes in (line.split() for line in _SUBDIVISIONS.strip().splitlines())
        for code in codes
    }
    enums["UsCounty"] = {
        f"COUNTY_{state}{county:03}": None for state, last in _COUNTIES.items() for county in range(1, last + 1, 2)
    }
    # Clients learn the zone from the description: the value itself does not say where the slash was.
    enums["Timezone"] = {zone_name(iana): iana for iana in _ZONES.split()}
    return enums


ENUMS: Mapping[str, Mapping[str, str | None]] = _read()
"""Enum name → its values, in order → their descriptions (None for most)."""
