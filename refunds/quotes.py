"""What a move by staff would refund, said before it is made: judged as the settlement will judge it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orders.lifecycle import Move
from orders.models import Initiator, Order
from panel.accounts.models import Standing
from panel.kernel import money
from panel.kernel.errors import Refused
from refunds import order_quotes
from refunds.policy.clauses import Approval


class NothingNew(Refused):
    """The order stands there already, with the same remains."""

    code = "nothing_new"


@dataclass(frozen=True, slots=True)
class Quote:
    """What the policy of one order says about a move. Money scale.

    Attributes:
        credit: goes to the customer's balance at once.
        waits: instead of being credited, `owed` less what was credited before waits for a review.
    """

    order: Order
    clause: str
    reason: str
    owed: Decimal
    credit: Decimal
    waits: bool

    @property
    def token(self) -> str:
        """Return what changes when the outcome does."""
        return f"{self.order.pk}:{self.order.status}:{self.clause}:{self.owed}:{self.order.refunded}:{self.waits}"


def foresee(order: Order, move: Move, at: datetime, *, standing: Standing) -> Quote:
    """Judge the move as if staff made it at `at`, for a customer who stands so; nothing is written.

    Raises NothingNew; facts.FactsInvalid when remains are above the quantity.
    """
    if order.status == move.to and move.remains == order.remains:
        message = f"Order {order.pk} is {order.get_status_display().lower()} with these remains already."
        raise NothingNew(message)
    end = order_quotes.if_moved(order, move, Initiator.STAFF, standing=standing, at=at)
    return Quote(
        order=order,
        clause=end.clause,
        reason=end.rule,
        owed=end.verdict.owed,
        credit=end.credit if end.verdict.approval is Approval.AUTOMATIC else money.ZERO,
        waits=end.waits,
    )
