"""The operator's rules: what may be written (`file`), reading it (`text`), and what mappers are handed (`compiled`)."""

from schemas.rules.compiled import Rules, SourceFacts, compile_rules
from schemas.rules.customers import DEFAULT_LOGIN, ContactRules, CustomerStatus
from schemas.rules.file import ConflictPolicy, RulesFile
from schemas.rules.named import COLLECTIONS, named_fields, named_in_sonar, unknown_fields, unknown_in_sonar
from schemas.rules.text import (
    RulesText,
    configured_ids,
    line_of,
    load_rules,
    read_rules,
    unknown_ids,
    unmapped_statuses,
)

__all__ = [
    "COLLECTIONS",
    "DEFAULT_LOGIN",
    "ConflictPolicy",
    "ContactRules",
    "CustomerStatus",
    "Rules",
    "RulesFile",
    "RulesText",
    "SourceFacts",
    "compile_rules",
    "configured_ids",
    "line_of",
    "load_rules",
    "named_fields",
    "named_in_sonar",
    "read_rules",
    "unknown_fields",
    "unknown_ids",
    "unknown_in_sonar",
    "unmapped_statuses",
]
