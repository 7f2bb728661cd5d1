"""Debt: what a customer owes the panel, because more left his balance than was on it; money that comes pays it off.

Whoever credits an available balance calls `pay_first` in the same transaction. So nobody has money to spend while he
owes some, and it doesn't matter in which order debts and credits came.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import connection

from billing import ledger
from billing.ledger import NewTransfer, Wallet
from billing.models import TransferKind
from panel.kernel import money
from panel.postgres import prepared

# The available accounts are locked already, by whoever credited them, and no debt moves without that lock.
_OWING = prepared.Statement(
    "debts_owing",
    """
    SELECT d.customer_id, a.id, a.balance, d.id, d.balance
    FROM billing_account d
    JOIN billing_account a ON a.customer_id = d.customer_id AND a.kind = 'available'
    WHERE d.customer_id = ANY(%s::bigint[]) AND d.kind = 'debt' AND d.balance < 0 AND a.balance > 0
    ORDER BY d.id FOR NO KEY UPDATE OF d
    """,
)


def owed(wallet: Wallet) -> Decimal:
    """Return what the owner of these accounts owes: zero or more, at the money scale."""
    return money.exact(-wallet.debt)


def pay_first(keys: Mapping[int, str], *, at: datetime) -> None:
    """Pay the debt of these customers out of their available balance, as far as it reaches.

    `keys` has for each customer who was credited the idempotency key of the payment. Runs in the caller's transaction,
    after the credits were posted; one statement when nobody owes anything.
    """
    if not keys:
        return
    with connection.cursor() as cursor:
        _OWING.run(cursor, [list(keys)])
        rows = cursor.fetchall()
    ledger.post(
        [
            NewTransfer(
                key=keys[customer_id],
                kind=TransferKind.DEBT_SETTLED,
                debit=available_id,
                credit=debt_id,
                amount=money.exact(min(available, -debt)),
                customer_id=customer_id,
            )
            for customer_id, available_id, available, debt_id, debt in rows
        ],
        at=at,
    )
