"""How a refill of the sandbox provider gets on when left alone: a pure function of seed, its number and time."""

import random
from dataclasses import dataclass
from typing import Final

PENDING: Final = "Pending"
IN_PROGRESS: Final = "In progress"
COMPLETED: Final = "Completed"
REJECTED: Final = "Rejected"
ERROR: Final = "Error"

REJECTED_SHARE: Final = 0.15
ERROR_SHARE: Final = 0.2  # up to here, from REJECTED_SHARE on


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to one refill: instants in seconds after it was asked for, and its last status."""

    starts: float
    ends: float
    last: str


def plan(seed: int, refill: int) -> Plan:
    """Draw the fate of a refill; the same seed and number always draw the same one."""
    draw = random.Random(f"{seed}:refill:{refill}")  # noqa: S311 - repeatable on purpose, nothing secret hangs on it
    starts = draw.uniform(5, 12)
    ends = starts + draw.uniform(15, 40)
    fate = draw.random()
    if fate < REJECTED_SHARE:
        return Plan(starts, starts, REJECTED)  # it never begins
    return Plan(starts, ends, ERROR if fate < ERROR_SHARE else COMPLETED)


def status(*, seed: int, refill: int, elapsed: float) -> str:
    """Return where the refill is `elapsed` seconds after it was asked for."""
    fate = plan(seed, refill)
    if elapsed < fate.starts:
        return PENDING
    return IN_PROGRESS if elapsed < fate.ends else fate.last
