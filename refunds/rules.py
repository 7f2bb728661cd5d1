"""The clauses of a policy in words, with this panel's name and currency and the clause's own figures filled in."""

from django.conf import settings

from refunds.policy import wording
from refunds.policy.document import Policy


def words(policy: Policy, clause_id: str) -> str:
    """Return the rule of a clause as the public page has it. Raises KeyError when the policy has no such clause."""
    clause = policy.clause(clause_id)
    return wording.rule(policy, clause, panel=settings.PANEL_NAME, currency=settings.PANEL_CURRENCY)
