"""A settlement that books the money and then fails, as a process that is killed in between does."""

from collections.abc import Sequence
from datetime import datetime

from orders.lifecycle import Moved
from panel.kernel.errors import Busy
from refunds import settlement


def after_booking(moved: Sequence[Moved], at: datetime) -> None:
    settlement.settle(moved, at)
    raise Busy("The power is gone.")
