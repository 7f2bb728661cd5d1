"""The demo's past: about a hundred orders of the last two months, made through the use cases with `at` in the past."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from django.db import transaction

from orders import attention, canceling, handling, lifecycle, lines, placing
from orders.attention import Concern
from orders.insertion import Origin
from orders.lifecycle import Move
from orders.models import (
    AttentionKind,
    Cause,
    Initiator,
    Order,
    OrderStatus,
    PlacedRequest,
    PlacedThrough,
    Service,
)
from panel.accounts.models import User
from panel.demo import asking, paying_in, paying_out, refilling, stories, support, visiting
from panel.demo.paying_out import Moment, Stage
from panel.demo.stories import End, Session
from panel.kernel import money
from panel.notifications import suspending
from refunds import publishing
from refunds.desk import deciding
from refunds.desk.plans import Choice
from refunds.models import PolicyVersion, RefundRequest, RequestOrigin, RequestState

POLICY_SINCE: Final = timedelta(days=62)
CLOSING_BALANCE: Final = Decimal(250)
CLOSING_PROMO: Final = Decimal(10)
_LEAST_TOP_UP: Final = Decimal(200)
_SPARE: Final = Decimal(150)
_LAST: Final = "closing"  # the deposit that is made when all else is
# From placing to the hand-over, the start, the end, and a second look.
_STEPS: Final = (timedelta(minutes=3), timedelta(minutes=50), timedelta(hours=9), timedelta(days=1, hours=3))


@dataclass(frozen=True, slots=True)
class _Placed:
    """An order of a session, and what becomes of it; `remains` is what stays undelivered where something does."""

    order: Order
    end: End
    remains: int

    @property
    def by_provider(self) -> bool:
        return self.order.provider_id is not None


def load(*, stage: Stage, now: datetime) -> int:
    """Make the history that is not there yet; return how many orders were placed.

    A load that was cut off goes on with the session after the last one begun; a finished one is never repeated.

    Raises till.NoTill when the payments sandbox does not answer, paying_in.NotPaid, and what the use cases raise.
    """
    publishing.publish_first(at=now - POLICY_SINCE)
    if paying_in.is_paid(_LAST):
        stage.till.deliver()
        return 0
    before = Order.objects.count()
    with stage.till.hushed():
        _live(stage, now)
    return Order.objects.count() - before


def _live(stage: Stage, now: datetime) -> None:
    """Live through everything in the order of time; what marks the history as whole comes last."""
    sessions = stories.sessions(list(Service.objects.order_by("pk")), now=now)
    placed = [Moment(session.at, partial(_carry_out, session, stage, now)) for session in sessions]
    bens = [session for session in sessions if session.role == "second_customer"]
    joined = Moment(bens[0].at, partial(_pay_once, bens, stage))
    # Where a policy was published before the demo came, the past can't begin before it.
    since = min(PolicyVersion.objects.values_list("effective_from", flat=True))
    for moment in sorted([joined, *placed, *paying_out.moments(stage, now=now)], key=lambda moment: moment.at):
        moment.live(min(max(moment.at, since), now))
    _file_concerns(now)
    dora = stage.users["suspended_customer"]
    if not dora.is_suspended:
        suspending.suspend(customer_id=dora.pk, reason="A payment of yours is being checked.", at=now)
    asking.load(stage.users, now=now)
    refilling.load(stage.users, now=now)
    support.load(stage.users, now=now)
    _close(stage, now)


def _carry_out(session: Session, stage: Stage, now: datetime, at: datetime) -> None:
    users = stage.users
    customer, grace = users[session.role], users["staff"]
    if PlacedRequest.objects.filter(customer=customer, request_id=session.name).exists():
        return
    _top_up(session, stage, at)
    origin = Origin(PlacedThrough.WEB, visiting.address_of(customer))
    done = placing.place(customer=customer, lines=session.lines, at=at, request_id=session.name, origin=origin)
    visiting.sign_in(customer, at=at)
    orders = Order.objects.in_bulk(done.order_ids)
    placed = [
        _Placed(orders[pk], end, max(1, int(orders[pk].quantity * share)))
        for pk, end, share in zip(done.order_ids, session.ends, session.undelivered, strict=True)
    ]
    submitted, started, ended, looked_at_again = (min(at + after, now) for after in _STEPS)
    _run(placed, grace, submitted=submitted, started=started, ended=ended)
    for one in placed:
        _end_by_hand(one, customer=customer, staff=grace, at=ended)
        _look_again(one, reviewer=users["second_staff"], at=looked_at_again)
        _confirm_large(one, users, at=looked_at_again)


def _run(placed: list[_Placed], staff: User, *, submitted: datetime, started: datetime, ended: datetime) -> None:
    """Take the orders to where somebody ended them: the provider's by its reports, the others by staff."""
    not_started = {End.CUSTOMER_CANCELED, End.PENDING_STAFF, End.PENDING_PROVIDER}
    running = [one for one in placed if one.end not in not_started]
    _transition([Move(o.order.pk, OrderStatus.PROCESSING) for o in running], Initiator.SYSTEM, submitted)
    begun = [o for o in running if o.end not in {End.PROCESSING, End.PROVIDER_CANCELED, End.STAFF_CANCELED}]
    _transition(
        [Move(o.order.pk, OrderStatus.IN_PROGRESS, raw_status="In progress") for o in begun if o.by_provider],
        Initiator.PROVIDER,
        started,
    )
    for one in begun:
        if not one.by_provider:
            handling.start(order_id=one.order.pk, staff=staff, at=started)
    reports = [_report(o) for o in running if o.by_provider]
    _transition([move for move in reports if move], Initiator.PROVIDER, ended)


def _report(one: _Placed) -> Move | None:
    """Return the provider's last report, if the provider ended the order."""
    order = one.order
    match one.end:
        case End.DELIVERED | End.CORRECTED_DOWN:
            return Move(order.pk, OrderStatus.COMPLETED, cause=Cause.DELIVERED, remains=0, raw_status="Completed")
        case End.CUT_SHORT | End.CORRECTED_UP:
            cause = Cause.CANNOT_COMPLETE
            return Move(order.pk, OrderStatus.PARTIAL, cause=cause, remains=one.remains, raw_status="Partial")
        case End.PROVIDER_CANCELED | End.PROVIDER_STOPPED:
            remains = order.quantity if one.end is End.PROVIDER_CANCELED else one.remains
            cause = Cause.PROVIDER_CANCELED
            return Move(order.pk, OrderStatus.CANCELED, cause=cause, remains=remains, raw_status="Canceled")
        case _:
            return None


def _end_by_hand(one: _Placed, *, customer: User, staff: User, at: datetime) -> None:
    order_id, remains = one.order.pk, one.remains
    match one.end:
        case End.DELIVERED | End.CORRECTED_DOWN if not one.by_provider:
            handling.complete(order_id=order_id, staff=staff, at=at)
        case End.CORRECTED_UP if not one.by_provider:
            handling.set_partial(order_id=order_id, remains=remains, cause=Cause.CANNOT_COMPLETE, staff=staff, at=at)
        case End.CUSTOMER_CANCELED:
            _cancel_or_deliver(order_id, customer, staff, at)
        case End.STAFF_CANCELED:
            note = "The network takes no campaigns on this subject at present."
            handling.cancel(order_id=order_id, cause=Cause.SERVICE_UNAVAILABLE, staff=staff, at=at, note=note)
        case End.TARGET_GONE:
            note = "The page answered with an error for two days."
            cause = Cause.TARGET_UNAVAILABLE
            handling.set_partial(order_id=order_id, remains=remains, cause=cause, staff=staff, at=at, note=note)
        case End.REVIEW_WAITING | End.REVIEW_APPROVED | End.REVIEW_DECLINED:
            note = "The link leads to a page that the network's rules do not allow."
            cause = Cause.INVALID_TARGET
            handling.cancel(order_id=order_id, cause=cause, staff=staff, at=at, remains=remains, note=note)


def _cancel_or_deliver(order_id: int, customer: User, staff: User, at: datetime) -> None:
    """Cancel as the customer; where the policy refuses that, the order is simply carried out."""
    try:
        canceling.cancel(customer=customer, order_id=order_id, at=at)
    except canceling.CancelRefused:
        handling.complete(order_id=order_id, staff=staff, at=at)


def _look_again(one: _Placed, *, reviewer: User, at: datetime) -> None:
    """Correct what was ended too early, and answer reviews, a day later."""
    order_id = one.order.pk
    match one.end:
        case End.CORRECTED_DOWN:
            note = "The network withdrew invalid impressions after the end."
            cause = Cause.CORRECTION
            handling.set_partial(order_id=order_id, remains=one.remains, cause=cause, staff=reviewer, at=at, note=note)
        case End.CORRECTED_UP:
            note = "The network's late report shows the rest as delivered."
            handling.complete(order_id=order_id, staff=reviewer, at=at, note=note)
        case End.REVIEW_APPROVED | End.REVIEW_DECLINED:
            # Under a policy that decides such cases at once there is nothing to review.
            request = RefundRequest.objects.filter(order=order_id, state=RequestState.OPEN).first()
            if request and one.end is End.REVIEW_APPROVED:
                note = "The link was right when you ordered; the page changed later."
                deciding.approve(request_id=request.pk, staff=reviewer, choice=Choice(), note=note, seen=None, at=at)
            elif request:
                note = "The page broke the rules that are linked beside the order form."
                deciding.decline(request_id=request.pk, staff=reviewer, clause=request.clause, note=note, at=at)


def _confirm_large(one: _Placed, users: Mapping[str, User], *, at: datetime) -> None:
    """What staff made the policy credit above its limit waits for two people."""
    held = RefundRequest.objects.filter(order=one.order, state=RequestState.OPEN, origin=RequestOrigin.POLICY).first()
    if held is None or one.end in {End.REVIEW_WAITING, End.REVIEW_APPROVED, End.REVIEW_DECLINED}:
        return
    agent, approver, note = users["agent"], users["second_staff"], "The order was ended as its events say."
    if not held.awaits_second:
        deciding.approve(request_id=held.pk, staff=agent, choice=Choice(), note=note, seen=None, at=at)
    deciding.confirm(request_id=held.pk, staff=approver, seen=None, at=at)


def _transition(moves: list[Move], initiator: Initiator, at: datetime) -> None:
    if moves:
        with transaction.atomic():
            lifecycle.transition(moves, initiator=initiator, at=at)


def _pay_once(sessions: list[Session], stage: Stage, at: datetime) -> None:
    """Let the customer of these sessions pay in all that they cost, and some more, with a card that is closed later."""
    customer = stage.users[sessions[0].role]
    needed = sum((_cost(session) for session in sessions), _SPARE)
    card, name = paying_out.CLOSED, "ben-joins"
    paying_in.top_up(customer=customer, needed=needed, card=card, name=name, till=stage.till, at=at)


def _top_up(session: Session, stage: Stage, at: datetime) -> None:
    """Have the customer pay in what the session needs."""
    customer = stage.users[session.role]
    if session.name == "demo-0":
        amount, name = Decimal(5), "welcome"
        paying_in.give(
            customer=customer, amount=amount, reason="Welcome credit", staff=stage.users["staff"], name=name, at=at
        )
    paying_in.top_up(
        customer=customer,
        needed=_cost(session) - paying_in.balances(customer).promo,
        least=_LEAST_TOP_UP,
        card=paying_out.WORKING,
        name=f"top-up-{session.name}",
        till=stage.till,
        at=at,
    )


def _cost(session: Session) -> Decimal:
    return sum((line.charge for line in lines.price(session.lines)), money.ZERO)


def _close(stage: Stage, at: datetime) -> None:
    """Leave the customer who signs in with at least what the demo promises, the last of it paid just now."""
    ada, grace = stage.users["customer"], stage.users["staff"]
    balances = paying_in.balances(ada)
    reason = "Thank you for two months of orders"
    paying_in.give(
        customer=ada, amount=CLOSING_PROMO - balances.promo, reason=reason, staff=grace, name="thanks", at=at
    )
    amount = paying_in.in_round(max(CLOSING_BALANCE - balances.available, _LEAST_TOP_UP))
    paying_in.by_card(customer=ada, amount=amount, card=paying_out.WORKING, name=_LAST, till=stage.till, at=at)


def _file_concerns(now: datetime) -> None:
    """Two late reports about ended orders that a person has to look at."""
    ended = Order.objects.filter(provider__isnull=False, status__in=[OrderStatus.PARTIAL, OrderStatus.COMPLETED])
    partial = ended.filter(status=OrderStatus.PARTIAL).order_by("pk").last()
    complete = ended.filter(status=OrderStatus.COMPLETED).order_by("pk").last()
    concerns = [
        Concern(kind, detail, order.pk, order.provider_id, dict(report))
        for order, kind, detail, report in (
            (
                partial,
                AttentionKind.ILLEGAL_MOVE,
                "The provider reports Pending for an order that has ended as partial.",
                {"status": "Pending", "remains": "0"},
            ),
            (
                complete,
                AttentionKind.UNKNOWN_STATUS,
                "the provider reports the status 'Awaiting audit'",
                {"status": "Awaiting audit", "remains": ""},
            ),
        )
        if order
    ]
    with transaction.atomic():
        attention.file(concerns, now)
