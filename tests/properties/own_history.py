"""A policy version that is tried on its own history changes nothing: the test of what a backtest means (ADR 19)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from hypothesis.stateful import RuleBasedStateMachine, rule

from refunds.backtesting import running
from refunds.models import PolicyVersion
from tests.properties.order_model import CREDIT_ONLY, GUARANTEE, NEXT_POLICY, Expected

ONE_EXAMPLE: Final = timedelta(minutes=10)
"""How long one sequence of steps lasts at most: backtests of this period see its orders and no others."""


class OwnHistory(RuleBasedStateMachine):
    began: datetime
    expected: dict[int, Expected]

    @rule()
    def try_each_policy_on_its_own_history(self) -> None:
        for slug, since in ((GUARANTEE, self.began), (CREDIT_ONLY, self.began + NEXT_POLICY)):
            version = PolicyVersion.objects.filter(slug=slug).latest("number")
            ended = [one for one in self.expected.values() if one.policy == slug and one.has_ended]

            found = running.run(version.policy, since=since, until=since + ONE_EXAMPLE)

            refunded = sum((one.refunded for one in ended), Decimal(0))
            assert [found.total.orders, found.total.changed, found.largest] == [len(ended), 0, []]
            assert found.total.paid == found.total.candidate == refunded

    def teardown(self) -> None:
        self.try_each_policy_on_its_own_history()
