"""Every combination of facts that can be: what a policy is proved over."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Final

from refunds.policy import scopes
from refunds.policy.facts import (
    DAY_HOURS,
    MONTH_HOURS,
    Cause,
    Delivery,
    Facts,
    Initiator,
    Refill,
    SincePlaced,
    Standing,
    Status,
    Terms,
)
from refunds.policy.matching import boundaries

if TYPE_CHECKING:
    from refunds.policy.document import Policy

FINAL: Final = frozenset({Status.PARTIAL, Status.CANCELED, Status.COMPLETED})

_REFILLED: Final = frozenset({Status.PARTIAL, Status.COMPLETED})
_LONGEST_FINAL: Final[Mapping[SincePlaced, int | None]] = {
    SincePlaced.WITHIN_HOUR: 1,
    SincePlaced.WITHIN_DAY: DAY_HOURS,
    SincePlaced.WITHIN_MONTH: MONTH_HOURS,
    SincePlaced.OLDER: None,
}


def can_be(facts: Facts) -> bool:
    """Say whether the facts can hold together.

    Only what the words themselves exclude is excluded:

    * a pending order was not sent anywhere, so nothing of it is delivered;
    * a completed order is delivered in full;
    * an order has an age since its end exactly when its status is final;
    * an order can't have been final for longer than since it was placed;
    * a refill is asked for only after an order was delivered, wholly or in part.
    """
    if facts.status is Status.PENDING and facts.delivery is not Delivery.NONE:
        return False
    if facts.status is Status.COMPLETED and facts.delivery is not Delivery.ALL:
        return False
    if (facts.status in FINAL) is (facts.hours_since_final is None):
        return False
    if facts.refill in {Refill.RUNNING, Refill.REFUSED} and facts.status not in _REFILLED:
        return False
    longest = _LONGEST_FINAL[facts.since_placed]
    return facts.hours_since_final is None or longest is None or facts.hours_since_final <= longest


def space(*policies: "Policy") -> Iterator[Facts]:
    """Yield every combination of facts that can be, as far as these policies can tell them apart.

    Hours since the end, service and category are taken once for each part into which the policies divide them: the
    youngest hour between two claim windows, a service of each scope.
    """
    for bound, free in product(bound_samples(policies), free_samples(policies)):
        yield joined(bound, free)


def bound_samples(policies: Sequence["Policy"]) -> list[Facts]:
    """Return the combinations of the facts that exclude each other, each with some values of the others."""
    bounds = boundaries([rule.when for policy in policies for rule in policy.rules])
    youngest = (0, *(hours + 1 for hours in bounds))
    tried = (
        Facts(
            status,
            delivery,
            Cause.DELIVERED,
            Initiator.SYSTEM,
            since_placed=placed,
            hours_since_final=hours,
            refill=refill,
        )
        for status, delivery, placed, hours, refill in product(Status, Delivery, SincePlaced, (None, *youngest), Refill)
    )
    return [facts for facts in tried if can_be(facts)]


def free_samples(policies: Sequence["Policy"]) -> list[Facts]:
    """Return the combinations of the facts that go with any others, each with some values of those."""
    places = scopes.samples(policy.scopes for policy in policies)
    return [
        Facts(Status.PENDING, Delivery.NONE, cause, initiator, terms, standing, service=service, category=category)
        for cause, initiator, terms, standing, (service, category) in product(Cause, Initiator, Terms, Standing, places)
    ]


def joined(bound: Facts, free: Facts) -> Facts:
    """Return the facts that are bound to each other from the first, and the free ones from the second."""
    return Facts(
        bound.status,
        bound.delivery,
        free.cause,
        free.initiator,
        free.terms,
        free.standing,
        bound.since_placed,
        bound.hours_since_final,
        bound.refill,
        free.service,
        free.category,
    )
