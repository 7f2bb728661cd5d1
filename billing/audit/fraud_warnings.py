"""The invariants of fraud warnings: what each says of its refund is what the withdrawal that carries it does.

Set-based: each is one pass over the cases or over the withdrawals that were begun for one.
"""

from collections.abc import Sequence

from billing.audit.checking import Check

CHECKS: Sequence[Check] = (
    Check(
        "a fraud warning is of a deposit of its customer at its gateway",
        """
        SELECT 'fraud warning ' || f.id, 'deposit ' || d.id
        FROM billing_fraudwarning f JOIN billing_deposit d ON d.id = f.deposit_id
        WHERE f.customer_id <> d.customer_id OR f.gateway <> d.gateway
        """,
    ),
    Check(
        "a fraud warning's refund stands as its withdrawal does, which pays back its deposit alone",
        """
        SELECT 'fraud warning ' || f.id, f.state || ' ' || f.refund, w.state || ' ' || w.amount
        FROM billing_fraudwarning f
        JOIN billing_withdrawal w ON w.id = f.withdrawal_id
        WHERE w.origin <> 'warning'
           OR w.customer_id <> f.customer_id
           OR (f.state IN ('refunding', 'refunded') AND f.refund <> w.amount)
           OR (f.state = 'refunded') <> (w.state = 'paid')
           OR (f.state = 'refunding') <> (w.state NOT IN ('paid', 'failed', 'declined', 'canceled'))
           OR EXISTS (
                SELECT FROM billing_withdrawalleg l
                WHERE l.withdrawal_id = w.id AND l.deposit_id IS DISTINCT FROM f.deposit_id
           )
        """,
    ),
    Check(
        "a withdrawal that was begun for a fraud warning and is not over belongs to one",
        """
        SELECT 'withdrawal ' || w.id, w.state
        FROM billing_withdrawal w
        LEFT JOIN billing_fraudwarning f ON f.withdrawal_id = w.id
        WHERE w.origin = 'warning' AND f.id IS NULL AND w.state NOT IN ('failed', 'canceled')
        """,
    ),
    Check(
        "the last event of every fraud warning says its state",
        """
        SELECT 'fraud warning ' || f.id, f.state, 'last event ' || coalesce(e.to_state, 'none')
        FROM billing_fraudwarning f
        LEFT JOIN LATERAL (
            SELECT to_state FROM billing_fraudwarningevent e WHERE e.warning_id = f.id ORDER BY id DESC LIMIT 1
        ) e ON TRUE
        WHERE f.state IS DISTINCT FROM e.to_state
        """,
    ),
)
