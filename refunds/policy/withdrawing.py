"""What a policy says about paying a balance out. Pure: facts in, a verdict with its sentence out."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from panel.kernel import money
from refunds.policy.document import Policy, Withdrawals
from refunds.policy.facts import Standing
from refunds.policy.wording import span

CLAUSE: Final = "withdrawals"
CREDIT_ONLY: Final = "Your balance can be spent on orders and is not paid out to a payment method."


class Outcome(StrEnum):
    """What is done about a wish to be paid out."""

    REFUSED = "refused"
    REVIEW = "review"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class WithdrawalFacts:
    """`withdrawable` is the balance that may be paid out at all, `amount` what is asked. Money scale."""

    withdrawable: Decimal
    amount: Decimal
    standing: Standing


@dataclass(frozen=True, slots=True)
class WithdrawalVerdict:
    """What the policy says.

    Attributes:
        clause: the part of the document that decided, and on which of its keys: `withdrawals.minimum`.
        reason: one sentence for the customer.
        field: what to change about the form when that would help, such as `amount`.
    """

    outcome: Outcome
    clause: str
    reason: str
    field: str | None = None


def decide_withdrawal(policy: Policy, facts: WithdrawalFacts, *, currency: str) -> WithdrawalVerdict:
    """Return what the policy's [withdrawals] says about this wish."""
    rules = policy.withdrawals
    if not rules.allowed or rules.minimum is None or rules.business_days is None:
        return WithdrawalVerdict(Outcome.REFUSED, f"{CLAUSE}.allowed", CREDIT_ONLY)
    minimum = money.display(rules.minimum, currency)
    if facts.withdrawable < rules.minimum:
        reason = f"A balance of {minimum} or more can be withdrawn; yours is {_shown(facts.withdrawable, currency)}."
        return WithdrawalVerdict(Outcome.REFUSED, f"{CLAUSE}.minimum", reason)
    if facts.amount < rules.minimum:
        reason = f"Withdraw {minimum} or more."
        return WithdrawalVerdict(Outcome.REFUSED, f"{CLAUSE}.minimum", reason, field="amount")
    if facts.amount > facts.withdrawable:
        reason = f"You can withdraw at most {_shown(facts.withdrawable, currency)}."
        return WithdrawalVerdict(Outcome.REFUSED, f"{CLAUSE}.balance", reason, field="amount")
    return _allowed(rules, facts, currency)


def _allowed(rules: Withdrawals, facts: WithdrawalFacts, currency: str) -> WithdrawalVerdict:
    days = span(*rules.business_days) if rules.business_days else ""
    if rules.verify_above is not None and facts.amount > rules.verify_above:
        limit = money.display(rules.verify_above, currency)
        reason = f"Withdrawals above {limit} are checked by a person first. It is sent within {days} business days."
        return WithdrawalVerdict(Outcome.REVIEW, f"{CLAUSE}.verify_above", reason)
    if facts.standing is not Standing.CLEAR:
        reason = f"A person looks at this withdrawal first. It is sent within {days} business days."
        return WithdrawalVerdict(Outcome.REVIEW, f"{CLAUSE}.standing", reason)
    return WithdrawalVerdict(Outcome.AUTOMATIC, CLAUSE, f"It is sent within {days} business days.")


def _shown(amount: Decimal, currency: str) -> str:
    return money.display(amount, currency)
