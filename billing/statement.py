"""The statement of a customer's balance: every transfer that moved it, newest first, with the balance after it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection

from billing.models import CustomerAccount, TransferKind
from panel.accounts.models import User

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer as the customer sees it.

    Attributes:
        number: the transfer's number; lines are in its order.
        amount: what it added to (above zero) or took from (below zero) what the customer can order for. Money scale.
        balance: available and promotional money together after it. Money scale.
        account: the account that it moved; the available one when it moved money between the two.
        order_ref: the order's number, when it is about one.
        deposit_key: the key of the deposit, which its page goes by, when it is about one.
        withdrawal: the withdrawal's number, when it is about one.
        reason: what staff wrote for the customer, for adjustments.
    """

    number: int
    at: datetime
    kind: TransferKind
    amount: Decimal
    balance: Decimal
    account: CustomerAccount
    order_ref: int | None
    deposit_key: UUID | None
    withdrawal: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One page of lines, and the balances of this moment. `older` is the `before` of the next page, None at the end.

    `held` is on its way back to the customer, `disputed` held because his bank disputes a payment, and `owed` what he
    owes; all 0 or more, and none of them is in the lines' balances.
    """

    lines: tuple[Line, ...]
    available: Decimal
    promo: Decimal
    held: Decimal
    disputed: Decimal
    owed: Decimal
    older: int | None

    @property
    def spendable(self) -> Decimal:
        """What the customer can order for."""
        return self.available + self.promo


# One statement, so that lines and balances are of one moment. The balance after a line is today's less what newer
# lines moved; those before the page are summed from the index on (customer, id).
_LINES = """
    WITH own AS MATERIALIZED (
        SELECT coalesce(sum(balance) FILTER (WHERE kind IN ('available', 'promo')), 0) AS total,
               coalesce(sum(balance) FILTER (WHERE kind = 'available'), 0) AS available,
               coalesce(sum(balance) FILTER (WHERE kind = 'held'), 0) AS held,
               (SELECT coalesce(sum(secured), 0) FROM billing_dispute WHERE customer_id = %(customer)s) AS disputed,
               coalesce(-sum(balance) FILTER (WHERE kind = 'debt'), 0) AS owed,
               coalesce(max(id) FILTER (WHERE kind = 'available'), 0) AS available_id,
               coalesce(max(id) FILTER (WHERE kind = 'promo'), 0) AS promo_id
        FROM billing_account WHERE customer_id = %(customer)s
    ), moved AS (
        SELECT t.id, t.at, t.kind, t.order_ref, t.deposit_id, t.withdrawal_id, t.reason,
               CASE WHEN own.available_id IN (t.debit_account_id, t.credit_account_id)
                    THEN 'available' ELSE 'promo' END AS account,
               t.amount * ((t.credit_account_id IN (own.available_id, own.promo_id))::int
                           - (t.debit_account_id IN (own.available_id, own.promo_id))::int) AS delta
        FROM billing_transfer t CROSS JOIN own
        WHERE t.customer_id = %(customer)s
          AND (t.credit_account_id IN (own.available_id, own.promo_id)
               OR t.debit_account_id IN (own.available_id, own.promo_id))
    ), page AS (
        SELECT * FROM moved WHERE %(before)s::bigint IS NULL OR id < %(before)s ORDER BY id DESC LIMIT %(rows)s
    ), newer AS (
        SELECT coalesce(sum(delta), 0) AS delta FROM moved WHERE id >= %(before)s
    )
    SELECT own.total, own.available, own.held - own.disputed, own.disputed, own.owed,
           page.id, page.at, page.kind, page.order_ref, deposit.key, page.withdrawal_id, page.reason, page.account,
           page.delta, own.total - newer.delta + page.delta - sum(page.delta) OVER (ORDER BY page.id DESC)
    FROM own CROSS JOIN newer LEFT JOIN page ON true LEFT JOIN billing_deposit deposit ON deposit.id = page.deposit_id
    ORDER BY page.id DESC
"""


def lines(customer: User, *, before: int | None = None, limit: int = PAGE_SIZE) -> Statement:
    """Return the newest `limit` lines with a number below `before` (None: the newest of all), in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_LINES, {"customer": customer.pk, "before": before, "rows": limit + 1})
        rows = cursor.fetchall()
    total, available, held, disputed, owed = rows[0][:5]
    found = [
        Line(
            number=number,
            at=at,
            kind=TransferKind(kind),
            amount=delta,
            balance=balance,
            account=CustomerAccount(account),
            order_ref=order_ref,
            deposit_key=deposit_key,
            withdrawal=withdrawal,
            reason=reason,
        )
        for number, at, kind, order_ref, deposit_key, withdrawal, reason, account, delta, balance in (
            row[5:] for row in rows if row[5] is not None
        )
    ]
    shown = tuple(found[:limit])
    return Statement(
        lines=shown,
        available=available,
        promo=total - available,
        held=held,
        disputed=disputed,
        owed=owed,
        older=shown[-1].number if len(found) > limit else None,
    )
