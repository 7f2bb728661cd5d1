"""What approving a request would do, worked out before it is done: shown, confirmed, recomputed under lock, done."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from orders.lifecycle import Move
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import Standing, User
from panel.kernel import money
from panel.kernel.errors import Refused
from refunds import by_hand, quotes
from refunds.desk import proposals
from refunds.desk.paying import AboveCharge
from refunds.desk.proposals import Proposal
from refunds.models import RefundRequest, RequestOrigin


class RemainsMissing(Refused):
    """A running order ends when it is refunded, so somebody has to say how much was delivered."""

    code = "remains_missing"


class BadAmount(Refused):
    """What was typed is no amount of money."""

    code = "bad_refund_amount"


class NothingToPay(Refused):
    """An approval of nothing is a decline."""

    code = "nothing_to_pay"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a member of staff chooses. Money scale.

    Attributes:
        amount: to credit now; None for what the policy proposes.
        remains: units undelivered, for an order that still runs and ends by this.
    """

    amount: Decimal | None = None
    remains: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What approving does. Money scale.

    Attributes:
        proposal: what the engine says about the order as it will stand.
        end: the move that ends an order that still runs; None for one that has ended.
        by_end: what the policy credits by itself for that end.
        proposed: what the engine proposes for the claim, in all.
        credit: what this choice credits in all; never less than `by_end`.
        clause: the clause that pays: the claim's, or that of the end where this pays more.
        credited_before: what people made the order credit before: by earlier requests, and on its page.
        reported: units undelivered by the last report, None when there is none.
        standing: how the customer stands now.
        opener_id: the member of staff who opened the request for the customer, if one did.
    """

    proposal: Proposal
    end: Move | None
    by_end: Decimal
    proposed: Decimal
    credit: Decimal
    clause: str
    credited_before: Decimal
    reported: int | None
    standing: Standing
    opener_id: int | None

    @property
    def overrules(self) -> bool:
        """Whether a person decides other than the engine proposes."""
        return self.credit != self.proposed

    @property
    def reasons_for_second(self) -> list[str]:
        """Why a second person has to confirm, in words; empty when none has to."""
        limit = self.proposal.version.policy.review.confirm_above
        shown = "" if limit is None else money.display(limit, settings.PANEL_CURRENCY)
        found = []
        if limit is not None and self.credited_before + self.credit > limit:
            found.append(f"it is above {shown}")
        if self.overrules:
            proposed = money.display(self.proposed, settings.PANEL_CURRENCY)
            found.append(f"it differs from the {proposed} that the policy proposes")
        if self._is_beyond_report:
            known = "nothing" if self.reported is None else f"{self.reported:,} units"
            found.append(f"more is said to be undelivered than was reported, which is {known}")
        return found

    def reasons_for_second_after(self, staff: User) -> list[str]:
        """Return why a second person has to confirm what this one approves."""
        opened = ["whoever opened it for the customer does not approve it alone"] if staff.pk == self.opener_id else []
        return [*self.reasons_for_second, *opened]

    @property
    def _is_beyond_report(self) -> bool:
        """Whether the end rests on a person's word: more undelivered than reported, or begun and never reported."""
        if self.end is None or self.end.remains is None:
            return False
        if self.reported is None:
            return self.proposal.order.status == OrderStatus.IN_PROGRESS
        return self.end.remains > self.reported

    @property
    def token(self) -> str:
        """What changes when the outcome does."""
        end = "" if self.end is None else f"{self.end.to}:{self.end.remains}"
        amounts = (self.by_end, self.proposed, self.credit, self.credited_before)
        facts = [self.proposal.token, end, self.clause, self.standing.value, str(self._is_beyond_report)]
        return hashlib.sha256(":".join([*facts, *map(money.plain, amounts)]).encode()).hexdigest()


def plan(request: RefundRequest, order: Order, choice: Choice, *, at: datetime) -> Plan:
    """Work out what approving the request by this choice would do; nothing is written.

    Raises BadAmount, RemainsMissing, NothingToPay, AboveCharge.
    """
    standing = Standing(request.customer.standing)
    if order.is_final:
        proposal = proposals.of_request(request, order, standing=standing, at=at)
        end, by_end, clause = None, money.ZERO, proposal.verdict.clause_id
    else:
        end = _end(request, order, choice.remains)
        proposal = _after(request, order, end, standing, at)
        foreseen = quotes.foresee(order, end, at, standing=standing)
        by_end = foreseen.credit
        clause = foreseen.clause if by_end > proposal.credit else proposal.verdict.clause_id
    credit = max(proposal.credit, by_end) if choice.amount is None else _exact(choice.amount)
    most = order.charge - order.refunded
    if credit > most:
        shown = money.display(most, settings.PANEL_CURRENCY)
        raise AboveCharge(f"At most {shown} of this order's charge can still be refunded.", field="amount")
    if max(credit, money.ZERO) < by_end:
        shown = money.display(by_end, settings.PANEL_CURRENCY)
        raise AboveCharge(f"The policy itself credits {shown} when the order ends like this.", field="amount")
    if credit <= 0:
        raise NothingToPay("Nothing would be credited. Choose an amount, or decline the request.", field="amount")
    return Plan(
        proposal=proposal,
        end=end,
        by_end=by_end,
        proposed=proposal.credit,
        credit=credit,
        clause=clause,
        credited_before=by_hand.credited([order.pk]).get(order.pk, money.ZERO),
        reported=order.remains,
        standing=standing,
        opener_id=request.opened_by_id if request.origin == RequestOrigin.STAFF else None,
    )


def _end(request: RefundRequest, order: Order, remains: int | None) -> Move:
    """Return the move that ends a running order with so much undelivered."""
    if order.status == OrderStatus.PENDING:
        remains = order.quantity  # nothing was sent, whatever is typed
    if remains is None:
        raise RemainsMissing(f"Say how many of the {order.quantity:,} units remain undelivered.", field="remains")
    if remains > order.quantity:
        raise RemainsMissing(f"Remains must be between 1 and {order.quantity:,}.", field="remains")
    if remains == 0:
        raise RemainsMissing("Nothing remains: complete the order on its own page instead.", field="remains")
    # The cause is that of staff who end it. What the customer says is a claim: the end must not be judged by it.
    to, cause = (
        (OrderStatus.CANCELED, Cause.STAFF_CANCELED)
        if remains == order.quantity
        else (OrderStatus.PARTIAL, Cause.CANNOT_COMPLETE)
    )
    said = f"Refund request {request.pk}"
    return Move(order.pk, to, cause=cause, remains=remains, note=said, request_ref=request.pk)


def _exact(amount: Decimal) -> Decimal:
    try:
        return money.exact(amount)
    except money.NotMoney as error:
        raise BadAmount(str(error), field="amount") from error


def _after(request: RefundRequest, order: Order, end: Move, standing: Standing, at: datetime) -> Proposal:
    """Judge the request with the remains that staff found out, as the order stands: still running."""
    imagined = proposals.imagine(order, status=OrderStatus(order.status), remains=end.remains)
    return proposals.judge(imagined, cause=Cause(request.cause), standing=standing, at=at)
