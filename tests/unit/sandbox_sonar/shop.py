"""A small invented ISP, row by row, for tests of the Sonar sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from sandbox.sonar.compile import Conditions
from sandbox.sonar.declarations import Declarations
from sandbox.sonar.execute import Engine
from sandbox.sonar.store import Store
from sandbox.sonar.types import SERVED

NORMAL = Conditions()
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: int = 1) -> None:
        self.now += timedelta(seconds=seconds)


class Desk:
    """An empty store with a clock of its own, and its engine to ask."""

    def __init__(self, declarations: Declarations = SERVED) -> None:
        self.clock = Clock()
        self.store = Store(self.clock, declarations=declarations)
        self.engine = Engine(self.store)

    def ask(self, query: str, conditions: Conditions = NORMAL, **variables: Any) -> Any:
        """The `data` of an answer as a client would read it; an answer with errors fails the test."""
        answer = self.answer(query, conditions, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def answer(self, query: str, conditions: Conditions = NORMAL, **variables: Any) -> Any:
        """The whole answer, through JSON."""
        return orjson.loads(orjson.dumps(self.engine.execute(query, variables, None, conditions)))


class Shop(Desk):
    """A store with the look-up rows in place, and makers that fill what a test does not care about."""

    def __init__(self) -> None:
        super().__init__()
        self.user = self.store.insert(
            "User", completed_setup=True, email_address="u@example.com", enabled=True, name="U", public_name="U",
            super_admin=False, username="u",
        )  # fmt: skip
        self.company = self.store.insert(
            "Company", country="US", default=True, enabled=True, name="Lantern", primary_color="000000",
            secondary_color="ffffff", show_remittance_slip=False,
        )  # fmt: skip
        self.status = self.a_status("Active")
        self.type = self.store.insert("AccountType", color="0", icon="CIRCLE", name="Home", type="RESIDENTIAL")
        self.phone_type = self.store.insert("PhoneNumberType", name="Mobile", sms_capable=True)

    def a_status(self, name: str, *, activates: bool = True) -> int:
        return self.store.insert("AccountStatus", activates_account=activates, color="0", icon="CIRCLE", name=name)

    def an_account(self, name: str = "Ada", *, at: datetime | None = None, **columns: Any) -> int:
        values: dict[str, Any] = {
            "account_status_id": self.status,
            "account_type_id": self.type,
            "company_id": self.company,
            "is_delinquent": False,
            "name": name,
        }
        return self.store.insert("Account", at=at, **(values | columns))

    def a_contact(self, account: int, name: str = "Ada", **columns: Any) -> int:
        values: dict[str, Any] = {
            "contactable_id": account,
            "contactable_type": "Account",
            "name": name,
            "primary": True,
        }
        return self.store.insert("Contact", **(values | columns))

    def an_address(self, account: int, **columns: Any) -> int:
        values: dict[str, Any] = {
            "addressable_id": account,
            "addressable_type": "Account",
            "is_anchor": False,
            "serviceable": True,
            "type": "PHYSICAL",
        }
        return self.store.insert("Address", **(values | columns))

    def a_phone(self, contact: int, number: str = "0145550100", **columns: Any) -> int:
        values: dict[str, Any] = {
            "contact_id": contact,
            "country": "US",
            "number": number,
            "phone_number_type_id": self.phone_type,
            "sms_opt_in": False,
        }
        return self.store.insert("PhoneNumber", **(values | columns))

    def a_payment(self, account: int, amount: int = 100, *, at: datetime | None = None, **columns: Any) -> int:
        values: dict[str, Any] = {
            "account_id": account,
            "amount": amount,
            "amount_remaining": 0,
            "company_id": self.company,
            "payment_datetime": START,
            "payment_type": "CASH",
            "successful": True,
        }
        return self.store.insert("Payment", at=at, **(values | columns))

    def a_group(self, name: str) -> int:
        return self.store.insert("AccountGroup", name=name)

    def messages(self, query: str, **variables: Any) -> list[str]:
        """The error messages of an answer."""
        return [error["message"] for error in self.answer(query, **variables).get("errors", [])]

    def names(self, arguments: str, collection: str = "accounts", **variables: Any) -> list[str]:
        """The names that a collection answers with inlined `arguments`."""
        found = self.ask(f"{{ {collection}({arguments}) {{ entities {{ name }} }} }}", **variables)
        return [row["name"] for row in found[collection]["entities"]]
