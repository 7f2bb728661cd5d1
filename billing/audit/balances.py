"""The invariants of accounts and transfers by themselves."""

from collections.abc import Sequence

from billing.audit.checking import Check

CHECKS: Sequence[Check] = (
    Check(
        "the stored balance of every customer account is the sum of its transfers",
        """
        SELECT 'account ' || a.id, 'stores ' || a.balance, 'transfers say ' || coalesce(s.total, 0)
        FROM billing_account a
        LEFT JOIN (
            SELECT account_id, sum(delta) AS total FROM (
                SELECT credit_account_id AS account_id, amount AS delta FROM billing_transfer
                UNION ALL SELECT debit_account_id, -amount FROM billing_transfer
            ) sides GROUP BY account_id
        ) s ON s.account_id = a.id
        WHERE a.customer_id IS NOT NULL AND a.balance <> coalesce(s.total, 0)
        """,
    ),
    Check(
        "available, held and promotional balances are not negative, debt is not positive",
        """
        SELECT 'account ' || id, kind, 'stores ' || balance FROM billing_account
        WHERE (kind IN ('available', 'held', 'promo') AND balance < 0) OR (kind = 'debt' AND balance > 0)
        """,
    ),
    Check(
        "house accounts store no balance, customer accounts do",
        """
        SELECT 'account ' || id, kind FROM billing_account WHERE (customer_id IS NULL) <> (balance IS NULL)
        """,
    ),
    Check(
        "every transfer joins two different accounts that exist, with an amount above zero",
        """
        SELECT 'transfer ' || t.id, t.key FROM billing_transfer t
        LEFT JOIN billing_account d ON d.id = t.debit_account_id
        LEFT JOIN billing_account c ON c.id = t.credit_account_id
        WHERE d.id IS NULL OR c.id IS NULL OR d.id = c.id OR t.amount <= 0
        """,
    ),
    Check(
        "every transfer names the customer whose account it moves",
        """
        SELECT 'transfer ' || t.id, t.key FROM billing_transfer t
        JOIN billing_account a ON a.id IN (t.debit_account_id, t.credit_account_id)
        WHERE a.customer_id IS NOT NULL AND a.customer_id IS DISTINCT FROM t.customer_id
        """,
    ),
    Check(
        "adjustments carry a reason and an author",
        "SELECT 'transfer ' || id, key FROM billing_transfer"
        " WHERE kind = 'adjustment' AND (reason = '' OR author_id IS NULL)",
    ),
)
