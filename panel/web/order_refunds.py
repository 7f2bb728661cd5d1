"""What an order's page says about refunds: what would come back now, and what the customer can still ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import Standing, User
from panel.kernel import money
from panel.web import dates, refund_words
from panel.web.dates import Moment
from panel.web.queries import Story
from panel.web.refund_queries import Told
from refunds import order_quotes
from refunds.desk import abuse, causes
from refunds.models import RefundRequest
from refunds.order_quotes import Claim, EndQuote

_RUNNING: Final = frozenset({OrderStatus.PROCESSING, OrderStatus.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """What can be claimed about an ended order for some causes.

    Attributes:
        causes: each with its words.
        until: the last moment for it; None when time doesn't matter.
        text: what comes of it, a sentence or two.
    """

    causes: tuple[tuple[Cause, str], ...]
    until: Moment | None
    text: str


@dataclass(frozen=True, slots=True)
class RefundOffer:
    """What the customer is offered about a refund: the request that is open, a new one, or the reason why none.

    Attributes:
        claims: of an ended order, what asking may come to.
    """

    open: RefundRequest | None = None
    standing: refund_words.Standing | None = None
    may_ask: bool = False
    reason: str = ""
    claims: tuple[ShownClaim, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """What would come back of a running order if it ended now. `quote` is None while nothing is reported of it."""

    quote: EndQuote | None

    @property
    def is_for_some(self) -> bool:
        """Whether it is for a part of the units."""
        return self.quote is not None and 0 < self.quote.amounts.remains < self.quote.amounts.quantity


def ending(order: Order, customer: User, at: datetime) -> Ending | None:
    """Say what would come back if a running order ended now as it was last reported; None for other orders."""
    if order.status not in _RUNNING:
        return None
    return Ending(order_quotes.if_ended_now(order, standing=Standing(customer.standing), at=at))


def offer(story: Story, asked: Sequence[Told], customer: User, at: datetime) -> RefundOffer:
    """Say whether a refund can be asked for. For showing only: `refunds.desk.opening` checks again."""
    order = story.order
    waiting = next((told for told in asked if told.request.is_open), None)
    if waiting is not None:
        return RefundOffer(open=waiting.request, standing=refund_words.standing(waiting, at=at))
    if order.charge == 0:
        return RefundOffer(reason="This order cost nothing, so there is nothing to refund.")
    if order.refunded == order.charge:
        return RefundOffer(reason="All that you paid for this order is refunded already.")
    if not order.is_final:
        return RefundOffer(may_ask=True)
    claims = order_quotes.open_claims(
        order,
        standing=abuse.standing_if_asked(customer, order, at),
        decisions=story.decisions,
        requests=[told.request for told in asked],
        at=at,
    )
    if not claims:
        return RefundOffer(reason="By the policy of this order nothing more can be claimed.")
    return RefundOffer(may_ask=True, claims=tuple(_shown(claim, at) for claim in claims))


def _shown(claim: Claim, at: datetime) -> ShownClaim:
    return ShownClaim(
        causes=tuple((cause, causes.words(cause)) for cause in claim.causes),
        until=None if claim.until is None else dates.moment_in_full(claim.until, at=at),
        text=_text(claim),
    )


def _text(claim: Claim) -> str:
    amount = money.display(claim.credit, settings.PANEL_CURRENCY)
    if not claim.waits:
        text = f"{amount} comes back at once."
    elif claim.credit > 0:
        text = f"A person looks at it; up to {amount}."
    else:
        text = "A person looks at it; by our records nothing is left to refund."
    later = "" if claim.until is None or claim.closes else " After that the policy has other terms."
    return f"{text}{later}"
