"""The laboratory by brute force: every combination of facts one by one, judged by what a clause's words mean."""

from collections.abc import Iterator
from decimal import Decimal

from panel.kernel import money
from refunds.policy.clauses import Clause
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Delivery, Facts
from refunds.policy.space import bound_samples, free_samples, joined

CHARGES = tuple(
    Decimal(text)
    for text in ("0.5", "1", "3", "3.000001", "5.999999", "6", "10", "20", "250.25", "333.25", "1000", "10000000")
)
UNITS = 10_000
REMAINS = (1, 2, 25, 250, 1666, 2500, 3333, 5000, 6667, 7500, 9975, 9998, 9999)


def every(*policies: Policy) -> list[Facts]:
    """Return all combinations, sampled alike by everybody who enumerates them."""
    free = free_samples(policies)
    return [joined(bound, one) for bound in bound_samples(policies) for one in free]


def decides(policy: Policy, facts: Facts) -> Clause:
    """Return the first clause whose words cover the facts, asked one after the other."""
    return next(clause for clause in policy.rules if clause.when.covers(facts, policy.scopes))


def orders(delivery: Delivery) -> Iterator[Amounts]:
    """Yield orders of any size that are delivered so far."""
    remains = {Delivery.NONE: (UNITS,), Delivery.ALL: (0,), Delivery.SOME: REMAINS}[delivery]
    for charge in CHARGES:
        for remain in remains:
            yield Amounts(charge, UNITS, remain)


NOISE = 3 * money.QUANTUM
"""What rounding in the sixth decimal place may make of nothing: the proof leaves it aside."""
