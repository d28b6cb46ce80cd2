"""What the rules say of money: how payments, tariffs, taxes and billing come out in Splynx."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.rules.block import Block, Id

Days = Annotated[int, Field(ge=0, le=255)]


class PaymentMethods(Block):
    """Which payment method of Splynx a payment type of Sonar is. `default` is used for what is not named."""

    default: Id = Field(description="The method of what is not named.", examples=[5])
    by_type: dict[Literal["CREDITCARD", "BANKACCOUNT", "CASH", "WIRE", "CHECK", "OTHER", "PAYPAL"], Id] = Field(
        {}, description="By the type of the payment in Sonar.", examples=[{"CASH": 1, "WIRE": 2, "CREDITCARD": 3}]
    )
    by_provider: dict[str, Id] = Field(
        {}, description="By the processor of the card or bank account; wins over the type.", examples=[{"STRIPE": 8}]
    )
    autopay: Id | None = Field(
        None, description="Of payments that Sonar charged by itself; wins over processor and type.", examples=[9]
    )


class Numbers(Block):
    """How documents are numbered; the letter keeps them apart from Splynx's own numbers."""

    payment: str = Field("SP{id}", description="Receipt numbers of payments.", examples=["SP{id}"])

    @model_validator(mode="after")
    def _hold_the_id(self) -> Self:
        if "{id}" not in self.payment or not self.payment.replace("{id}", "").strip():
            raise ValueError("a number format must hold {id} and a letter of its own")
        if re.search(r"-[XA]\d*$", self.payment.replace("{id}", "1")):
            # So end the receipts of a payment that was taken back (-X) and came again (-A).
            raise ValueError("a number format must not end in -X or -A, nor in one of them before {id}")
        return self


class Billing(Block):
    """Billing."""

    numbers: Numbers = Numbers()
    anchor: Literal["transactions", "start_date"] = Field(
        "transactions",
        description="From when Splynx charges a service. `transactions`: services begin when they began, and the"
        " history that is loaded says what was charged already. `start_date`: services begin the day after what Sonar"
        " has charged, for a load without history.",
        examples=["transactions"],
    )
    postpaid: bool = Field(
        False, description="Sonar's months_to_bill 0 becomes billing in arrears, else one month.", examples=[False]
    )
    do_not_block: Days | None = Field(
        None,
        description="What Splynx shows as blocking_period of a customer that is set to: do not block.",
        examples=[0],
    )
    no_deactivation: Days | None = Field(
        None, description="What Splynx shows as grace_period of a customer whose deactivation is off.", examples=[0]
    )


class TariffUse(Block):
    """A tariff that exists in Splynx; it is used and never changed."""

    internet: Id


class Tariffs(Block):
    """Which tariff of Splynx a service of Sonar is."""

    mode: Literal["create_missing", "map_only"] = Field(
        "create_missing",
        description="What becomes of a plan that `map` does not name: a tariff of its own, or none; what accounts have"
        " of it is then a dead letter.",
        examples=["create_missing"],
    )
    map: dict[int, TariffUse | Literal["ignore"]] = Field(
        {},
        description="A service's id in Sonar to a tariff's in Splynx, or to nothing: no tariff, and no services.",
        examples=[{101: {"internet": 12}, 310: "ignore"}],
    )
    names: dict[int, Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        {},
        description="A service's id in Sonar to its tariff's title, where two plans have one name.",
        examples=[{7: "Fiber 100 #7"}],
    )
    credit_without_host: Literal["dead_letter", "leave_out"] = Field(
        "dead_letter",
        description="A credit that recurs becomes a discount on the account's dearest service that costs as much. What"
        " becomes of one for which there is no such service.",
        examples=["dead_letter"],
    )
    min_speed: Id | None = Field(
        None,
        description="Kilobits per second of a plan whose speed is 0 in Sonar, which Splynx refuses. Not given: such a"
        " plan is a dead letter.",
        examples=[1024],
    )


class Taxes(Block):
    """Taxes."""

    map: dict[int, Id] = Field(
        {},
        description="A tax's id in Sonar to that of a tax or tax group in Splynx; new tariffs begin with it.",
        examples=[{1: 4, 2: 4}],
    )
