"""Debt: what a customer owes the panel, because more left his balance than was on it; money that comes pays it off."""

from decimal import Decimal

from billing.ledger import NewTransfer, Wallet
from billing.models import TransferKind
from panel.kernel import money


def owed(wallet: Wallet) -> Decimal:
    """Return what the owner of these accounts owes: zero or more, at the money scale."""
    return money.exact(-wallet.debt)


def paid_off(
    wallet: Wallet, amount: Decimal, *, key: str, customer_id: int, withdrawal_id: int | None = None
) -> list[NewTransfer]:
    """Return the transfer that pays off `amount` of the debt out of the available balance; none for nothing."""
    if amount <= 0:
        return []
    return [
        NewTransfer(
            key=key,
            kind=TransferKind.DEBT_SETTLED,
            debit=wallet.available_id,
            credit=wallet.debt_id,
            amount=money.exact(amount),
            customer_id=customer_id,
            withdrawal_id=withdrawal_id,
        )
    ]
