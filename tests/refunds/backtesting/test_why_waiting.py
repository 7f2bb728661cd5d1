"""Why a tried policy leaves money of an order to a person."""

from decimal import Decimal

import pytest

from refunds.backtesting.results import OrderChange, why_waiting
from tests.refunds.policy.documents import MONEY_BACK


@pytest.mark.parametrize(
    ("clause", "waiting", "said"),
    [
        ("standing-in-doubt", "5", "waits: its clause has a person look"),
        ("partial", "180", "needs a second person (confirm_above)"),
        ("partial", "5", "waits: people decide, as they did before or by several steps (confirm_above)"),
        ("partial", "0", ""),
    ],
)
def test_says_whether_the_clause_or_the_limit_asks_people(clause: str, waiting: str, said: str) -> None:
    order = OrderChange(1, 2, "partial", clause, Decimal(180), Decimal(0), Decimal(waiting))

    assert why_waiting(MONEY_BACK, order) == said
