"""Who works there, and what they may do (mapping F5, F6)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, LookUp
from schemas.entities.catalogued import Catalogued
from schemas.records import Personal, SonarRecord


class Role(Catalogued):
    """What those who have it may do. Source: Sonar schema, type Role."""

    name: str
    applied_permissions: list[str]


class RoleOf(SonarRecord):
    """Source: Sonar schema, type Role."""

    id: int
    name: str


class User(Catalogued):
    """Somebody of the staff, or Sonar's own. Source: Sonar schema, type User."""

    username: Annotated[str, Personal()]
    name: Annotated[str, Personal()]
    public_name: Annotated[str, Personal()]
    email_address: Annotated[str, Personal()]
    mobile_number: Annotated[str | None, Personal()] = None
    enabled: bool
    completed_setup: bool
    super_admin: bool
    is_sonar_staff: bool | None = None
    language: str | None = None
    role_id: int | None = None
    role: RoleOf | None = None


ROLE = Aggregate(
    name="role",
    root=Collection("roles", Role, "Role"),
    doc="A role with the permissions that it gives.",
)
USER = Aggregate(
    name="user",
    root=Collection("users", User, "User"),
    looks_up=[LookUp("roles", "Role", column="role_id", fields=("name",))],
    doc="A user of Sonar, with the name of the role.",
)
