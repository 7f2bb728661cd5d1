"""Locks that could not be had in time, as an error that every edge can word."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError

from panel.kernel.errors import Busy

# lock_not_available, deadlock_detected, serialization_failure: the same call may succeed a moment later.
_LOCK_FAULTS: Final = frozenset({"55P03", "40P01", "40001"})


@contextmanager
def busy_when_locked() -> Iterator[None]:
    """Turn a lock that could not be had in time into Busy; the transaction is rolled back by then."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) in _LOCK_FAULTS:
            raise Busy("The panel is busy, please try again.") from error
        raise
