"""The only way in which a request is answered, and the log of everything that happens to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from panel.accounts.models import User
from panel.kernel import money
from refunds.models import Decision, RefundRequest, RefundRequestEvent, RequestEventKind, RequestState
from refunds.models.request import LONGEST_ANSWER

_EVENTS = {
    RequestState.APPROVED: RequestEventKind.APPROVED,
    RequestState.DECLINED: RequestEventKind.DECLINED,
    RequestState.WITHDRAWN: RequestEventKind.WITHDRAWN,
    RequestState.SUPERSEDED: RequestEventKind.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One thing that happened to a request; `by` is None for what the system does."""

    request_id: int
    kind: RequestEventKind
    text: str = ""
    by: User | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request ends. Money scale.

    Attributes:
        by: who answers: a person, or None for the policy itself.
        text: what the customer reads.
        clause: the clause of the order's policy that the answer rests on; empty when none does.
        proposed: what approving as the policy proposed would have credited; None when nobody approved.
    """

    state: RequestState
    by: User | None
    text: str
    clause: str = ""
    amount: Decimal = money.ZERO
    proposed: Decimal | None = None
    decision: Decision | None = None


_ANSWERED = [
    "state",
    "closed_at",
    "closed_by",
    "amount",
    "proposed",
    "answer",
    "answer_clause",
    "decision",
    "asked_at",
    "unread_since",
]


def close(request: RefundRequest, answer: Answer, *, at: datetime) -> None:
    """Answer an open, locked request and log it. A closed one is protected by the database."""
    close_all([(request, answer)], at=at)


def close_all(answered: Sequence[tuple[RefundRequest, Answer]], *, at: datetime) -> None:
    """Answer open, locked requests and log it, in two statements."""
    if not answered:
        return
    for request, answer in answered:
        request.state = answer.state
        request.closed_at, request.closed_by = at, answer.by
        request.amount, request.proposed = answer.amount, answer.proposed
        request.answer, request.answer_clause = answer.text[:LONGEST_ANSWER], answer.clause
        request.decision = answer.decision
        request.asked_at = request.unread_since = None
    RefundRequest.objects.bulk_update([request for request, _ in answered], _ANSWERED)
    log_all(
        [NewEvent(request.pk, _EVENTS[answer.state], text=answer.text, by=answer.by) for request, answer in answered],
        at=at,
    )


def log(request: RefundRequest, kind: RequestEventKind, *, by: User | None, at: datetime, text: str = "") -> int:
    """Write one event and return its number."""
    return log_all([NewEvent(request.pk, kind, text=text, by=by)], at=at)[0]


def log_all(events: Sequence[NewEvent], *, at: datetime) -> list[int]:
    """Write events in one statement and return their numbers."""
    made = RefundRequestEvent.objects.bulk_create(
        RefundRequestEvent(request_id=event.request_id, at=at, kind=event.kind, actor=event.by, text=event.text)
        for event in events
    )
    return [int(event.pk) for event in made]
