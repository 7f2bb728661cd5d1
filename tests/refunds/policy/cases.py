"""One row of a policy's table: what a clause must say about an order of 10.00 for 1,000 units."""

from decimal import Decimal

from refunds.policy import engine
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts, Cause, Facts, Initiator, Standing, Status, Terms, delivery_of
from refunds.policy.space import FINAL

NO_REFUND = {"terms": "no_refund_after_start"}
ABUSE = {"standing": "abuse_flagged"}
FRAUD = {"standing": "fraud_suspected"}

Case = tuple[str, str, str, str, str, str, str, int, dict[str, str]]
"""Clause, refund, approval, owed; status, cause, initiator, remains, other facts."""


def check(policy: Policy, case: Case) -> None:
    clause, refund, approval, owed, status, cause, initiator, remains, more = case
    known = {"terms": Terms.STANDARD.value, "standing": Standing.CLEAR.value, **more}
    facts = Facts(
        Status(status),
        delivery_of(1000, remains),
        Cause(cause),
        Initiator(initiator),
        Terms(known["terms"]),
        Standing(known["standing"]),
        hours_since_final=1 if Status(status) in FINAL else None,
    )

    verdict = engine.decide(policy, facts, Amounts(Decimal(10), 1000, remains))

    assert (verdict.clause_id, verdict.refund, verdict.approval) == (clause, refund, approval)
    assert verdict.owed == Decimal(owed)
