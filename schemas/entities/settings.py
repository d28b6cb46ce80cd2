"""Sonar's own settings: what amounts and instants mean, and how it bills. They own nothing in Splynx."""

from datetime import date
from typing import Annotated

from schemas.aggregate import Aggregate, Collection
from schemas.records import Instant, MinorUnits, NewerSonar, Personal, SonarRecord


class SystemSetting(SonarRecord):
    """Source: Sonar schema, type SystemSetting."""

    id: int
    updated_at: Instant
    currency: str
    timezone: str
    country: str | None = None
    sonar_unique_id: str | None = None
    created_at: Instant | None = None
    application_firewall_enabled: bool | None = None
    bilingual_invoices: bool | None = None
    calendar_allow_external_sync: bool | None = None
    calendar_history_sync_maximum: int | None = None
    city: str | None = None
    create_radius_account_on_account_creation: bool | None = None
    customer_portal_contact_access: str | None = None
    date_format: str | None = None
    decimal_separator: str | None = None
    default_message_from_email_domain_id: int | None = None
    default_message_from_email_user_prefix: Annotated[str | None, Personal()] = None
    default_message_from_name: Annotated[str | None, Personal()] = None
    default_message_from_phone_number_id: int | None = None
    default_message_language: str | None = None
    digit_separator: str | None = None
    enable_additional_services: Annotated[bool | None, NewerSonar()] = None
    fcc_form_477_company_source: str | None = None
    force_sso_login_web: bool | None = None
    initial_purchase_order_number: int | None = None
    instance_id: int | None = None
    language: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    mass_message_signature_id: int | None = None
    option_82_assign_to_customer_mac: bool | None = None
    past_due_stamp_invoice: bool | None = None
    radius_account_prefix: str | None = None
    single_recipient_signature_id: int | None = None
    subdivision: str | None = None
    suppress_alerts_until_datetime: Instant | None = None
    test_billing_run: bool | None = None
    test_mode: bool | None = None
    time_format: str | None = None
    triggered_message_signature_id: int | None = None
    units: str | None = None


class BillingSetting(SonarRecord):
    """Source: Sonar schema, type BillingSetting."""

    id: int
    updated_at: Instant
    minimum_amount_due_for_delinquency: MinorUnits
    sonar_unique_id: str | None = None
    created_at: Instant | None = None
    accounting_period_auto_close: str | None = None
    accounting_period_close_date: date | None = None
    always_round_taxes_up: bool | None = None
    apply_late_fees: bool | None = None
    apply_late_fees_to_child_invoices: bool | None = None
    autopay_bank_account_attempts: int | None = None
    autopay_bank_account_retry_interval_in_days: int | None = None
    autopay_credit_card_attempts: int | None = None
    autopay_credit_card_retry_interval_in_days: int | None = None
    autopay_disconnect_invoice: bool | None = None
    autopay_disconnect_invoice_days: int | None = None
    autopay_initial_invoice: bool | None = None
    autopay_initial_invoice_days: int | None = None
    autopay_runs_entire_amount_due: bool | None = None
    daily_billing: bool | None = None
    days_after_invoice_due_for_late_fee_application: int | None = None
    delete_expired_credit_cards: bool | None = None
    delinquency_check_day_friday: bool | None = None
    delinquency_check_day_monday: bool | None = None
    delinquency_check_day_saturday: bool | None = None
    delinquency_check_day_sunday: bool | None = None
    delinquency_check_day_thursday: bool | None = None
    delinquency_check_day_tuesday: bool | None = None
    delinquency_check_day_wednesday: bool | None = None
    disconnect_account_status_id: int | None = None
    exclude_inactive_accounts_from_late_fees: bool | None = None
    generate_invoice_on_initial_activation: bool | None = None
    include_late_fee_invoices_in_printed_batches: bool | None = None
    invoice_and_email_late_fees_immediately: bool | None = None
    late_fee_minimum_delinquency_amount: MinorUnits | None = None
    late_fee_mode: str | None = None
    late_fee_percentage: str | None = None
    late_fee_service_id: int | None = None
    minimum_bank_account_payment: MinorUnits | None = None
    minimum_credit_card_payment: MinorUnits | None = None
    printed_invoice_batch_duplex: bool | None = None
    printed_invoice_fee_service_id: int | None = None
    prorate_account_delinquency_status_change: bool | None = None
    prorate_account_status_change: bool | None = None
    prorate_billing_day_change: bool | None = None
    prorate_service_quantity: bool | None = None
    prorate_services: bool | None = None
    round_prorated_amounts: bool | None = None
    unarchive_account_status_id: int | None = None
    use_invoice_templates: bool | None = None


SYSTEM_SETTING = Aggregate(
    name="system_setting",
    root=Collection("system_setting", SystemSetting, "SystemSetting", singleton=True),
    doc="Currency, time zone and all else that the operator set for the instance.",
)
BILLING_SETTING = Aggregate(
    name="billing_setting",
    root=Collection("billing_setting", BillingSetting, "BillingSetting", singleton=True),
    doc="How the instance bills: from which amount an account counts as delinquent, prorating, late fees.",
)
