"""Faults waiting to be committed; which kinds there are, each stand-in says itself."""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

LONGEST_WAIT: Final = 600.0

FaultT = TypeVar("FaultT")


class BadFault(ValueError):
    """The description of a fault makes no sense; the text says why."""


class FaultQueue(Generic[FaultT]):
    """Faults, oldest first. Safe to share between threads; `times` is exact however many call at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[FaultT, int | None]] = []

    def put(self, fault: FaultT, times: int | None) -> None:
        """Add a fault behind the others, for `times` calls, or (None) until cleared."""
        with self._lock:
            self._waiting.append((fault, times))

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._waiting.clear()

    def take(self, concerns: Callable[[FaultT], bool]) -> FaultT | None:
        """Use up and return one time of the oldest fault that `concerns` says yes to."""
        if not self._waiting:
            return None
        with self._lock:
            for position, (fault, left) in enumerate(self._waiting):
                if not concerns(fault):
                    continue
                if left == 1:
                    del self._waiting[position]
                elif left is not None:
                    self._waiting[position] = (fault, left - 1)
                return fault
            return None

    def left(self) -> list[tuple[FaultT, int | None]]:
        """Return the faults that wait, each with how many times it has left."""
        with self._lock:
            return list(self._waiting)


def wrong_numbers(*, times: object, seconds: object) -> list[str]:
    """Return what is wrong with these two numbers of a fault's description, in words."""
    problems = {
        "times is a whole number above 0": times is not None and (type(times) is not int or times < 1),
        "seconds is between 0 and 600": not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
        or not 0 <= seconds <= LONGEST_WAIT,
    }
    return [rule for rule, broken in problems.items() if broken]
