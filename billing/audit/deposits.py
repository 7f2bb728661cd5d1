"""The invariants of deposits: credited once, what was received, and never given back twice.

Set-based: each is one pass over the deposits. 6 and 7 are the clearing accounts (billing.models.House).
"""

from collections.abc import Sequence

from billing.audit.checking import Check

CHECKS: Sequence[Check] = (
    Check(
        "a deposit was credited once when paid: what was received, from its gateway's clearing; and else never",
        # A second transfer for one deposit has another key, because keys are unique.
        """
        SELECT 'deposit ' || d.id, d.state || ' ' || d.amount, 'credited ' || coalesce(t.amount, 0)
        FROM billing_deposit d
        LEFT JOIN billing_transfer t ON t.deposit_id = d.id AND t.kind = 'deposit'
        LEFT JOIN billing_account a ON a.id = t.credit_account_id
        WHERE (d.state = 'paid') <> (t.id IS NOT NULL)
           OR (t.id IS NOT NULL AND (
                t.key = 'deposit:' || d.id
                AND t.amount = d.amount
                AND t.customer_id = d.customer_id
                AND t.debit_account_id = CASE d.gateway WHEN 'stripe' THEN 6 WHEN 'manual' THEN 7 END
                AND a.customer_id = d.customer_id
                AND a.kind = 'available'
              ) IS NOT TRUE)
        """,
    ),
    Check(
        "what a deposit says is reserved and refunded is what its legs hold and have paid",
        """
        SELECT 'deposit ' || d.id, 'says ' || d.reserved || ' and ' || d.refunded,
               'legs say ' || coalesce(l.held, 0) || ' and ' || coalesce(l.paid, 0)
        FROM billing_deposit d
        LEFT JOIN (
            SELECT deposit_id,
                   sum(amount) FILTER (WHERE state IN ('arranging', 'planned', 'sending', 'unknown', 'sent')) AS held,
                   sum(amount) FILTER (WHERE state = 'paid') AS paid
            FROM billing_withdrawalleg WHERE deposit_id IS NOT NULL GROUP BY deposit_id
        ) l ON l.deposit_id = d.id
        WHERE d.reserved <> coalesce(l.held, 0) OR d.refunded <> coalesce(l.paid, 0)
        """,
    ),
    Check(
        "refunded, reserved and disputed parts of a deposit are not negative and together not above what was received",
        """
        SELECT 'deposit ' || id, 'received ' || amount, 'given back or held ' || refunded + reserved + disputed
        FROM billing_deposit
        WHERE least(refunded, reserved, disputed) < 0 OR refunded + reserved + disputed > amount
        """,
    ),
    Check(
        "transfers that name a deposit are of its customer",
        """
        SELECT 'transfer ' || t.id, t.key FROM billing_transfer t
        JOIN billing_deposit d ON d.id = t.deposit_id
        WHERE t.customer_id IS DISTINCT FROM d.customer_id
        """,
    ),
)
