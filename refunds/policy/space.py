"""Every combination of facts that can be: what a policy is proved over."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

from refunds.policy.facts import (
    Cause,
    Delivery,
    Facts,
    Initiator,
    SinceFinal,
    SincePlaced,
    Standing,
    Status,
    Terms,
)

FINAL: Final = frozenset({Status.PARTIAL, Status.CANCELED, Status.COMPLETED})

_YOUNGEST_PLACED: Final[Mapping[SinceFinal, frozenset[SincePlaced]]] = {
    SinceFinal.NOT_FINAL: frozenset(SincePlaced),
    SinceFinal.WITHIN_DAY: frozenset(SincePlaced),
    SinceFinal.WITHIN_MONTH: frozenset({SincePlaced.WITHIN_MONTH, SincePlaced.OLDER}),
    SinceFinal.OLDER: frozenset({SincePlaced.OLDER}),
}


def can_be(status: Status, delivery: Delivery, placed: SincePlaced, final: SinceFinal) -> bool:
    """Say whether the four facts can hold together.

    Only what the words themselves exclude is excluded:

    * a pending order was not sent anywhere, so nothing of it is delivered;
    * a completed order is delivered in full;
    * an order has an age since final exactly when its status is final;
    * an order can't have been final for longer than since it was placed.
    """
    if status is Status.PENDING and delivery is not Delivery.NONE:
        return False
    if status is Status.COMPLETED and delivery is not Delivery.ALL:
        return False
    if (status in FINAL) is (final is SinceFinal.NOT_FINAL):
        return False
    return placed in _YOUNGEST_PLACED[final]


def space() -> Iterator[Facts]:
    """Yield every combination of facts that can be; see `can_be` for what is left out."""
    for status, delivery, placed, final in product(Status, Delivery, SincePlaced, SinceFinal):
        if not can_be(status, delivery, placed, final):
            continue
        for cause, initiator, terms, standing in product(Cause, Initiator, Terms, Standing):
            yield Facts(status, delivery, cause, initiator, terms, standing, placed, final)
