"""The operator's rules: what may be written (`file`), reading it (`text`), and what mappers are handed (`compiled`)."""

from schemas.rules.compiled import Rules, SourceFacts, compile_rules
from schemas.rules.file import DEFAULT_LOGIN, ConflictPolicy, CustomerStatus, RulesFile
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
    "DEFAULT_LOGIN",
    "ConflictPolicy",
    "CustomerStatus",
    "Rules",
    "RulesFile",
    "RulesText",
    "SourceFacts",
    "compile_rules",
    "configured_ids",
    "line_of",
    "load_rules",
    "read_rules",
    "unknown_ids",
    "unmapped_statuses",
]
