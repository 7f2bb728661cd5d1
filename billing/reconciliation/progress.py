"""What a comparison has come to so far."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing.gateways.base import Gateway
from billing.models import Problem
from billing.reconciliation.discrepancies import Found
from panel.kernel import money


@dataclass(slots=True)
class Sum:
    """How many, and how much in all (money scale)."""

    count: int = 0
    total: Decimal = money.ZERO

    def add(self, amount: Decimal) -> None:
        """Count one more."""
        self.count += 1
        self.total += amount


@dataclass(slots=True)
class Comparison:
    """What a comparison has come to so far.

    Attributes:
        gateway_payments, gateway_refunds: the gateway's lines in the panel's currency; refunds are above zero, those
            that failed are taken off again.
        our_payments, our_refunds: what our books have for the same lines.
        taken_by_disputes: what each dispute, by reference, has taken less what came back, by the gateway's lines.
        gateway_disputes, our_disputes: the sums of that, and what our books have for the same disputes.
        others: lines that are not the customers' money here, such as fees and payouts to the owner.
        repaired: references of what we did not know before and have taken in now.
        found: what differs, by problem and reference.
        examined: references that the gateway was asked about already.
    """

    gateway: Gateway
    at: datetime
    gateway_payments: Sum = field(default_factory=Sum)
    gateway_refunds: Sum = field(default_factory=Sum)
    our_payments: Sum = field(default_factory=Sum)
    our_refunds: Sum = field(default_factory=Sum)
    taken_by_disputes: dict[str, Decimal] = field(default_factory=dict)
    gateway_disputes: Sum = field(default_factory=Sum)
    our_disputes: Sum = field(default_factory=Sum)
    others: int = 0
    repaired: list[str] = field(default_factory=list)
    found: dict[tuple[Problem, str], Found] = field(default_factory=dict)
    examined: set[str] = field(default_factory=set)

    @property
    def slug(self) -> str:
        """The gateway's name."""
        return self.gateway.describe().slug

    def find(self, problem: Problem, reference: str, description: str, amount: Decimal) -> None:
        """Note a difference."""
        self.found[problem, reference] = Found(problem, reference, description, money.round_down(abs(amount)))
