"""The invariants of disputes: what was booked is what each says, and what deposits say is claimed is what they claim.

Set-based: each is one pass over the disputes. 4 is the house's fees, 6 and 7 are the clearing accounts.
"""

from collections.abc import Sequence

from billing.audit.checking import Check

_KINDS = (
    "('dispute_held', 'dispute_returned', 'dispute_lost', 'dispute_reinstated', 'dispute_fee', 'dispute_fee_returned')"
)

CHECKS: Sequence[Check] = (
    Check(
        "what the transfers of a dispute leave held, lost and charged is what it says",
        f"""
        SELECT 'dispute ' || d.id, d.standing,
               'says ' || d.secured || ' held, ' || d.lost || ' lost, ' || d.fee || ' fee',
               'transfers say ' || coalesce(t.held, 0) || ', ' || coalesce(t.lost, 0) || ', ' || coalesce(t.fee, 0)
        FROM billing_dispute d
        LEFT JOIN (
            SELECT split_part(t.key, ':', 2) AS dispute,
                   sum(CASE WHEN c.kind = 'held' THEN t.amount WHEN b.kind = 'held' THEN -t.amount ELSE 0 END) AS held,
                   sum(CASE WHEN t.credit_account_id IN (6, 7) THEN t.amount
                            WHEN t.debit_account_id IN (6, 7) THEN -t.amount ELSE 0 END) AS lost,
                   sum(CASE WHEN t.credit_account_id = 4 THEN t.amount
                            WHEN t.debit_account_id = 4 THEN -t.amount ELSE 0 END) AS fee
            FROM billing_transfer t
            JOIN billing_account b ON b.id = t.debit_account_id
            JOIN billing_account c ON c.id = t.credit_account_id
            WHERE t.kind IN {_KINDS}
            GROUP BY 1
        ) t ON t.dispute = d.id::text
        WHERE (d.secured, d.lost, d.fee) IS DISTINCT FROM (coalesce(t.held, 0), coalesce(t.lost, 0), coalesce(t.fee, 0))
        """,  # noqa: S608 - fixed words
    ),
    Check(
        "every transfer of a dispute belongs to one, is of its customer and deposit, and moves between its accounts",
        f"""
        SELECT 'transfer ' || t.id, t.key, t.kind
        FROM billing_transfer t
        LEFT JOIN billing_dispute d ON d.id::text = split_part(t.key, ':', 2)
        LEFT JOIN billing_account b ON b.id = t.debit_account_id
        LEFT JOIN billing_account c ON c.id = t.credit_account_id
        WHERE t.kind IN {_KINDS} AND (
            t.key LIKE 'dispute:%' AND t.customer_id = d.customer_id AND t.deposit_id = d.deposit_id
            AND CASE t.kind
                WHEN 'dispute_held' THEN b.kind IN ('available', 'debt') AND c.kind = 'held'
                WHEN 'dispute_returned' THEN b.kind = 'held' AND c.kind IN ('available', 'debt')
                WHEN 'dispute_lost' THEN b.kind = 'held' AND c.id = CASE d.gateway WHEN 'stripe' THEN 6 ELSE 7 END
                WHEN 'dispute_reinstated' THEN
                    c.kind = 'held' AND b.id = CASE d.gateway WHEN 'stripe' THEN 6 ELSE 7 END
                WHEN 'dispute_fee' THEN b.kind IN ('available', 'debt') AND c.id = 4
                ELSE b.id = 4 AND c.kind IN ('available', 'debt')
            END
        ) IS NOT TRUE
        """,  # noqa: S608 - fixed words
    ),
    Check(
        "what a deposit says is disputed is what its disputes claim, as far as it was not paid back otherwise",
        """
        SELECT 'deposit ' || d.id, 'says ' || d.disputed, 'disputes claim ' || coalesce(c.claimed, 0)
        FROM billing_deposit d
        LEFT JOIN (
            SELECT deposit_id, sum(secured + lost) AS claimed FROM billing_dispute GROUP BY deposit_id
        ) c ON c.deposit_id = d.id
        WHERE d.disputed <> least(coalesce(c.claimed, 0), d.amount - d.refunded - d.reserved)
        """,
    ),
    Check(
        "a dispute is of a deposit of its customer at its gateway",
        """
        SELECT 'dispute ' || x.id, 'deposit ' || d.id
        FROM billing_dispute x JOIN billing_deposit d ON d.id = x.deposit_id
        WHERE x.customer_id <> d.customer_id OR x.gateway <> d.gateway
        """,
    ),
    Check(
        "the last event of every dispute says its standing",
        """
        SELECT 'dispute ' || d.id, d.standing, 'last event ' || coalesce(e.to_standing, 'none')
        FROM billing_dispute d
        LEFT JOIN LATERAL (
            SELECT to_standing FROM billing_disputeevent e WHERE e.dispute_id = d.id ORDER BY id DESC LIMIT 1
        ) e ON TRUE
        WHERE d.standing IS DISTINCT FROM e.to_standing
        """,
    ),
)
