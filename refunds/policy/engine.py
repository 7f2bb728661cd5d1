"""Deciding: a policy, the facts of an order and its amounts in, a verdict out. Pure, total and deterministic."""

from refunds.policy import owing
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Facts, Status
from refunds.policy.wording import Verdict


def decide(policy: Policy, facts: Facts, amounts: Amounts) -> Verdict:
    """Return what the first clause that covers the facts says, or else the default.

    Takes a few microseconds whatever the number of clauses, so a settlement can call it for each of thousands.
    """
    clause = policy.rules[policy.matcher.first(facts)]
    return Verdict(clause.id, clause.refund, clause.approval, owing.owed(clause, amounts))


def may_customer_cancel(policy: Policy, status: Status | str) -> bool:
    """Say whether the customer may cancel an order of this status himself, at once."""
    return status in policy.customer_cancellation


def may_customer_ask_to_cancel(policy: Policy, status: Status | str) -> bool:
    """Say whether the customer may ask for a cancel that takes effect only when the provider confirms it."""
    return status in policy.cancel_requests
