"""Everything that happened to an order in one row of steps, each with the rule that it rests on, for its customer.

Five records tell it: the order's moves, the wishes to cancel it, the refills, the policy's decisions, and the refund
requests.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from orders.models import CancelRequest, CancelRequestState, Initiator
from panel.web import refilling, refund_words, timeline
from panel.web.queries import Story
from panel.web.refund_queries import Told
from panel.web.refund_words import Step
from refunds.models import Decision, DecisionState, RefundRequest, RequestEventKind, RequestOrigin

_WAITS: Final = "The provider is asked; nothing is refunded until it confirms that the order has stopped."
_ANSWERED: Final = {
    CancelRequestState.ACCEPTED: ("Provider will try to cancel", _WAITS),
    CancelRequestState.REFUSED: ("Cancel refused by the provider", "The order goes on."),
}


def steps(story: Story, asked: Sequence[Told]) -> list[Step]:
    """Return what happened, oldest first; of what happened at once, the order's move, then what follows from it."""
    found = [
        Step(at=entry.at, mark=entry.status, label=entry.label, text=entry.text)
        for entry in timeline.entries(story.order, story.events)
    ]
    for wish in story.cancel_requests:
        found += _cancel(wish)
    for refill in story.refills:
        found += refilling.steps(refill)
    requests = [told.request for told in asked]
    for decision in reversed(story.decisions):
        found += _decision(decision, requests, story)
    for told in asked:
        found += _request(told, story)
    return sorted(found, key=lambda step: step.at)  # stable: at one moment they stay in the order of the records


def _cancel(wish: CancelRequest) -> list[Step]:
    by_staff = wish.initiator == Initiator.STAFF
    asked = Step(
        at=wish.requested_at,
        mark="asked",
        label="Our staff asked to cancel" if by_staff else "You asked to cancel",
        text="Nothing is refunded until the provider confirms that the order has stopped.",
    )
    state = CancelRequestState(wish.state)
    if wish.answered_at is None or state not in _ANSWERED:
        return [asked]
    label, text = _ANSWERED[state]
    return [asked, Step(at=wish.answered_at, mark="asked", label=label, text=text)]


def _decision(decision: Decision, requests: Sequence[RefundRequest], story: Story) -> list[Step]:
    """Return the decision's step and that of its review, unless the steps of a request tell the same."""
    left = decision.state != DecisionState.SETTLED and decision.at != decision.reviewed_at
    reviewed = decision.reviewed_at is not None and decision.reviewed_at not in {one.closed_at for one in requests}
    found = []
    if left and not any(one.origin == RequestOrigin.POLICY and one.opened_at == decision.at for one in requests):
        found.append(_decided(decision, "Left to a person", "By this rule a person decides.", story))
    if not left and not any(_told_by(one, decision) for one in requests):
        found.append(_decided(decision, "Decided", decision.sentence, story))
    if left and reviewed and decision.reviewed_at is not None:
        found.append(Step(at=decision.reviewed_at, mark="decided", label="Reviewed", text=decision.sentence))
    return found


def _decided(decision: Decision, label: str, text: str, story: Story) -> Step:
    return Step(
        at=decision.at,
        mark="decided",
        label=label,
        text=text,
        rule=refund_words.rule(story.order, decision.clause),
        version=decision.policy_version,
    )


def _told_by(request: RefundRequest, decision: Decision) -> bool:
    """Whether answering the request made this decision."""
    by_review = decision.reviewed_at is not None and decision.reviewed_at == request.closed_at
    return by_review or request.decision_id == decision.pk


def _request(told: Told, story: Story) -> list[Step]:
    """Return a request's steps without what the order's own moves and decisions tell already."""
    found = [step for step in refund_words.steps(told, story.order) if step.mark != RequestEventKind.ORDER_MOVED]
    return [
        replace(step, text="", rule="", version=None) if step.mark == RequestEventKind.SUPERSEDED else step
        for step in found
    ]
