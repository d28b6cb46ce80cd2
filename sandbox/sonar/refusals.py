"""Why a request that is valid GraphQL is answered with errors all the same."""


class QueryRefused(Exception):
    """An argument cannot be obeyed: an unknown attribute, an operator that its column does not know."""


class FieldDenied(Exception):
    """A field that must not be null may not be read: the object around it becomes null."""
