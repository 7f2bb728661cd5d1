"""Balance refunds: what the policy in force says about paying a balance out, and the request itself.

The policy in force at the moment of the request decides: a balance belongs to no order, so it carries no version.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from billing import planning, promises, withdrawals
from billing.models import CustomerAccount, Withdrawal
from billing.planning import Plan
from billing.promises import Promise
from panel.accounts.models import User
from panel.kernel import business_days, money
from panel.kernel.errors import Refused
from refunds import publishing
from refunds.models import PolicyVersion
from refunds.policy.facts import Standing
from refunds.policy.withdrawing import Outcome, WithdrawalFacts, WithdrawalVerdict, decide_withdrawal


class NotAllowed(Refused):
    """The policy in force says no; the sentence says why."""

    code = "withdrawal_not_allowed"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a customer may know before asking for any amount.

    Attributes:
        withdrawable: what may be paid out at all, in whole units of the currency.
        promo, debt: what may not: promotional money, and what is owed (0 or more).
        refusal: why nothing can be withdrawn now, as a sentence; empty when something can.
    """

    version: PolicyVersion
    withdrawable: Decimal
    promo: Decimal
    debt: Decimal
    minimum: Decimal | None
    refusal: str
    clause: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What would happen to an amount: the policy's verdict, what goes where, and until when."""

    amount: Decimal
    verdict: WithdrawalVerdict
    plan: Plan
    promise: Promise
    send_at: datetime

    @property
    def is_reviewed(self) -> bool:
        """Whether a person looks first."""
        return self.verdict.outcome is Outcome.REVIEW


def offer(*, customer: User, at: datetime) -> Offer:
    """Say whether this customer can withdraw anything, and how much. Raises publishing.NoPolicyInForce."""
    version = publishing.version_in_force(at, customer.customer_group_id)
    policy = version.policy
    balances = _balances(customer)
    withdrawable = planning.whole_units(max(balances["available"] + balances["debt"], money.ZERO))
    least = policy.withdrawals.minimum or money.ZERO
    facts = WithdrawalFacts(withdrawable, max(least, money.ZERO), Standing(customer.standing))
    verdict = decide_withdrawal(policy, facts, currency=settings.PANEL_CURRENCY)
    return Offer(
        version=version,
        withdrawable=withdrawable,
        promo=balances["promo"],
        debt=-balances["debt"],
        minimum=policy.withdrawals.minimum,
        refusal=verdict.reason if verdict.outcome is Outcome.REFUSED else "",
        clause=verdict.clause,
    )


def quote(*, customer: User, amount: Decimal, at: datetime) -> Quote:
    """Say what would happen to `amount`, floored to whole units of the currency; nothing is held.

    Raises NotAllowed, publishing.NoPolicyInForce.
    """
    version = publishing.version_in_force(at, customer.customer_group_id)
    return _quote(version, customer, amount, at)


def request(*, customer: User, amount: Decimal, key: UUID, confirmed: str, at: datetime) -> Withdrawal:
    """Ask for `amount` to be paid out: the policy decides, the money is held, and the legs are due rows.

    `confirmed` is the plan digest of the quote that the customer saw. The same `key` again returns the same withdrawal.
    Makes no call to a gateway.

    Raises NotAllowed, publishing.NoPolicyInForce, and what withdrawals.open raises.
    """
    found = _opened_before(customer, amount, key)
    if found is not None:
        return found
    version = publishing.version_in_force(at, customer.customer_group_id)
    try:
        asked = _quote(version, customer, amount, at)
    except NotAllowed:  # perhaps because the same form, sent twice, took the balance just now
        found = _opened_before(customer, amount, key)
        if found is None:
            raise
        return found
    terms = withdrawals.Terms(
        policy_version=version.pk,
        clause=asked.verdict.clause,
        sentence=asked.verdict.reason,
        review_reason=asked.verdict.reason if asked.is_reviewed else "",
        alternative_allowed=version.policy.withdrawals.alternative_method,
        send_at=asked.send_at,
        earliest=asked.promise.earliest,
        send_by=asked.promise.send_by,
        overdue_at=asked.promise.overdue_at,
        bank_by=asked.promise.bank_by,
    )
    return withdrawals.open(customer=customer, amount=asked.amount, terms=terms, key=key, confirmed=confirmed, at=at)


def _quote(version: PolicyVersion, customer: User, amount: Decimal, at: datetime) -> Quote:
    policy = version.policy
    balances = _balances(customer)
    asked = _whole_units(amount)
    facts = WithdrawalFacts(
        withdrawable=planning.whole_units(max(balances["available"] + balances["debt"], money.ZERO)),
        amount=asked,
        standing=Standing(customer.standing),
    )
    verdict = decide_withdrawal(policy, facts, currency=settings.PANEL_CURRENCY)
    if verdict.outcome is Outcome.REFUSED:
        raise NotAllowed(verdict.reason, field=verdict.field)
    plan = planning.plan(asked, list(planning.refundable_deposits(customer.pk)), at=at)
    if plan.arranged and not policy.withdrawals.alternative_method:
        shown = money.display(plan.arranged, settings.PANEL_CURRENCY)
        raise NotAllowed(f"{shown} can't go back: {plan.why_arranged}", field="amount")
    window = policy.withdrawals.business_days
    assert window is not None  # noqa: S101 - a policy that allows withdrawals states it (loader)
    promise = promises.promise(
        at,
        window=window,
        bank_days=_bank_days(plan),
        calendar=business_days.calendar(settings.BUSINESS_CALENDAR),
        zone=ZoneInfo(settings.TIME_ZONE),
    )
    return Quote(asked, verdict, plan, promise, at + settings.WITHDRAWAL_CANCEL_WINDOW)


def _bank_days(plan: Plan) -> tuple[int, int]:
    """Return the span from the fastest bank to the slowest; no days when nothing goes to a bank by itself."""
    spans = [part.bank_days for part in plan.parts]
    return min((first for first, _ in spans), default=0), max((last for _, last in spans), default=0)


def _whole_units(amount: Decimal) -> Decimal:
    """Floor what was asked for to what the currency can pay out. Raises NotAllowed for what is no amount at all."""
    if not amount.is_finite() or not money.ZERO <= amount <= money.MAXIMUM:
        raise NotAllowed("Enter an amount, such as 12.50.", field="amount")
    return planning.whole_units(money.round_down(amount))


def _opened_before(customer: User, amount: Decimal, key: UUID) -> Withdrawal | None:
    """Return what this very form opened, also when its money is no longer on the balance to be asked for again."""
    found: Withdrawal | None = Withdrawal.objects.filter(key=key, customer=customer).first()
    return found if found is not None and found.amount == _whole_units(amount) else None


def _balances(customer: User) -> dict[str, Decimal]:
    """Read the customer's balances, not locked; the request checks again under lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, balance FROM billing_account WHERE customer_id = %s", [customer.pk])
        return {kind.value: money.ZERO for kind in CustomerAccount} | dict(cursor.fetchall())
