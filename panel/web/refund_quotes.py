"""What a customer sees before he sends a refund request: what the policy says, by which rule, and until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orders.canceling import OrderNotFound
from orders.models import Cause, Order
from panel.accounts.models import User
from panel.kernel.errors import PanelError
from panel.web import canceling, dates, queries
from panel.web.canceling import Offer
from panel.web.dates import Moment
from refunds.desk import opening, proposals
from refunds.desk.opening import AlreadyOpen, Quote
from refunds.policy import facts


class Outcome(StrEnum):
    """What becomes of the request: money at once, a person looks at it, or nothing at once."""

    CREDIT = "credit"
    LOOK = "look"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands beside the form.

    Attributes:
        quote: None while no fitting cause is chosen.
        cause_error: what is wrong with the cause.
        open_number: the request about this order that is open already.
        cancel: how the order can be canceled instead.
        answer_from, due: when a person answers; None when nobody has to look.
    """

    quote: Quote | None = None
    cause_error: str = ""
    open_number: int | None = None
    cancel: Offer | None = None
    answer_from: Moment | None = None
    due: Moment | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What becomes of the request; None while that is not known."""
        if self.quote is None:
            return None
        if not self.quote.at_once:
            return Outcome.LOOK
        return Outcome.CREDIT if self.quote.proposal.credit > 0 else Outcome.NOTHING

    @property
    def refill(self) -> facts.Refill | None:
        """Whether what is said to have gone away can be delivered again; None for other causes."""
        if self.quote is None or self.quote.proposal.facts.cause is not facts.Cause.DROPPED:
            return None
        return self.quote.proposal.facts.refill

    @property
    def token(self) -> str:
        """What the form sends back, so that it is opened as it was shown or not at all."""
        return "" if self.quote is None else self.quote.token


def cause_of(text: str) -> Cause | None:
    """Return the cause that a form names, if it is one."""
    return Cause(text) if text in Cause.values else None


def shown(customer: User, order: Order, cause: str, *, at: datetime) -> Shown:
    """Quote what was chosen. No cause is no error yet. Raises OrderNotFound."""
    if not cause:
        return Shown()
    chosen = cause_of(cause)
    if chosen is None:
        return Shown(cause_error="Choose one of these causes.")
    try:
        quote = opening.quote(customer=customer, order_id=order.pk, cause=chosen, at=at)
    except OrderNotFound:
        raise
    except AlreadyOpen as error:
        return Shown(open_number=error.number)
    except PanelError as error:
        return Shown(cause_error=error.message)
    cancel = canceling.offer(order, queries.cancel_request(order), customer, at)
    if quote.at_once:
        return Shown(quote=quote, cancel=cancel)
    answer_from, due = proposals.due(at, quote.proposal.hours)
    return Shown(
        quote=quote,
        cancel=cancel,
        answer_from=dates.moment_in_full(answer_from, at=at),
        due=dates.moment_in_full(due, at=at),
    )
