"""What a mapper cannot pass: the dead-letter classes of mapping.md 1.5 that concern mapping."""

from plumbing.errors import Action, SyncError


class MappingError(SyncError):
    """A record that cannot be mapped. Names the field, never the value."""

    code = "mapping.invalid"
    action = Action.DEAD_LETTER
    remedy = "Correct the named field in Sonar, or the rule for it; a later event supersedes this dead letter."

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.field = field


def set_aside(code: str, reason: str) -> MappingError:
    """The error that a mapper told of one record, as it was: of the class with this code."""
    kind = next((one for one in MappingError.__subclasses__() if one.code == code), MappingError)
    error = kind.__new__(kind)
    SyncError.__init__(error, reason)
    error.field = ""
    return error


class UnmappedValue(MappingError):
    """The rules name no Splynx counterpart for a Sonar value (class ENUM)."""

    code = "mapping.unmapped_value"
    remedy = "Add the value to the rules file, then replay the dead letters."

    def __init__(self, field: str) -> None:
        super().__init__(field, "has no Splynx counterpart in the rules")


class RequiredValueMissing(MappingError):
    """A value that Splynx requires is empty after defaults (class REQ)."""

    code = "mapping.required_value_missing"
    remedy = "Fill the field in Sonar; the next change of the record supersedes this dead letter."

    def __init__(self, field: str) -> None:
        super().__init__(field, "is empty and Splynx requires it")


class OutOfRange(MappingError):
    """A number or date outside what Splynx takes (class RANGE)."""

    code = "mapping.out_of_range"
    remedy = "Correct the value in Sonar; the next change of the record supersedes this dead letter."

    def __init__(self, field: str) -> None:
        super().__init__(field, "is outside what Splynx takes")


class MoneyMismatch(MappingError):
    """Amounts that do not add up; the whole document is set aside (class MONEY)."""

    code = "mapping.money_mismatch"
    remedy = "Compare the document's amounts in Sonar; correct them there, then replay."


class LooksSecret(MappingError):
    """A value looks like a card or account number; nothing of it is carried (class SECRET)."""

    code = "mapping.looks_secret"
    remedy = "Remove the number from the field in Sonar."

    def __init__(self, field: str) -> None:
        super().__init__(field, "looks like a payment card number")


class NaturalKeyTooLong(MappingError):
    """A natural key is longer than its column; it is never cut (class SIZE)."""

    code = "mapping.natural_key_too_long"
    remedy = "Shorten the number format in the rules."

    def __init__(self, field: str) -> None:
        super().__init__(field, "is longer than Splynx's column")
