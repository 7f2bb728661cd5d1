"""What can be refunded, said before it happens: from the same decisions that will be made when it does."""

from functools import partial

from refunds.policy.clauses import Approval, Clause, Refund
from refunds.policy.document import Policy
from refunds.policy.engine import decide
from refunds.policy.facts import (
    Amounts,
    Cause,
    Delivery,
    Facts,
    Initiator,
    SincePlaced,
    Standing,
    Status,
    Terms,
)
from refunds.policy.wording import Verdict

_ANSWERS = {
    Refund.FULL: "full refund to your balance",
    Refund.UNDELIVERED: "what was not delivered is refunded to your balance",
    Refund.NONE: "no refund",
}


def cancel_quote(
    policy: Policy,
    amounts: Amounts,
    *,
    terms: Terms = Terms.STANDARD,
    standing: Standing = Standing.CLEAR,
    since_placed: SincePlaced = SincePlaced.WITHIN_HOUR,
) -> Verdict:
    """Return the verdict if the customer canceled the pending order now: what the Cancel page shows beforehand."""
    facts = Facts(
        status=Status.CANCELED,
        delivery=Delivery.NONE,
        cause=Cause.CHANGE_OF_MIND,
        initiator=Initiator.CUSTOMER,
        terms=terms,
        standing=standing,
        since_placed=since_placed,
        hours_since_final=0,
    )
    return decide(policy, facts, amounts)


def order_note(policy: Policy, terms: Terms, standing: Standing = Standing.CLEAR) -> tuple[str, ...]:
    """Return short lines for the note beside the Order button: what is refunded to whom, and when, for such a service.

    The sample orders behind the lines are canceled while pending, can't be started, end partial, and are completed;
    each is judged by the policy itself, for a customer of this standing.
    """
    clause = partial(_clause, policy, terms, standing)
    if Status.PENDING in policy.customer_cancellation:
        first = f"Cancel while it is pending: {_answer(clause(_CANCELED_PENDING))}."
    else:
        first = "An order can't be canceled at your own wish once it is placed."
    return (
        first,
        f"If it can't be started: {_answer(clause(_NOT_STARTED))}.",
        f"{_begun(clause(_PARTIAL))}.",
        f"Delivered in full: {_answer(clause(_COMPLETED))}.",
    )


_Sample = tuple[Status, Delivery, Cause, Initiator]
_CANCELED_PENDING = (Status.CANCELED, Delivery.NONE, Cause.CHANGE_OF_MIND, Initiator.CUSTOMER)
_NOT_STARTED = (Status.CANCELED, Delivery.NONE, Cause.NOT_STARTED, Initiator.SYSTEM)
_PARTIAL = (Status.PARTIAL, Delivery.SOME, Cause.CANNOT_COMPLETE, Initiator.PROVIDER)
_COMPLETED = (Status.COMPLETED, Delivery.ALL, Cause.DELIVERED, Initiator.PROVIDER)


def _clause(policy: Policy, terms: Terms, standing: Standing, sample: _Sample) -> Clause:
    facts = Facts(*sample, terms, standing, hours_since_final=0)
    return policy.rules[policy.matcher.first(facts)]


def _answer(clause: Clause) -> str:
    answer = _ANSWERS[clause.refund]
    return f"{answer}, after review" if clause.approval is Approval.REVIEW else answer


def _begun(clause: Clause) -> str:
    if clause.refund is Refund.NONE and clause.approval is Approval.AUTOMATIC:
        return "Once delivery has begun: no refund"
    return f"If it is delivered only in part: {_answer(clause)}"
