"""How an order of the sandbox provider gets on when left alone: a pure function of seed, order number and time.

Nothing runs in the background. Asked twice for the same moment, with the same seed, it answers the same.
"""

import random
from dataclasses import dataclass
from typing import Final

PENDING: Final = "Pending"
PROCESSING: Final = "Processing"
IN_PROGRESS: Final = "In progress"
PARTIAL: Final = "Partial"
COMPLETED: Final = "Completed"
CANCELED: Final = "Canceled"
OPEN: Final = frozenset({PENDING, PROCESSING, IN_PROGRESS})

CANCELED_SHARE: Final = 0.08
PARTIAL_SHARE: Final = 0.22  # up to here, from CANCELED_SHARE on
CANCEL_TAKES: Final = 5.0  # seconds from accepting a running order's cancel to stopping it


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an order is: `remains` and `start_count` in units."""

    status: str
    start_count: int
    remains: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to one order: instants in seconds after placing; `delivers` units in the end."""

    accepted: float
    starts: float
    ends: float
    start_count: int
    delivers: int

    def delivered(self, at: float, quantity: int) -> int:
        """Return the units delivered `at` seconds after placing; never more than will be delivered in the end."""
        reached = (at - self.starts) / (self.ends - self.starts)
        return min(self.delivers, max(0, int(quantity * reached)))


def plan(seed: int, order: int, quantity: int) -> Plan:
    """Draw the fate of an order; the same seed, order and quantity always draw the same one."""
    draw = random.Random(f"{seed}:{order}")  # noqa: S311 - repeatable on purpose, nothing secret hangs on it
    accepted = draw.uniform(4, 10)
    starts = accepted + draw.uniform(3, 8)
    ends = starts + draw.uniform(20, 50)
    start_count = draw.randint(40, 9000)
    fate = draw.random()
    stopped_at = draw.uniform(0.2, 0.95)
    delivers = quantity
    if fate < CANCELED_SHARE:
        delivers = 0
    elif fate < PARTIAL_SHARE and quantity > 1:
        delivers = max(1, int(quantity * stopped_at))
    return Plan(accepted, starts, ends, start_count, delivers)


def progress(*, seed: int, order: int, quantity: int, elapsed: float, cancel_after: float | None) -> Progress:
    """Return where the order is `elapsed` seconds after placing, a cancel having been accepted at `cancel_after`.

    A cancel before the start cancels at once; one of a running order stops it a little later, as Partial with what is
    left, unless it ends before that.
    """
    fate = plan(seed, order, quantity)
    canceled_early = cancel_after is not None and cancel_after < fate.starts
    if canceled_early or (fate.delivers == 0 and elapsed >= fate.starts):
        return Progress(CANCELED, 0, quantity)
    if elapsed < fate.starts:
        return Progress(PENDING if elapsed < fate.accepted else PROCESSING, 0, quantity)
    if cancel_after is not None:
        stop = cancel_after + CANCEL_TAKES
        left = quantity - fate.delivered(stop, quantity)
        if elapsed >= stop and left > quantity - fate.delivers:
            return Progress(PARTIAL, fate.start_count, left)
    remains = quantity - fate.delivered(elapsed, quantity)
    if remains > quantity - fate.delivers:
        return Progress(IN_PROGRESS, fate.start_count, remains)
    return Progress(COMPLETED if remains == 0 else PARTIAL, fate.start_count, remains)
