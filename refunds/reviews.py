"""Decisions that the policy left to a person: approve as proposed, or decline."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing import ledger
from orders.models import Order
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused
from refunds import bookings, settlement
from refunds.bookings import Books
from refunds.models import Decision, DecisionState


class AlreadyReviewed(Conflict):
    """Somebody else was first, or a later move of the order answered it."""

    code = "already_reviewed"


class ReasonMissing(Refused):
    """A decision by a person is explained."""

    code = "reason_missing"


def approve(*, decision_id: int, reviewer: User, note: str, at: datetime) -> Decision:
    """Credit what the decision proposes, less what was credited before, through the same settlement.

    Raises NotFound, AlreadyReviewed, Forbidden (not staff, or the own order), ReasonMissing.
    """
    _require_reviewer(reviewer, note)
    with transaction.atomic(durable=True):
        order, decision = _locked(decision_id, reviewer)
        credit = bookings.due(Books(order.charge, order.charge_promo, order.refunded, order.recognized), decision.owed)
        decision.credited = credit
        decision.sentence = (
            f"{money.display(credit, settings.PANEL_CURRENCY)} was credited after review: {note.strip()}"
        )
        _finish(decision, DecisionState.APPROVED, reviewer, note, at)
        _book(order, decision, credit=credit, at=at)
    return decision


def decline(*, decision_id: int, reviewer: User, note: str, at: datetime) -> Decision:
    """Credit nothing and recognize what was held back for the review. Raises as `approve` does."""
    _require_reviewer(reviewer, note)
    with transaction.atomic(durable=True):
        order, decision = _locked(decision_id, reviewer)
        decision.sentence = f"Nothing was credited after review: {note.strip()}"
        _finish(decision, DecisionState.DECLINED, reviewer, note, at)
        _book(order, decision, credit=money.ZERO, at=at)
    return decision


def _require_reviewer(reviewer: User, note: str) -> None:
    if not reviewer.is_staff:
        raise Forbidden("Refunds are reviewed by staff.")
    if not note.strip():
        raise ReasonMissing("Say why: the customer will read it.", field="note")


def _locked(decision_id: int, reviewer: User) -> tuple[Order, Decision]:
    """Lock the order, then the decision, and check that it still waits. The order's lock is what settlements hold."""
    order_id = Decision.objects.filter(pk=decision_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("There is no such decision.")
    order = Order.objects.locked().get(pk=order_id)
    if order.customer_id == reviewer.pk:
        raise Forbidden("Nobody reviews a refund of an own order.")
    decision = Decision.objects.select_for_update().get(pk=decision_id)
    if decision.state != DecisionState.AWAITING_REVIEW:
        message = f"This decision is {decision.get_state_display().lower()} already."
        raise AlreadyReviewed(message)
    return order, decision


def _finish(decision: Decision, state: DecisionState, reviewer: User, note: str, at: datetime) -> None:
    decision.state = state
    decision.reviewed_by = reviewer
    decision.reviewed_at = at
    decision.review_note = note.strip()[:300]
    decision.save(update_fields=["state", "reviewed_by", "reviewed_at", "review_note", "credited", "sentence"])


def _book(order: Order, decision: Decision, *, credit: Decimal, at: datetime) -> None:
    accounts = ledger.lock_customers([order.customer_id])[order.customer_id]
    key = f"decision:{decision.pk}:review"
    ledger.post(settlement.order_transfers(order, accounts, credit=credit, held_back=money.ZERO, key=key), at=at)
