"""Crediting what was granted: the decision that says so, and the transfers of the same settlement as always."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings

from billing import debts, ledger
from orders.models import Order
from panel.accounts.models import User
from panel.kernel import money
from panel.kernel.errors import Refused
from refunds import settlement
from refunds.desk.proposals import Proposal
from refunds.models import Decision, DecisionState, RefundRequest


class AboveCharge(Refused):
    """No order gives back more than was paid for it."""

    code = "above_charge"


def pay(
    request: RefundRequest, proposal: Proposal, amount: Decimal, *, by: User | None, note: str, at: datetime
) -> Decision:
    """Credit `amount` (money scale, above 0) for the request's order and return the decision that records it.

    The order is locked and freshly read; a decision that waits is answered by it. `by` is the person who decided, None
    for the policy itself. Raises AboveCharge.
    """
    order = proposal.order
    if amount > proposal.most:
        most = money.display(proposal.most, settings.PANEL_CURRENCY)
        raise AboveCharge(f"At most {most} of this order's charge can still be refunded.", field="amount")
    decision = _decision(proposal, amount, by, note, at)
    book(request, order, credit=amount, at=at)
    order.refunded += amount
    return decision


def pay_nothing(request: RefundRequest, decision: Decision, order: Order, *, by: User, note: str, at: datetime) -> None:
    """Decline a decision that waited: credit nothing and recognize what was held back for it."""
    decision.state = DecisionState.DECLINED
    decision.sentence = f"Nothing was credited after review: {note}"
    _reviewed(decision, by, note, at)
    decision.save(update_fields=["state", "sentence", "reviewed_by", "reviewed_at", "review_note"])
    book(request, order, credit=money.ZERO, at=at)


def book(request: RefundRequest, order: Order, *, credit: Decimal, at: datetime) -> None:
    """Post the transfers of one request's answer, once."""
    accounts = ledger.lock_customers([order.customer_id])[order.customer_id]
    key = f"refund_request:{request.pk}"
    ledger.post(settlement.order_transfers(order, accounts, credit=credit, held_back=money.ZERO, key=key), at=at)
    if credit > 0:
        debts.pay_first({order.customer_id: f"{key}:debt"}, at=at)


def _decision(proposal: Proposal, amount: Decimal, by: User | None, note: str, at: datetime) -> Decision:
    waiting = proposal.waiting
    if waiting is not None and proposal.order.refunded + amount <= waiting.owed:
        waiting.state, waiting.credited, waiting.sentence = DecisionState.APPROVED, amount, _sentence(amount, by, note)
        _reviewed(waiting, by, note, at)
        waiting.save(update_fields=["state", "credited", "sentence", "reviewed_by", "reviewed_at", "review_note"])
        return waiting
    if waiting is not None:  # more than it proposed: what it owed can't be rewritten, so another one takes its place
        waiting.state = DecisionState.SUPERSEDED
        waiting.save(update_fields=["state"])
    made = Decision(
        order=proposal.order,
        at=at,
        policy_version=proposal.version,
        policy_hash=proposal.version.hash,
        clause=proposal.verdict.clause_id,
        facts=proposal.facts.as_dict(),
        refund=proposal.verdict.refund.value,
        approval=proposal.verdict.approval.value,
        remains=proposal.amounts.remains,
        owed=proposal.order.refunded + amount,
        credited=amount,
        sentence=_sentence(amount, by, note),
        state=DecisionState.SETTLED if by is None else DecisionState.APPROVED,
    )
    _reviewed(made, by, note, at)
    made.save(force_insert=True)
    return made


def _reviewed(decision: Decision, by: User | None, note: str, at: datetime) -> None:
    if by is not None:
        decision.reviewed_by, decision.reviewed_at, decision.review_note = by, at, note


def _sentence(amount: Decimal, by: User | None, note: str) -> str:
    shown = money.display(amount, settings.PANEL_CURRENCY)
    return note if by is None else f"{shown} was credited after review: {note}"
