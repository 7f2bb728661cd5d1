"""What should become of an order's money, in a few lines: the two shipped policies in the cases that are tried."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal

from orders.models import Cause, OrderStatus

UNIT = Decimal("0.000001")
GUARANTEE, CREDIT_ONLY = "money-back-guarantee", "panel-credit-only"
ENDS = (OrderStatus.PARTIAL, OrderStatus.CANCELED, OrderStatus.COMPLETED)
NOTHING = Decimal(0)
NEXT_POLICY = timedelta(days=365)  # orders placed at first carry the guarantee, a year later that of credit only
LIMIT = Decimal(2)  # above it one person's word is not enough; the machine publishes both policies with it


@dataclass(frozen=True)
class Recommended:
    """What one person wants to approve, how the order stood then, and whether that is beyond what was reported."""

    by: str
    credit: Decimal
    remains: int | None
    status: OrderStatus
    beyond: bool


@dataclass
class Expected:
    """What the model knows of one order.

    `proposed` is what waits for a person, `asked` the cause of the customer's open request or "policy" for one that
    the policy opened, `opener` the member of staff who opened it for the customer. `by_hand` is what people made
    it credit, at the desk and on its page.
    """

    policy: str
    charge: Decimal
    quantity: int
    promo: Decimal
    status: OrderStatus = OrderStatus.PENDING
    remains: int | None = None
    refunded: Decimal = NOTHING
    proposed: Decimal | None = None
    asked: Cause | str | None = None
    opener: str | None = None
    recommended: Recommended | None = None
    by_hand: Decimal = NOTHING

    def undelivered(self, remains: int) -> Decimal:
        return (self.charge * remains / self.quantity).quantize(UNIT, ROUND_DOWN)

    @property
    def has_ended(self) -> bool:
        return self.status in ENDS

    @property
    def promo_back(self) -> Decimal:
        return (self.promo * self.refunded / self.charge).quantize(UNIT, ROUND_DOWN)

    def end(self, to: OrderStatus, remains: int, initiator: str, cause: Cause) -> None:
        """The order ends, or its end is corrected, by anybody but the desk. What staff make it pay has a limit."""
        was_open, before = not self.has_ended, self.refunded
        owed, reviewed = self.owed(to, remains, initiator, cause)
        more = max(owed - self.refunded, NOTHING)
        by_staff = initiator == "staff"
        reviewed = reviewed or (by_staff and more > 0 and self.by_hand + more > LIMIT)
        self.status, self.remains = to, remains
        self.proposed = owed if reviewed and owed > self.refunded else None
        if not reviewed:
            self.refunded += more
            self.by_hand += more if by_staff else NOTHING
        self.recommended = None
        if self.proposed is not None:
            self.asked = self.asked or "policy"
        elif self.asked == "policy" or (self.asked and was_open and self.refunded > before and self.due() == 0):
            self.asked = self.opener = None

    def owed(self, to: OrderStatus, remains: int, initiator: str, cause: Cause) -> tuple[Decimal, bool]:
        """What the two policies owe in the cases that the machine makes, and whether a person looks first."""
        if self.policy == CREDIT_ONLY:
            return self.owed_by_credit_only(to, remains, cause), False
        some, none, whole = self.undelivered(remains), NOTHING, self.charge
        if cause == Cause.INVALID_TARGET:
            return some, True
        if to == OrderStatus.COMPLETED:
            return none, False
        if to == OrderStatus.CANCELED and initiator == "provider" and remains == 0:
            return none, True
        if (to == OrderStatus.CANCELED and initiator in {"staff", "customer"}) or cause == Cause.SYSTEM_ERROR:
            return whole, False
        return some, False

    def owed_by_credit_only(self, to: OrderStatus, remains: int, cause: Cause) -> Decimal:
        if to == OrderStatus.COMPLETED or cause == Cause.INVALID_TARGET:
            return NOTHING
        return self.charge if to == OrderStatus.CANCELED else self.undelivered(remains)

    # --- requests

    def claimed(self, cause: Cause, remains: int | None) -> tuple[Decimal, bool]:
        """What a customer who reports this is owed as the order stands, and whether a person looks first."""
        undelivered = self.undelivered(self.quantity if remains is None else remains)
        if self.policy == CREDIT_ONLY:
            refused = self.status in {OrderStatus.IN_PROGRESS, OrderStatus.COMPLETED}
            return (NOTHING, False) if refused else (undelivered, True)
        if self.status == OrderStatus.PENDING:
            return NOTHING, False
        return (self.charge if cause == Cause.SYSTEM_ERROR and self.has_ended else undelivered), True

    def due(self, remains: int | None = None) -> Decimal:
        """What the engine proposes to credit now for the open request."""
        if self.proposed is not None:
            return self.proposed - self.refunded
        assert isinstance(self.asked, Cause)
        owed, _ = self.claimed(self.asked, self.remains if remains is None else remains)
        return max(owed - self.refunded, NOTHING)

    def is_beyond_report(self, remains: int | None) -> bool:
        """Whether more is said to be undelivered than was reported; of what has begun, something has to be."""
        if self.has_ended or remains is None:
            return False
        if self.remains is None:
            return self.status == OrderStatus.IN_PROGRESS
        return remains > self.remains

    def granted(self, credit: Decimal, remains: int | None) -> None:
        """The desk credits so much; a running order ends with these units undelivered."""
        if not self.has_ended:
            self.status = OrderStatus.CANCELED if remains == self.quantity else OrderStatus.PARTIAL
            self.remains = remains
        self.refunded += credit
        self.by_hand += credit
        self.closed()

    def closed(self) -> None:
        """The request is answered, and with it what waited for the answer."""
        self.proposed = self.asked = self.opener = self.recommended = None
