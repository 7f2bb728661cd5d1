"""What an order's move means for the desk: a review that the policy asks for opens a request, others are answered.

Runs inside the settlement, with the orders locked, in a number of statements that does not grow with the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from orders.models import Cause, Initiator, Order, OrderStatus
from panel.accounts.models import Standing, User
from panel.kernel.errors import Conflict
from refunds.desk import closing, letters, proposals
from refunds.desk.closing import Answer, NewEvent
from refunds.models import PolicyVersion, RefundRequest, RequestEventKind, RequestOrigin, RequestState
from refunds.policy.facts import Facts


class RecommendationWaits(Conflict):
    """Staff may not go past a colleague's recommendation by moving the order."""

    code = "recommendation_waits"


@dataclass(frozen=True, slots=True)
class Settled:
    """One order whose move was settled. Money scale.

    Attributes:
        was_open: it ended by this move; otherwise an ended one was corrected.
        before: what was credited before the move; `credit` is what the move credited.
        waits: the policy leaves the decision to a person.
        request_ref: the refund request that the move answers, if it came from the desk.
    """

    order: Order
    was_open: bool
    version: PolicyVersion
    facts: Facts
    clause: str
    owed: Decimal
    before: Decimal
    credit: Decimal
    waits: bool
    sentence: str
    cause: Cause | None
    initiator: Initiator
    request_ref: int | None


def follow(settled: Sequence[Settled], *, at: datetime) -> None:
    """Open, carry on or answer the requests about these orders. Raises RecommendationWaits."""
    by_desk = {one.order.pk for one in settled if one.request_ref is not None}
    others = [one for one in settled if one.order.pk not in by_desk]
    requests = _lock_requests([one.order.pk for one in others])
    _open([one for one in others if one.waits and one.order.pk not in requests], at)
    going_on: list[RefundRequest] = []
    answered: list[tuple[RefundRequest, Answer]] = []
    events: list[NewEvent] = []
    for one in others:
        request = requests.get(one.order.pk)
        if request is None:
            continue
        if one.initiator == Initiator.STAFF and request.awaits_second:
            raise RecommendationWaits(
                f"A refund of order {one.order.pk} waits for a second person. Confirm request {request.pk}, or send it"
                " back, before the order is changed by hand."
            )
        request.forget_recommendation()  # it was about an order that stood otherwise
        going_on.append(request)
        if _answers(one, request, at):
            answer = Answer(
                state=RequestState.SUPERSEDED, by=None, text=one.sentence, clause=one.clause, amount=one.credit
            )
            answered.append((request, answer))
        else:
            events.append(NewEvent(request.pk, RequestEventKind.ORDER_MOVED, text=_moved(one)))
    if going_on:
        RefundRequest.objects.bulk_update(going_on, going_on[0].forget_recommendation())
        closing.log_all(events, at=at)
        closing.close_all(answered, at=at)
    letters.nothing_left([request for request, answer in answered if not answer.amount], at=at)


def _lock_requests(order_ids: Sequence[int]) -> dict[int, RefundRequest]:
    """Lock the open requests about these locked orders, and return them by order.

    Few orders of a batch have one, so their numbers are asked for first; none can be opened meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM refunds_refundrequest WHERE order_id = ANY(%s) AND state = %s",
            [list(order_ids), RequestState.OPEN.value],
        )
        numbers = [number for (number,) in cursor.fetchall()]
    if not numbers:
        return {}
    found = RefundRequest.objects.filter(pk__in=numbers, state=RequestState.OPEN).order_by("pk")
    return {request.order_id: request for request in found.select_for_update(of=("self",))}


def _answers(one: Settled, request: RefundRequest, at: datetime) -> bool:
    """Whether nothing is left to ask: the policy settled what it had left to a person, or paid all that is claimed."""
    if one.waits:
        return False
    if request.origin == RequestOrigin.POLICY:
        return True
    if not (one.was_open and one.credit > 0):
        return False
    after = proposals.imagine(one.order, status=OrderStatus(one.order.status), remains=one.order.remains)
    after.refunded = one.before + one.credit
    standing = Standing(one.facts.standing.value)
    cause, refill = Cause(request.cause), one.facts.refill  # known: nothing is looked up for each of a batch
    return proposals.judge(after, cause=cause, standing=standing, at=at, refill=refill).credit == 0


def _open(waiting: Sequence[Settled], at: datetime) -> None:
    if not waiting:
        return
    customers = User.objects.in_bulk({one.order.customer_id for one in waiting})
    made = RefundRequest.objects.bulk_create(_request(one, at) for one in waiting)
    closing.log_all([NewEvent(request.pk, RequestEventKind.OPENED, text=request.sentence) for request in made], at=at)
    letters.in_review([(request, customers[request.customer_id]) for request in made], at=at)


def _request(one: Settled, at: datetime) -> RefundRequest:
    answer_from, due_at = proposals.due(at, one.version.policy.review.hours)
    return RefundRequest(
        order=one.order,
        customer_id=one.order.customer_id,
        origin=RequestOrigin.POLICY,
        cause=one.cause or Cause.DELIVERED,
        opened_at=at,
        answer_from=answer_from,
        due_at=due_at,
        policy_version=one.version,
        clause=one.clause,
        facts=one.facts.as_dict(),
        remains=one.order.remains,
        owed=one.owed,
        sentence=one.sentence,
    )


def _moved(one: Settled) -> str:
    return f"The order is {one.order.get_status_display().lower()} now. {one.sentence}"
