"""The rules together with what Sonar's own settings say: what mappers are handed."""

import hashlib
from dataclasses import dataclass
from typing import Any, Self
from zoneinfo import ZoneInfo

import orjson

from plumbing.errors import ConfigurationError
from schemas.rules.file import FROM_SONAR, RulesFile
from schemas.values.money import exponent_of
from schemas.values.time import iana_zone

_NOT_MAPPED = {"ownership", "conflict", "write_paths", "id_mode"}
"""Blocks that mappers do not see: a change of them makes no other bundles."""


@dataclass(frozen=True)
class SourceFacts:
    """What Sonar's own settings say, as far as mapping depends on it."""

    currency: str
    timezone: str
    minimum_amount_due_for_delinquency: int

    @classmethod
    def from_settings(cls, system_setting: dict[str, Any], billing_setting: dict[str, Any]) -> Self:
        """From the two settings objects as events carry them."""
        return cls(
            currency=system_setting["currency"],
            timezone=system_setting["timezone"],
            minimum_amount_due_for_delinquency=billing_setting["minimum_amount_due_for_delinquency"],
        )


@dataclass(frozen=True)
class Rules:
    """The compiled rules that a mapper is handed."""

    file: RulesFile
    currency: str
    exponent: int
    zone: ZoneInfo
    minimum_amount_due_minor: int
    hmac_key: bytes
    version: str
    generation: int = 0

    def partner_of(self, company_id: int) -> int | None:
        """The configured partner of a company; None when it becomes one of its own."""
        rule = self.file.partners.by_company.get(company_id)
        return rule if isinstance(rule, int) else None

    def in_scope(self, *, account_id: int, company_id: int | None, status_id: int | None) -> bool:
        """Whether the pilot covers an account. What is not known of it is in no pilot that asks for it."""
        scope = self.file.scope
        return (
            (not scope.accounts or account_id in scope.accounts)
            and (not scope.companies or company_id in scope.companies)
            and (not scope.statuses or status_id in scope.statuses)
        )

    def payment_method(self, payment_type: str, provider: str | None, *, autopay: bool) -> int:
        """Splynx's payment method of a payment. `autopay`: Sonar charged the instrument by itself."""
        methods = self.file.payment_methods
        if autopay and methods.autopay is not None:
            return methods.autopay
        if provider is not None and provider in methods.by_provider:
            return methods.by_provider[provider]
        by_type: dict[str, int] = dict(methods.by_type.items())
        return by_type.get(payment_type, methods.default)


def compile_rules(file: RulesFile, facts: SourceFacts, hmac_key: bytes = b"", generation: int = 0) -> Rules:
    """The rules together with what Sonar's settings say; the version covers both.

    Raises:
        ConfigurationError: an unknown currency or zone, or a zone that differs from Splynx's.
    """
    currency = facts.currency if file.source.currency == FROM_SONAR else file.source.currency
    own_zone = file.source.timezone
    zone = iana_zone(facts.timezone) if own_zone == FROM_SONAR else own_zone
    if zone != file.target.timezone and not file.source.allow_zone_shift:
        raise ConfigurationError(
            f"Sonar's zone is {zone} and target.timezone is {file.target.timezone}: billing days would move",
            remedy="Correct target.timezone, or set source.allow_zone_shift: true if that is meant.",
        )
    digest = hashlib.blake2b(
        orjson.dumps(
            [
                file.model_dump(mode="json", exclude=_NOT_MAPPED),
                currency,
                zone,
                facts.minimum_amount_due_for_delinquency,
            ],
            option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        )
        + hashlib.blake2b(hmac_key, digest_size=8).digest(),
        digest_size=8,
    )
    return Rules(
        file=file,
        currency=currency,
        exponent=exponent_of(currency),
        zone=ZoneInfo(file.target.timezone),
        minimum_amount_due_minor=facts.minimum_amount_due_for_delinquency,
        hmac_key=hmac_key,
        version=digest.hexdigest(),
        generation=generation,
    )
