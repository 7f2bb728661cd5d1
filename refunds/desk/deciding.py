"""Answering a request: approve, recommend to a second person, confirm, send back, decline.

An approval above the policy's limit, or other than the engine proposes, is only recommended; another person confirms
it. Everything is worked out again under lock: what somebody saw and what is done are the same or nothing is done.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction

from orders import handling
from orders.models import Order
from panel.accounts.models import User
from panel.kernel import money, texts
from panel.kernel.errors import Conflict, Forbidden, Refused
from refunds import publishing, rules
from refunds.desk import access, closing, letters, paying, plans, proposals
from refunds.desk.closing import Answer
from refunds.desk.plans import Choice, Plan
from refunds.models import RefundRequest, RequestEventKind, RequestState
from refunds.models.request import LONGEST_NOTE
from refunds.policy.clauses import Clause, Refund
from refunds.policy.document import Policy

_SAY_WHY = "Say why: the customer will read it."


class ChangedMeanwhile(Conflict):
    """What approving would do is not what was shown."""

    code = "refund_request_changed"


class AlreadyRecommended(Conflict):
    """Somebody recommended an amount, and a second person has to confirm it or send it back."""

    code = "refund_request_recommended"


class NotRecommended(Conflict):
    """There is nothing to confirm."""

    code = "refund_request_not_recommended"


def approve(
    *, request_id: int, staff: User, choice: Choice, note: str, seen: str | None, at: datetime
) -> RefundRequest:
    """Credit what was chosen, or recommend it when a second person has to confirm; the returned row says which.

    `seen` is the token of the plan that was shown; None for callers that show none.

    Raises Forbidden, access' errors, AlreadyRecommended, ChangedMeanwhile, and what plans.plan and handling raise.
    """
    words = texts.text(note, field="note", longest=LONGEST_NOTE, missing=_SAY_WHY)
    with transaction.atomic(durable=True):
        order, request = access.locked_for_staff(request_id, staff)
        if request.awaits_second:
            raise AlreadyRecommended("This waits for a second person already: confirm it, or send it back.")
        plan = plans.plan(request, order, choice, at=at)
        if seen is not None and seen != plan.token:
            raise ChangedMeanwhile("What would happen has changed since you looked. Please read it again.")
        if reasons := plan.reasons_for_second_after(staff):
            _recommend(request, plan, reasons, staff, words, at)
        else:
            _carry_out(request, order, plan, by=staff, note=words, at=at)
        return request


def confirm(*, request_id: int, staff: User, seen: str | None, at: datetime) -> RefundRequest:
    """Carry out what another person recommended. Never by the same one, whatever his rights.

    `seen` is the request's `recommendation_token` that was shown; None for callers that show none.

    Raises Forbidden, access' errors, NotRecommended, ChangedMeanwhile, and what plans.plan and handling raise.
    """
    with transaction.atomic(durable=True):
        order, request = access.locked_for_staff(request_id, staff, access.MAY_CONFIRM)
        _require_recommended(request)
        if request.recommended_by_id == staff.pk:
            raise Forbidden("Nobody confirms an own recommendation: another person has to look at it.")
        if seen is not None and seen != request.recommendation_token:
            raise ChangedMeanwhile("This is another recommendation than the one you looked at. Please read it again.")
        choice = Choice(request.recommended_amount, request.recommended_remains)
        plan = plans.plan(request, order, choice, at=at)
        if plan.token != request.recommended_basis:
            raise ChangedMeanwhile("The order has changed since this was recommended. Send it back.")
        _carry_out(request, order, plan, by=staff, note=request.recommended_note, at=at)
        return request


def send_back(*, request_id: int, staff: User, note: str, at: datetime) -> RefundRequest:
    """Undo a recommendation, one's own or another's: the request waits for a decision again.

    Raises Forbidden, access' errors, NotRecommended.
    """
    words = texts.text(note, field="note", longest=LONGEST_NOTE, missing="Say why, for whoever looks next.")
    with transaction.atomic(durable=True):
        _order, request = access.locked_for_staff(request_id, staff)
        _require_recommended(request)
        request.save(update_fields=request.forget_recommendation())
        closing.log(request, RequestEventKind.SENT_BACK, by=staff, text=words, at=at)
        return request


def decline(*, request_id: int, staff: User, clause: str, note: str, at: datetime) -> RefundRequest:
    """Credit nothing, by a clause of the order's policy; a decision that waited for the answer is declined with it.

    Raises Forbidden, access' errors, AlreadyRecommended, Refused for a clause that gives no reason.
    """
    words = texts.text(note, field="note", longest=LONGEST_NOTE, missing=_SAY_WHY)
    with transaction.atomic(durable=True):
        order, request = access.locked_for_staff(request_id, staff)
        if request.awaits_second and request.recommended_by_id != staff.pk:
            raise AlreadyRecommended("A refund is recommended here: send it back first, with your reason.")
        policy = publishing.version(order.policy_version).policy
        if clause not in {found for found, _ in reasons_to_decline(policy, request.clause, order)}:
            raise Refused("Choose a reason from the policy.", field="clause")
        cleared = request.forget_recommendation()
        request.save(update_fields=cleared)
        waiting = proposals.waiting_decision(order)
        if waiting is not None:
            paying.pay_nothing(request, waiting, order, by=staff, note=words, at=at)
        reason = rules.words(policy, clause)
        closing.close(request, Answer(state=RequestState.DECLINED, by=staff, text=words, clause=clause), at=at)
        letters.declined(request, request.customer, reason=reason, note=words, at=at)
        return request


def reasons_to_decline(policy: Policy, proposed: str, order: Order) -> list[tuple[str, str]]:
    """Return the clauses that a decline can rest on, with their words: the proposed one, then those that pay nothing.

    The clause that sent the request to a person is a reason too: its review may find that nothing is missing. Others
    are offered when they can be about an order that stands like this one, on its terms.
    """
    first = policy.clause(proposed)
    others = [
        clause
        for clause in policy.rules
        if clause.refund is Refund.NONE and clause.id != proposed and _can_be_about(clause, order, policy)
    ]
    return [(clause.id, rules.words(policy, clause.id)) for clause in (first, *others)]


def _can_be_about(clause: Clause, order: Order, policy: Policy) -> bool:
    scope = policy.scopes.of(order.service_id, order.category)
    stands = {"status": order.status, "terms": order.terms, "scope": scope}
    return all(stands[fact] in values for fact, values in clause.when.values if fact in stands)


def _require_recommended(request: RefundRequest) -> None:
    if not request.awaits_second:
        raise NotRecommended("Nothing is recommended for this request.")


def _recommend(
    request: RefundRequest, plan: Plan, reasons: Sequence[str], staff: User, note: str, at: datetime
) -> None:
    """Note what a second person has to confirm. The amount is fixed by it: a later proposal is not what was meant."""
    request.recommended_by, request.recommended_at = staff, at
    request.recommended_amount = plan.credit
    request.recommended_remains = None if plan.end is None else plan.end.remains
    request.recommended_note, request.recommended_basis = note, plan.token
    request.save(
        update_fields=[
            "recommended_by",
            "recommended_at",
            "recommended_amount",
            "recommended_remains",
            "recommended_note",
            "recommended_basis",
        ]
    )
    shown = money.display(plan.credit, settings.PANEL_CURRENCY)
    why = " and ".join(reasons)
    closing.log(request, RequestEventKind.RECOMMENDED, by=staff, text=f"{shown}, because {why}. {note}", at=at)


def _carry_out(request: RefundRequest, order: Order, plan: Plan, *, by: User, note: str, at: datetime) -> None:
    """End the order if it still runs, credit, answer, write.

    The request is answered before the order moves: what follows an order's end leaves closed requests alone.
    """
    answer = Answer(
        state=RequestState.APPROVED,
        by=by,
        text=note,
        clause=plan.clause,
        amount=plan.credit,
        proposed=plan.proposed,
    )
    if plan.end is None:
        decision = paying.pay(request, plan.proposal, plan.credit, by=by, note=note, at=at)
        closing.close(request, replace(answer, decision=decision), at=at)
    else:
        closing.close(request, answer, at=at)
        handling.carry(order=order, move=plan.end, staff=by, at=at)
        ended = access.locked_order(order.pk)
        if ended.refunded - order.refunded != plan.by_end:
            raise ChangedMeanwhile("The order's end pays other than was shown. Please look at it again.")
        rest = plan.credit - plan.by_end
        after = replace(plan.proposal, order=ended, waiting=proposals.waiting_decision(ended))
        if rest > 0:
            paying.pay(request, after, rest, by=by, note=note, at=at)
    letters.approved(request, request.customer, at=at)
