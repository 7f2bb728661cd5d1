"""Backtests of short periods."""

from datetime import datetime, timedelta

from refunds.backtesting import running
from refunds.backtesting.results import Result
from refunds.policy import loader
from refunds.policy.document import Policy
from tests.factories import AT
from tests.factories.policies import shipped

BEGIN = AT - timedelta(days=1)
END = AT + timedelta(days=1)

GUARANTEE = loader.loads(shipped("money-back-guarantee"), "the guarantee")
CREDIT_ONLY = loader.loads(shipped("panel-credit-only"), "credit only")


def tried(policy: Policy, *, since: datetime = BEGIN, until: datetime = END) -> Result:
    """Try a policy on the orders of a period, two days by default."""
    return running.run(policy, since=since, until=until)
