"""What a move by staff would refund, said before it is made: judged as the settlement will judge it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orders.lifecycle import Move, Moved
from orders.models import Initiator, Order, OrderStatus
from panel.accounts.models import Standing
from panel.kernel import money
from panel.kernel.errors import Refused
from refunds import bookings, publishing, rules, settlement
from refunds.bookings import Books
from refunds.desk import proposals
from refunds.policy import facts
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
    imagined = proposals.imagine(order, status=move.to, remains=move.remains)
    imagined.final_at = order.final_at or at
    amounts = facts.Amounts(order.charge, order.quantity, move.remains or 0)
    moved = Moved(imagined, move, OrderStatus(order.status), Initiator.STAFF, event_id=0)
    refill = settlement.refill_facts([moved])[order.pk]
    found = settlement.facts_of(moved, facts.Standing(standing.value), refill, at)
    before = settlement.credited_by_hand([moved]).get(order.pk, money.ZERO)
    version = publishing.version(order.policy_version)
    verdict = settlement.verdict_of(moved, version, found, amounts, before=before)
    books = Books(order.charge, order.charge_promo, order.refunded, order.recognized)
    automatic = verdict.approval is Approval.AUTOMATIC
    return Quote(
        order=order,
        clause=verdict.clause_id,
        reason=rules.words(version.policy, verdict.clause_id),
        owed=verdict.owed,
        credit=bookings.due(books, verdict.owed) if automatic else money.ZERO,
        waits=not automatic and verdict.owed > order.refunded,
    )
