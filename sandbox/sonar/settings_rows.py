"""The settings of an invented operator, as Sonar's two settings singletons hold them."""

from datetime import UTC, datetime

INSTALLED = datetime(2019, 6, 3, 14, 0, tzinfo=UTC)
"""When they were made: with the first of its Sonar, however often this one is started."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

SYSTEM_SETTING: dict[str, object] = {
    "application_firewall_enabled": False,
    "bilingual_invoices": False,
    "calendar_allow_external_sync": False,
    "calendar_history_sync_maximum": 30,
    "country": "US",
    "create_radius_account_on_account_creation": False,
    "customer_portal_contact_access": "ALL",
    "date_format": "YEAR_MONTH_DAY",
    "decimal_separator": "DOT",
    "digit_separator": "COMMA",
    "fcc_form_477_company_source": "SYSTEM",
    "force_sso_login_web": False,
    "initial_purchase_order_number": 1000,
    "instance_id": 4242,
    "language": "en",
    "radius_account_prefix": "",
    "subdivision": "US_IL",
    "test_billing_run": False,
    "test_mode": False,
    "time_format": "TWELVE_HOUR",
    "units": "IMPERIAL",
}

BILLING_SETTING: dict[str, object] = {
    "accounting_period_auto_close": "NEVER",
    "always_round_taxes_up": False,
    "apply_late_fees": False,
    "apply_late_fees_to_child_invoices": False,
    "autopay_bank_account_attempts": 3,
    "autopay_bank_account_retry_interval_in_days": 3,
    "autopay_credit_card_attempts": 3,
    "autopay_credit_card_retry_interval_in_days": 3,
    "autopay_runs_entire_amount_due": True,
    "daily_billing": True,
    "delete_expired_credit_cards": False,
    **{f"delinquency_check_day_{day}": True for day in _WEEKDAYS},
    "disconnect_account_status_id": 1,
    "exclude_inactive_accounts_from_late_fees": True,
    "generate_invoice_on_initial_activation": True,
    "include_late_fee_invoices_in_printed_batches": False,
    "invoice_and_email_late_fees_immediately": False,
    "late_fee_mode": "FLAT",
    "minimum_amount_due_for_delinquency": 500,
    "minimum_bank_account_payment": 100,
    "minimum_credit_card_payment": 100,
    "printed_invoice_batch_duplex": False,
    "prorate_account_status_change": True,
    "prorate_billing_day_change": True,
    "prorate_service_quantity": True,
    "prorate_services": True,
    "round_prorated_amounts": False,
    "use_invoice_templates": False,
}
