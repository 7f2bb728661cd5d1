"""Words made from a policy: placeholders filled in, and the one sentence that a customer reads about a decision."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from panel.kernel import money
from refunds.policy import describing, owing
from refunds.policy.clauses import Approval, Clause, Portion, Refund
from refunds.policy.document import Policy
from refunds.policy.facts import Amounts

PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}", re.ASCII)

_OTHERWISE: Final = "Ask for a review on the order's page if you see it otherwise."


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of `{name}`; the loader made sure that only known names stand there."""
    return PLACEHOLDER.sub(lambda match: values[match[1]], text)


def rule(policy: Policy, clause: Clause, *, panel: str, currency: str) -> str:
    """Return a clause's text with its figures filled in."""
    values = {"panel": panel}
    if clause.cap is not None:
        values["cap"] = portion(clause.cap, "charge", currency)
    if clause.fee is not None:
        values["fee"] = portion(clause.fee, "refund", currency)
    if clause.when.claim_window_hours is not None:
        values["claim_window"] = describing.hours(clause.when.claim_window_hours)
    for fact, chosen in clause.when.values:
        if fact == "scope":
            values["scope"] = describing.either([policy.scopes.name(scope) for scope in chosen])
    return fill(clause.text, values)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says about one order.

    Attributes:
        clause_id: the clause that decided, `default` for the default.
        refund: full, undelivered or none.
        approval: settle at once, or a person looks first.
        owed: what the customer is owed in total, at the panel's money scale; 0 <= owed <= charge.
    """

    clause_id: str
    refund: Refund
    approval: Approval
    owed: Decimal


def span(low: int, high: int) -> str:
    """Return a window in words: `24 to 48`, or `24` when both ends are the same."""
    return str(high) if low == high else f"{low} to {high}"


def sentence(
    policy: Policy,
    verdict: Verdict,
    amounts: Amounts,
    currency: str,
    *,
    before: Decimal = money.ZERO,
    credited: Decimal | None = None,
) -> str:
    """Say in one sentence what the customer gets and why.

    Args:
        policy: the policy that gave the verdict.
        verdict: what it says.
        amounts: those that it was given.
        currency: the panel's, such as `USD`.
        before: what was credited for this order by earlier decisions.
        credited: what this decision puts on the balance now; None for all that is owed above `before`.
    """
    clause = policy.clause(verdict.clause_id)
    because = clause.because
    rest = max(verdict.owed - before, money.ZERO)
    less = deductions(clause, amounts, verdict.owed, currency)
    if verdict.approval is Approval.REVIEW:
        return _awaiting(because, rest, less, before, policy.review.hours, currency)
    now = rest if credited is None else credited
    if now > 0:
        units = _units(verdict, amounts)
        paid = money.display(now, currency)
        total = "" if now == verdict.owed else f", {money.display(verdict.owed, currency)} in all"
        comma = "," if units else ""
        return f"{paid} was credited to your balance{total}{units}{less}{comma} because {because}."
    earlier = before if before > 0 or credited is None else verdict.owed
    if earlier > 0:
        return f"Nothing more was credited than the {money.display(earlier, currency)} before, because {because}."
    nothing = ", ".join([money.display(money.ZERO, currency), *_deducted(clause, amounts, verdict.owed, currency)])
    return f"There is no refund ({nothing}) because {because}."


def deductions(clause: Clause, amounts: Amounts, owed: Decimal, currency: str) -> str:
    """Return what a cap or a fee took off the owed amount, in brackets after a space; empty when they took nothing."""
    parts = _deducted(clause, amounts, owed, currency)
    return f" ({', '.join(parts)})" if parts else ""


def _deducted(clause: Clause, amounts: Amounts, owed: Decimal, currency: str) -> list[str]:
    base = owing.share(clause.refund, amounts)
    capped = base if clause.cap is None else min(base, clause.cap.of(amounts.charge))
    parts = []
    if clause.cap is not None and capped < base:
        parts.append(f"at most {portion(clause.cap, 'charge', currency)}")
    if clause.fee is not None and owed < capped:
        parts.append(f"less a fee of {clause.fee.words(currency)}")
    return parts


def portion(part: Portion, whole: str, currency: str) -> str:
    """Say a part of an amount and, where it is a percentage, of what: `50 % of the charge`, `0.50 USD`."""
    words = part.words(currency)
    return words if part.sum is not None else f"{words} of the {whole}"


def _awaiting(because: str, rest: Decimal, less: str, before: Decimal, hours: tuple[int, int], currency: str) -> str:
    amount = money.display(rest, currency)
    if rest > 0:
        within = f"within {span(*hours)} hours"
        return f"A refund of {amount}{less} waits for a person to review it {within} because {because}."
    if before > 0:
        given = money.display(before, currency)
        return f"Nothing more was credited than the {given} before: {because}. {_OTHERWISE}"
    return f"Nothing was credited ({amount}): {because}. {_OTHERWISE}"


def _units(verdict: Verdict, amounts: Amounts) -> str:
    if verdict.refund is not Refund.UNDELIVERED or amounts.remains == amounts.quantity:
        return ""
    return f" for {amounts.remains:,} of {amounts.quantity:,} units that were not delivered"
