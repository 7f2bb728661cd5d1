"""A gateway that talks to the sandbox, and payments to refund there."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from billing.gateways.base import DepositRequest, OpenedDeposit, RefundRequest
from billing.gateways.stripe import Stripe
from panel.sandbox.payments import PaymentsSandbox

MakeStripe = Callable[..., Stripe]

FIFTY = DepositRequest(
    key="deposit-3",
    deposit=3,
    amount=Decimal("50.000000"),
    currency="USD",
    customer_email="anna@example.com",
    description="Add 50.00 USD to the balance",
    return_url="https://panel.example.com/balance/add/3/",
    cancel_url="https://panel.example.com/balance/add/",
)


def opened(stripe: Stripe, deposit: int = 3, amount: str = "50.000000") -> OpenedDeposit:
    """Open a deposit of Anna's."""
    return stripe.open_deposit(replace(FIFTY, key=f"deposit-{deposit}", deposit=deposit, amount=Decimal(amount)))


def paid(stripe: Stripe, sandbox: PaymentsSandbox, *, card: str = "visa", deposit: int = 3) -> str:
    """Open a deposit of fifty dollars and pay it; return the payment's reference."""
    session = opened(stripe, deposit)
    sandbox.pay(session.reference, card=card)
    return stripe.fetch_deposit(session.reference).payment_reference


def back(payment: str, amount: str = "20.000000", *, leg: int = 7, attempt: int = 1) -> RefundRequest:
    """Ask for a part of a payment back."""
    return RefundRequest(
        key=f"withdrawal-leg-{leg}-{attempt}",
        leg=leg,
        attempt=attempt,
        payment_reference=payment,
        amount=Decimal(amount),
        currency="USD",
    )
