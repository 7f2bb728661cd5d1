"""Deposits and withdrawals in any state, brought there through the use cases and a running sandbox."""

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from billing import deposits, receipts
from billing.models import Deposit, DepositState, PayoutKind, Withdrawal, WithdrawalLeg
from billing.sending import calls, claims, outcomes
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from refunds import balance_refunds
from tests.factories.orders import AT
from tests.factories.people import make_staff

_receipts = itertools.count(1)

PAGE = "https://panel.example.com/balance/add/1/"
HOUR = timedelta(hours=1)


def open_deposit(
    customer: User, amount: str = "50", *, key: UUID | None = None, address: str | None = None, at: datetime = AT
) -> Deposit:
    """Open a deposit at the gateway in the settings (the `payments` fixture's); nothing is paid yet."""
    return deposits.open(
        customer=customer,
        amount=Decimal(amount),
        key=key or uuid4(),
        page_url=PAGE,
        policy_version=1,
        address=address,
        at=at,
    )


def pay_in(
    customer: User, payments: PaymentsSandbox, amount: str = "50", *, card: str = "visa", at: datetime = AT
) -> Deposit:
    """Open a deposit, pay it in the sandbox with one of its cards, and take in what came of it."""
    deposit = open_deposit(customer, amount, at=at)
    assert deposit.reference
    payments.pay(deposit.reference, card=card)
    deposit = deposits.refresh(deposit.pk, at=at)
    assert deposit.state in {DepositState.PAID, DepositState.DELAYED}
    return deposit


def receive_by_hand(
    customer: User,
    amount: str = "50",
    *,
    kind: PayoutKind = PayoutKind.BANK,
    staff: User | None = None,
    at: datetime = AT,
) -> Deposit:
    """Record a payment that staff saw arrive at the bank, each with a reference of its own."""
    return receipts.record(
        customer=customer,
        amount=Decimal(amount),
        kind=kind,
        reference=f"transfer-{next(_receipts)}",
        sender="DE02 1203 0000 0000 2020 51",
        staff=staff or make_staff(),
        at=at,
    )


def withdraw(customer: User, amount: str, *, key: UUID | None = None, at: datetime = AT) -> Withdrawal:
    """Ask for a part of the balance back, as the policy in force allows, confirming the plan of this moment."""
    customer.refresh_from_db()
    quote = balance_refunds.quote(customer=customer, amount=Decimal(amount), at=at)
    return balance_refunds.request(
        customer=customer, amount=Decimal(amount), key=key or uuid4(), confirmed=quote.plan.digest, at=at
    )


def send_due(at: datetime = AT + HOUR) -> int:
    """Claim, call and record once everything that is due at `at`; return how many calls were made."""
    claimed = claims.claim_due(limit=500, at=at)
    outcomes.record(calls.carry_out(claimed), at=at)
    return len(claimed)


def only_leg(withdrawal: Withdrawal) -> WithdrawalLeg:
    """Read the leg of a withdrawal that has one, as it is now."""
    return WithdrawalLeg.objects.select_related("deposit", "withdrawal").get(withdrawal=withdrawal)
