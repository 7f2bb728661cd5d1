"""A refund request in words for its customer: where it stands, what happened, what comes next.

Staff are "our staff", whoever it was. What they write for each other, or to a provider, is not told.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from orders.models import Cause, Order
from panel.kernel import money
from panel.web import dates
from panel.web.dates import Moment
from panel.web.refund_queries import Told
from refunds import publishing, rules
from refunds.desk import causes, proposals
from refunds.models import (
    PolicyVersion,
    RefundRequest,
    RefundRequestEvent,
    RequestEventKind,
    RequestOrigin,
    RequestState,
)

_LABELS: Final = {
    RequestState.OPEN: "Waiting for us",
    RequestState.APPROVED: "Approved",
    RequestState.DECLINED: "Declined",
    RequestState.WITHDRAWN: "Taken back",
    RequestState.SUPERSEDED: "Settled with the order",
}
_OPENED: Final = {
    RequestOrigin.CUSTOMER: "You asked for a refund",
    RequestOrigin.STAFF: "Our staff asked for a refund for you",
    RequestOrigin.POLICY: "Left to a person",
}
_STEPS: Final = {
    RequestEventKind.MESSAGE: "You wrote",
    RequestEventKind.QUESTION: "Our staff ask you",
    RequestEventKind.EXPEDITED: "You asked for an earlier answer",
    RequestEventKind.REFERRED: "Our staff asked the provider",
    RequestEventKind.ORDER_MOVED: "The order moved",
    RequestEventKind.APPROVED: "Approved",
    RequestEventKind.DECLINED: "Declined",
    RequestEventKind.WITHDRAWN: "You took it back",
    RequestEventKind.SUPERSEDED: "Settled with the order",
}
_OUR_WORDS: Final = frozenset(
    {
        RequestEventKind.ORDER_MOVED,
        RequestEventKind.APPROVED,
        RequestEventKind.DECLINED,
        RequestEventKind.SUPERSEDED,
    }
)
_THEIR_WORDS: Final = frozenset({RequestEventKind.MESSAGE, RequestEventKind.QUESTION, RequestEventKind.EXPEDITED})
_ANSWERS: Final = frozenset({RequestEventKind.APPROVED, RequestEventKind.DECLINED, RequestEventKind.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened.

    Attributes:
        mark: what its dot is colored by.
        text: ours, a sentence or two.
        words: what a person wrote, to be shown as written.
        rule: the clause that it rests on, in the words of the policy's page; `version` is that policy.
        request: the request that it is a step of, on a page that is not that request's.
    """

    at: datetime
    mark: str
    label: str
    text: str = ""
    words: str = ""
    rule: str = ""
    version: PolicyVersion | None = None
    request: RefundRequest | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands.

    Attributes:
        text: one or two sentences.
        is_late: whether we should have answered by now.
        is_asked: whether it waits for the customer.
        may_withdraw, may_expedite: for showing only; refunds.desk.talking checks again under lock.
        rule: the clause that the answer, or as long as there is none the proposal, rests on.
        fingerprint: equal as long as nothing that the page says has changed.
    """

    label: str
    text: str
    is_open: bool
    is_late: bool
    is_asked: bool
    may_withdraw: bool
    may_expedite: bool
    answer_from: Moment
    due: Moment
    rule: str
    version: PolicyVersion
    fingerprint: str


def reason(request: RefundRequest) -> str:
    """Return why a request is there, in a few words."""
    if request.origin == RequestOrigin.POLICY:
        return "The order ended in a way that a person has to look at"
    return causes.words(Cause(request.cause))


def label(request: RefundRequest) -> str:
    """Return the state of a request in a word or two."""
    if request.is_open and request.asked_at is not None:
        return "Waiting for you"
    return _LABELS[RequestState(request.state)]


def is_late(request: RefundRequest, *, at: datetime) -> bool:
    """Whether the answer should have been there by `at` and is not, and it is not the customer that we wait for."""
    return request.is_open and request.asked_at is None and at >= request.due_at


def standing(told: Told, *, at: datetime) -> Standing:
    """Say where a request stands at `at`."""
    request, late = told.request, is_late(told.request, at=at)
    is_asked = request.is_open and request.asked_at is not None
    due = dates.moment_in_full(request.due_at, at=at)
    last = told.events[-1].pk if told.events else 0
    return Standing(
        label=label(request),
        text=_stands(request, due=due, is_asked=is_asked, late=late),
        is_open=request.is_open,
        is_late=late,
        is_asked=is_asked,
        may_withdraw=request.is_open and proposals.waiting_decision(request.order) is None,
        may_expedite=request.is_open and request.expedited_at is None,
        answer_from=dates.moment_in_full(request.answer_from, at=at),
        due=due,
        rule=rule(request.order, request.answer_clause or request.clause),
        version=publishing.version(request.order.policy_version),
        fingerprint=f"{request.state}:{last}:{int(late)}:{int(is_asked)}",
    )


def steps(told: Told, order: Order) -> list[Step]:
    """Return what happened to a request about this order, oldest first."""
    return [_step(event, told.request, order) for event in told.events]


def rule(order: Order, clause: str) -> str:
    """Return a clause of the order's policy in the words of its page; empty when none is named."""
    if not clause:
        return ""
    return rules.words(publishing.version(order.policy_version).policy, clause)


def _stands(request: RefundRequest, *, due: Moment, is_asked: bool, late: bool) -> str:
    match RequestState(request.state):
        case RequestState.OPEN:
            return _waits(due=due, is_asked=is_asked, late=late)
        case RequestState.APPROVED:
            return f"{_money(request)} is on your balance."
        case RequestState.SUPERSEDED if request.amount > 0:
            return f"The order moved on and settled this: {_money(request)} is on your balance."
        case RequestState.SUPERSEDED:
            return "The order moved on and settled this; nothing more is credited."
        case RequestState.DECLINED:
            return "Nothing is refunded."
        case RequestState.WITHDRAWN:
            return "You took this request back, so nobody looks at it any more."


def _waits(*, due: Moment, is_asked: bool, late: bool) -> str:
    if is_asked:
        return "We have a question, and go on when you have answered it."
    if late:
        return f"You should have had an answer by {due.words}. Our staff see that this is overdue and take it up first."
    return "A person looks at it. You get the answer here and by e-mail."


def _step(event: RefundRequestEvent, request: RefundRequest, order: Order) -> Step:
    kind = RequestEventKind(event.kind)
    version = publishing.version(order.policy_version)
    if kind == RequestEventKind.OPENED:
        return Step(
            at=event.at,
            mark="open",
            label=_OPENED[RequestOrigin(request.origin)],
            text=_asked(request),
            words=request.description,
            rule="" if _was_answered_at_once(request) else rule(order, request.clause),
            version=version,
            request=request,
        )
    answered = request.answer_clause if kind in _ANSWERS else ""
    return Step(
        at=event.at,
        mark=kind.value,
        label=_STEPS[kind],
        text=_text(event, kind, request),
        words=event.text if kind in _THEIR_WORDS else "",
        rule=rule(order, answered),
        version=version if answered else None,
        request=request,
    )


def _asked(request: RefundRequest) -> str:
    if request.origin == RequestOrigin.POLICY:
        return request.sentence
    if _was_answered_at_once(request):
        return f"{reason(request)}."
    return f"{reason(request)}. What the policy said: {request.sentence}"


def _was_answered_at_once(request: RefundRequest) -> bool:
    """Whether the policy answered it by itself, so that the answer's own step says all of it."""
    return request.closed_by_id is None and request.closed_at == request.opened_at


def _text(event: RefundRequestEvent, kind: RequestEventKind, request: RefundRequest) -> str:
    if kind == RequestEventKind.REFERRED:  # how staff put it is between them and the provider
        return "" if request.order.is_final else "The order goes on until the provider answers."
    if kind == RequestEventKind.APPROVED and request.closed_by_id is not None:
        return f"{_money(request)} was credited to your balance. {event.text}"
    return event.text if kind in _OUR_WORDS else ""


def _money(request: RefundRequest) -> str:
    return money.display(request.amount, settings.PANEL_CURRENCY)
