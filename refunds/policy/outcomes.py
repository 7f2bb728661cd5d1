"""What a clause comes to for an order, and for whom another clause would be better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from refunds.policy import payouts
from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.facts import Delivery

_REFUNDS: Final = {
    Refund.FULL: "everything",
    Refund.UNDELIVERED: "the undelivered part",
    Refund.NONE: "nothing",
}


class Direction(StrEnum):
    """For whom a change is better."""

    MORE = "more"
    LESS = "less"
    EITHER = "either"
    SAME_AMOUNT = "same_amount"


DIRECTIONS: Final[Mapping[Direction, str]] = {
    Direction.MORE: "more for the customer",
    Direction.LESS: "less for the customer",
    Direction.EITHER: "more or less, by the amounts",
    Direction.SAME_AMOUNT: "as much, otherwise decided",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows for an order: all that a customer could tell two clauses apart by."""

    refund: Refund
    approval: Approval
    cap: Portion | None
    fee: Portion | None

    def words(self, currency: str) -> str:
        """Say it: `the undelivered part, at most 50 % of the charge, after review`."""
        parts = [_REFUNDS[self.refund]]
        if self.cap is not None:
            parts.append(f"at most {self.cap.words(currency)}{' of the charge' if self.cap.sum is None else ''}")
        if self.fee is not None:
            parts.append(f"less a fee of {self.fee.words(currency)}")
        if self.approval is Approval.REVIEW:
            parts.append("after review")
        elif self.refund is not Refund.NONE:
            parts.append("at once")
        return ", ".join(parts)


def outcome(clause: Clause) -> Outcome:
    """Return what a clause says."""
    return Outcome(clause.refund, clause.approval, clause.cap, clause.fee)


def outcome_at(clause: Clause, delivery: Delivery) -> Outcome:
    """Return what a clause comes to at one delivery, where the undelivered part may be everything, or nothing."""
    refund = clause.refund
    if refund is Refund.UNDELIVERED:
        refund = {Delivery.NONE: Refund.FULL, Delivery.ALL: Refund.NONE}.get(delivery, refund)
    if refund is Refund.NONE:
        return Outcome(refund, clause.approval, None, None)
    return Outcome(refund, clause.approval, clause.cap, clause.fee)


def direction(pairs: Iterable[tuple[Delivery, Clause, Clause]]) -> Direction:
    """Say for whom it is better that the second clause decides instead of the first.

    Each pair comes with the delivery at which it occurs, so that only orders count that there can be.
    """
    tried = tuple(pairs)
    more = any(payouts.exceeds(after, before, delivery) for delivery, before, after in tried)
    less = any(payouts.exceeds(before, after, delivery) for delivery, before, after in tried)
    if more and less:
        return Direction.EITHER
    if more:
        return Direction.MORE
    return Direction.LESS if less else Direction.SAME_AMOUNT
