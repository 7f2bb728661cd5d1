"""The invariants of withdrawals: every amount held, paid, returned and reversed exactly as the legs say.

Set-based: each is one pass over the withdrawals or their legs. 6 and 7 are the clearing accounts
(billing.models.House).
"""

from collections.abc import Sequence

from billing.audit.checking import Check

CHECKS: Sequence[Check] = (
    Check(
        "the legs of a withdrawal add up to its amount",
        """
        SELECT 'withdrawal ' || w.id, 'amount ' || w.amount, 'legs say ' || coalesce(l.total, 0)
        FROM billing_withdrawal w
        LEFT JOIN (
            SELECT withdrawal_id, sum(amount) AS total FROM billing_withdrawalleg GROUP BY withdrawal_id
        ) l ON l.withdrawal_id = w.id
        WHERE w.amount <> coalesce(l.total, 0)
        """,
    ),
    Check(
        "a leg goes back to a deposit of the same customer at the same gateway, or has an arrangement",
        """
        SELECT 'leg ' || l.id, 'deposit ' || coalesce(l.deposit_id::text, 'none')
        FROM billing_withdrawalleg l
        JOIN billing_withdrawal w ON w.id = l.withdrawal_id
        LEFT JOIN billing_deposit d ON d.id = l.deposit_id
        LEFT JOIN billing_arrangement a ON a.leg_id = l.id
        WHERE (d.id IS NULL AND a.id IS NULL) OR d.customer_id <> w.customer_id OR d.gateway <> l.gateway
        """,
    ),
    Check(
        "what is held of a customer is what open legs and disputes hold",
        """
        SELECT 'customer ' || coalesce(a.customer_id, c.customer_id), 'held ' || coalesce(a.balance, 0),
               'claimed ' || coalesce(c.total, 0)
        FROM (SELECT customer_id, balance FROM billing_account WHERE kind = 'held') a
        FULL JOIN (
            SELECT customer_id, sum(amount) AS total
            FROM (
                SELECT w.customer_id, l.amount
                FROM billing_withdrawalleg l JOIN billing_withdrawal w ON w.id = l.withdrawal_id
                WHERE l.state IN ('arranging', 'planned', 'sending', 'unknown', 'sent')
                UNION ALL SELECT customer_id, secured FROM billing_dispute
            ) claims
            GROUP BY customer_id
        ) c ON c.customer_id = a.customer_id
        WHERE coalesce(a.balance, 0) <> coalesce(c.total, 0)
        """,
    ),
    Check(
        "what was taken for a withdrawal is its amount",
        """
        SELECT 'withdrawal ' || w.id, 'amount ' || w.amount, 'taken ' || coalesce(t.taken, 0)
        FROM billing_withdrawal w
        LEFT JOIN (
            SELECT withdrawal_id, sum(amount) AS taken FROM billing_transfer
            WHERE withdrawal_id IS NOT NULL AND kind IN ('withdrawal_opened', 'gateway_refund')
            GROUP BY withdrawal_id
        ) t ON t.withdrawal_id = w.id
        WHERE w.amount <> coalesce(t.taken, 0)
        """,
    ),
    Check(
        "every leg has exactly the transfers that its history demands",
        """
        SELECT 'leg ' || l.id, l.state || ' ' || l.amount, e.what || ' ' || coalesce(t.amount, 0)
        FROM billing_withdrawalleg l
        CROSS JOIN LATERAL (VALUES
            ('paid', 'withdrawal_paid', l.state = 'paid' OR (l.state = 'failed' AND l.paid_at IS NOT NULL)),
            ('reversed', 'withdrawal_reversed', l.state = 'failed' AND l.paid_at IS NOT NULL),
            ('returned', 'withdrawal_returned', l.state = 'canceled' OR (l.state = 'failed' AND l.paid_at IS NULL))
        ) AS e (what, kind, demanded)
        LEFT JOIN billing_transfer t ON t.key = 'leg:' || l.id || ':' || e.what
        WHERE e.demanded <> (t.id IS NOT NULL)
           OR (t.id IS NOT NULL AND (
                t.kind = e.kind
                AND t.amount = l.amount
                AND t.withdrawal_id = l.withdrawal_id
                AND t.deposit_id IS NOT DISTINCT FROM l.deposit_id
              ) IS NOT TRUE)
        """,
    ),
    Check(
        "every transfer of a withdrawal belongs to it or to a leg of it, and moves between the accounts of its kind",
        """
        SELECT 'transfer ' || t.id, t.key, t.kind
        FROM billing_transfer t
        JOIN billing_withdrawal w ON w.id = t.withdrawal_id
        LEFT JOIN billing_withdrawalleg l ON l.withdrawal_id = w.id AND l.id::text = split_part(t.key, ':', 2)
        LEFT JOIN billing_account d ON d.id = t.debit_account_id
        LEFT JOIN billing_account c ON c.id = t.credit_account_id
        CROSS JOIN LATERAL (
            SELECT 'leg:' || l.id || ':' AS leg,
                   CASE l.gateway WHEN 'stripe' THEN 6 WHEN 'manual' THEN 7 END AS clearing
        ) own
        WHERE (t.customer_id = w.customer_id AND CASE t.kind
            WHEN 'withdrawal_opened' THEN
                w.origin IN ('customer', 'warning') AND t.key = 'withdrawal:' || w.id || ':opened'
                AND d.kind = 'available' AND c.kind = 'held'
            WHEN 'gateway_refund' THEN
                w.origin = 'gateway' AND c.kind = 'held' AND (
                    (t.key = own.leg || 'taken:balance' AND d.kind = 'available')
                    OR (t.key = own.leg || 'taken:debt' AND d.kind = 'debt')
                )
            WHEN 'withdrawal_paid' THEN t.key = own.leg || 'paid' AND d.kind = 'held' AND c.id = own.clearing
            WHEN 'withdrawal_reversed' THEN
                t.key = own.leg || 'reversed' AND d.id = own.clearing AND c.kind = 'available'
            WHEN 'withdrawal_returned' THEN t.key = own.leg || 'returned' AND d.kind = 'held' AND c.kind = 'available'
            WHEN 'debt_settled' THEN
                w.origin = 'gateway' AND t.key = own.leg || 'debt' AND d.kind = 'available' AND c.kind = 'debt'
            ELSE FALSE
        END) IS NOT TRUE
        """,
    ),
    Check(
        "what the transfers of a withdrawal leave held is what its legs hold, and nothing once it is over",
        """
        SELECT 'withdrawal ' || w.id, w.state, 'held ' || coalesce(t.held, 0), 'legs hold ' || coalesce(l.held, 0)
        FROM billing_withdrawal w
        LEFT JOIN (
            SELECT sides.withdrawal_id, sum(sides.delta) AS held
            FROM (
                SELECT withdrawal_id, credit_account_id AS account_id, amount AS delta
                FROM billing_transfer WHERE withdrawal_id IS NOT NULL
                UNION ALL SELECT withdrawal_id, debit_account_id, -amount
                FROM billing_transfer WHERE withdrawal_id IS NOT NULL
            ) sides
            JOIN billing_account a ON a.id = sides.account_id AND a.kind = 'held'
            GROUP BY sides.withdrawal_id
        ) t ON t.withdrawal_id = w.id
        LEFT JOIN (
            SELECT withdrawal_id, sum(amount) AS held FROM billing_withdrawalleg
            WHERE state IN ('arranging', 'planned', 'sending', 'unknown', 'sent') GROUP BY withdrawal_id
        ) l ON l.withdrawal_id = w.id
        WHERE coalesce(t.held, 0) <> coalesce(l.held, 0)
           OR (w.state IN ('paid', 'failed', 'declined', 'canceled') AND coalesce(t.held, 0) <> 0)
        """,
    ),
    Check(
        "a withdrawal is in the state that its legs say, unless a person decided or has to decide",
        # The mirror of billing.models.withdrawal.state_of; what was declined or canceled has sent nothing.
        """
        SELECT 'withdrawal ' || w.id, w.state, 'legs: ' || l.states
        FROM billing_withdrawal w
        JOIN (
            SELECT withdrawal_id, string_agg(DISTINCT state, ' ') AS states,
                   bool_or(state = 'unknown') AS unknown, bool_or(state = 'sending') AS sending,
                   bool_or(state = 'planned') AS planned, bool_or(state = 'arranging') AS arranging,
                   bool_or(state = 'sent') AS sent, bool_or(state = 'paid') AS paid,
                   bool_or(state = 'failed') AS failed
            FROM billing_withdrawalleg GROUP BY withdrawal_id
        ) l ON l.withdrawal_id = w.id
        WHERE CASE
            WHEN w.state = 'in_review' THEN FALSE
            WHEN w.state IN ('declined', 'canceled') THEN unknown OR sending OR planned OR arranging OR sent OR paid
            ELSE w.state <> CASE
                WHEN unknown THEN 'unknown'
                WHEN sending THEN 'sending'
                WHEN (planned OR arranging) AND (sent OR paid) THEN 'sending'
                WHEN planned THEN 'scheduled'
                WHEN arranging THEN 'requested'
                WHEN sent THEN 'sent'
                WHEN paid THEN 'paid'
                WHEN failed THEN 'failed'
                ELSE 'canceled'
            END
        END
        """,
    ),
    Check(
        "the last event of every withdrawal says its state",
        """
        SELECT 'withdrawal ' || w.id, w.state, 'last event ' || coalesce(e.to_state, 'none')
        FROM billing_withdrawal w
        LEFT JOIN LATERAL (
            SELECT to_state FROM billing_withdrawalevent e
            WHERE e.withdrawal_id = w.id AND e.leg_id IS NULL ORDER BY id DESC LIMIT 1
        ) e ON TRUE
        WHERE w.state IS DISTINCT FROM e.to_state
        """,
    ),
    Check(
        "the last event of every leg says its state; one without events never moved",
        """
        SELECT 'leg ' || l.id, l.state, 'last event ' || coalesce(e.to_state, 'none')
        FROM billing_withdrawalleg l
        JOIN billing_withdrawal w ON w.id = l.withdrawal_id
        LEFT JOIN LATERAL (
            SELECT to_state FROM billing_withdrawalevent e
            WHERE e.withdrawal_id = l.withdrawal_id AND e.leg_id = l.id ORDER BY id DESC LIMIT 1
        ) e ON TRUE
        WHERE CASE
            WHEN e.to_state IS NOT NULL THEN l.state <> e.to_state
            WHEN w.origin = 'gateway' THEN l.state <> 'sending'
            ELSE l.state NOT IN ('planned', 'arranging')
        END
        """,
    ),
)
