"""Withdrawals under terms of a test's own, whatever the policy in force says, and what staff do about them."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from billing import arrangements, planning, withdrawals
from billing.models import Arrangement, PayoutKind, Withdrawal
from billing.withdrawals import Terms
from panel.accounts import suspension
from panel.accounts.models import User
from tests.factories.orders import AT
from tests.factories.payments import HOUR
from tests.factories.people import make_staff

TERMS = Terms(
    policy_version=1,
    clause="withdrawals",
    sentence="It is sent within 3 to 5 business days.",
    review_reason="",
    alternative_allowed=True,
    send_at=AT + HOUR,
    earliest=date(2026, 11, 5),
    send_by=date(2026, 11, 9),
    overdue_at=AT + timedelta(days=8),
    bank_by=date(2026, 11, 24),
)


def digest(customer: User, amount: str) -> str:
    """Return what the customer confirms by asking for this amount now."""
    deposits = list(planning.refundable_deposits(customer.pk))
    return planning.plan(Decimal(amount), deposits, at=AT).digest


def open_one(
    customer: User, amount: str, *, terms: Terms = TERMS, key: UUID | None = None, confirmed: str | None = None
) -> Withdrawal:
    """Open a withdrawal under these terms, by default confirming the plan of this moment."""
    return withdrawals.open(
        customer=customer,
        amount=Decimal(amount),
        terms=terms,
        key=key or uuid4(),
        confirmed=digest(customer, amount) if confirmed is None else confirmed,
        at=AT,
    )


def reviewed(customer: User, amount: str = "20") -> Withdrawal:
    """Open a withdrawal that waits for a review."""
    return open_one(customer, amount, terms=replace(TERMS, review_reason="Large."))


def propose(
    withdrawal: Withdrawal,
    destination: str,
    *,
    kind: PayoutKind = PayoutKind.BANK,
    staff: User | None = None,
    at: datetime = AT + HOUR,
) -> Arrangement:
    """Propose a way for the leg of a withdrawal that no payment takes back; the customer has yet to agree."""
    return arrangements.propose(
        arrangement_id=Arrangement.objects.get(leg__withdrawal=withdrawal).pk,
        kind=kind,
        destination=destination,
        verification="Passport seen.",
        staff=staff or make_staff(),
        at=at,
    )


def suspend(customer: User) -> None:
    """Suspend the account, as staff do; the object at hand is left as it was."""
    suspension.suspend(user=User.objects.get(pk=customer.pk), reason="Chargeback.", at=AT)
