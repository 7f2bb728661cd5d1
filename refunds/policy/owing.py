"""How much a clause owes for an order: pure arithmetic at the money scale."""

from decimal import Decimal

from panel.kernel import money
from refunds.policy.clauses import Clause, Refund
from refunds.policy.facts import Amounts


def owed(clause: Clause, amounts: Amounts) -> Decimal:
    """Return the owed total by one clause: of the charge, of the undelivered share rounded down, or nothing.

    A cap limits it, then a fee is taken off; it is never below zero and never above the charge.
    """
    total = share(clause.refund, amounts)
    if clause.cap is not None:
        total = min(total, clause.cap.of(amounts.charge))
    if clause.fee is not None:
        total = max(total - clause.fee.of(total), money.ZERO)
    return money.exact(total)


def share(refund: Refund, amounts: Amounts) -> Decimal:
    """Return the charge, the undelivered share of it rounded down, or nothing: what is owed before a cap or a fee."""
    if refund is Refund.FULL:
        return money.exact(amounts.charge)
    if refund is Refund.UNDELIVERED:
        return money.exact(money.share(amounts.charge, amounts.remains, amounts.quantity))
    return money.ZERO
