"""Which moments people may name: those that the database, every time zone and every page can hold."""

from datetime import UTC, datetime, timedelta
from typing import Final

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""The columns' constraints have these two; what is between them is read in any zone."""

AHEAD: Final = timedelta(days=5 * 365 + 1)
"""How far ahead something may be made to start: five years."""


def is_readable(moment: datetime) -> bool:
    """Whether the moment is one that may be stored at all."""
    return EARLIEST <= moment < LATEST
