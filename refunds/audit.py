"""The whole audit: the ledger's invariants, and that orders, decisions and refund requests agree with it."""

from collections.abc import Sequence

from billing import audit as ledger_audit
from billing.audit import Check, Finding

CHECKS: Sequence[Check] = (
    Check(
        "every order was charged exactly its charge, with the promotional part from the promotional balance",
        """
        SELECT 'order ' || o.id, 'charge ' || o.charge, 'charged ' || coalesce(t.charged, 0)
        FROM orders_order o
        LEFT JOIN (
            SELECT t.order_ref, sum(t.amount) AS charged, sum(t.amount) FILTER (WHERE a.kind = 'promo') AS promo
            FROM billing_transfer t JOIN billing_account a ON a.id = t.debit_account_id
            WHERE t.kind = 'order_placed' GROUP BY t.order_ref
        ) t ON t.order_ref = o.id
        WHERE o.charge <> coalesce(t.charged, 0) OR o.charge_promo <> coalesce(t.promo, 0)
        """,
    ),
    Check(
        "what an order says was refunded is what its transfers gave back, between 0 and the charge",
        """
        SELECT 'order ' || o.id, 'says ' || o.refunded, 'transfers say ' || coalesce(t.refunded, 0)
        FROM orders_order o
        LEFT JOIN (
            SELECT order_ref, sum(amount) AS refunded FROM billing_transfer
            WHERE kind = 'order_refund' GROUP BY order_ref
        ) t ON t.order_ref = o.id
        WHERE o.refunded <> coalesce(t.refunded, 0) OR o.refunded < 0 OR o.refunded > o.charge
        """,
    ),
    Check(
        "what an order says was recognized is what its transfers moved to revenue",
        """
        SELECT 'order ' || o.id, 'says ' || o.recognized, 'transfers say ' || coalesce(t.recognized, 0)
        FROM orders_order o
        LEFT JOIN (
            SELECT order_ref,
                   coalesce(sum(amount) FILTER (WHERE credit_account_id = 3), 0)
                   - coalesce(sum(amount) FILTER (WHERE debit_account_id = 3), 0) AS recognized
            FROM billing_transfer WHERE order_ref IS NOT NULL GROUP BY order_ref
        ) t ON t.order_ref = o.id
        WHERE o.recognized <> coalesce(t.recognized, 0) OR o.refunded + o.recognized > o.charge
        """,
    ),
    Check(
        "transfers of orders name an order of the same customer",
        """
        SELECT 'transfer ' || t.id, t.key FROM billing_transfer t
        LEFT JOIN orders_order o ON o.id = t.order_ref
        WHERE (t.order_ref IS NOT NULL AND (o.id IS NULL OR o.customer_id IS DISTINCT FROM t.customer_id))
           OR (t.order_ref IS NULL AND t.kind LIKE 'order%')
        """,
    ),
    Check(
        "the decisions of an order credited what was refunded",
        """
        SELECT 'order ' || o.id, 'refunded ' || o.refunded, 'decisions say ' || coalesce(d.credited, 0)
        FROM orders_order o
        LEFT JOIN (SELECT order_id, sum(credited) AS credited FROM refunds_decision GROUP BY order_id) d
            ON d.order_id = o.id
        WHERE o.refunded <> coalesce(d.credited, 0)
        """,
    ),
    Check(
        "an ended order has a decision, and nothing of its charge is left in progress unless it waits for review",
        """
        SELECT 'order ' || o.id, o.status, 'in progress ' || (o.charge - o.refunded - o.recognized)
        FROM orders_order o
        WHERE o.status IN ('partial', 'canceled', 'completed')
          AND (
            NOT EXISTS (SELECT 1 FROM refunds_decision d WHERE d.order_id = o.id)
            OR (
                o.charge <> o.refunded + o.recognized
                AND NOT EXISTS (
                    SELECT 1 FROM refunds_decision d WHERE d.order_id = o.id AND d.state = 'awaiting_review'
                )
            )
          )
        """,
    ),
    Check(
        "an order that has not ended is neither refunded nor recognized",
        """
        SELECT 'order ' || id, status, 'refunded ' || refunded FROM orders_order
        WHERE status IN ('pending', 'processing', 'in_progress') AND (refunded <> 0 OR recognized <> 0)
        """,
    ),
    Check(
        "every order and decision carries a policy version that exists, and decisions the order's own",
        """
        SELECT 'order ' || o.id, 'policy version ' || o.policy_version FROM orders_order o
        LEFT JOIN refunds_policyversion v ON v.id = o.policy_version
        LEFT JOIN refunds_decision d ON d.order_id = o.id
        WHERE v.id IS NULL
           OR (d.id IS NOT NULL AND (d.policy_version_id <> o.policy_version OR d.policy_hash <> v.hash))
        """,
    ),
    Check(
        "the last event of every order says its status",
        """
        SELECT 'order ' || o.id, 'status ' || o.status, 'last event ' || coalesce(e.to_status, 'none')
        FROM orders_order o
        LEFT JOIN LATERAL (
            SELECT to_status FROM orders_orderevent e WHERE e.order_id = o.id ORDER BY id DESC LIMIT 1
        ) e ON TRUE
        WHERE o.status IS DISTINCT FROM e.to_status
        """,
    ),
    Check(
        "every decision that waits has an open refund request about its order",
        """
        SELECT 'decision ' || d.id, 'order ' || d.order_id FROM refunds_decision d
        WHERE d.state = 'awaiting_review'
          AND NOT EXISTS (SELECT 1 FROM refunds_refundrequest r WHERE r.order_id = d.order_id AND r.state = 'open')
        """,
    ),
    Check(
        "every open refund request that a policy opened has a decision that waits",
        """
        SELECT 'refund request ' || r.id, 'order ' || r.order_id FROM refunds_refundrequest r
        WHERE r.state = 'open' AND r.origin = 'policy'
          AND NOT EXISTS (
            SELECT 1 FROM refunds_decision d WHERE d.order_id = r.order_id AND d.state = 'awaiting_review'
          )
        """,
    ),
    Check(
        "the facts of every decision and refund request are among those over which policies are proved",
        # What refunds.policy.space.can_be says, set-based; a test holds the two equal.
        """
        SELECT f.of || ' ' || f.id, f.status || ', delivered ' || f.delivery || ', refill ' || f.refill,
               'placed ' || f.since_placed || ', hours since the end ' || coalesce(f.hours::text, 'none')
        FROM (
            SELECT of, id, facts ->> 'status' AS status, facts ->> 'delivery' AS delivery,
                   coalesce(facts ->> 'refill', 'not_offered') AS refill, facts ->> 'since_placed' AS since_placed,
                   facts ->> 'since_final' AS since_final, nullif(facts ->> 'hours_since_final', '')::bigint AS hours
            FROM (
                SELECT 'decision' AS of, id, facts FROM refunds_decision
                UNION ALL SELECT 'refund request', id, facts FROM refunds_refundrequest
            ) stored
        ) f
        WHERE (f.status = 'pending' AND f.delivery <> 'none')
           OR (f.status = 'completed' AND f.delivery <> 'all')
           OR (f.status IN ('partial', 'canceled', 'completed')) = (f.since_final = 'not_final')
           OR (f.refill IN ('running', 'refused') AND f.status NOT IN ('partial', 'completed'))
           OR f.hours > CASE f.since_placed
                WHEN 'within_hour' THEN 1 WHEN 'within_day' THEN 24 WHEN 'within_month' THEN 720 END
        """,
    ),
    Check(
        "a refund request has its order's customer and policy version, and its decision is one of its order",
        """
        SELECT 'refund request ' || r.id, 'order ' || r.order_id, 'decision ' || coalesce(d.id::text, 'none')
        FROM refunds_refundrequest r
        LEFT JOIN orders_order o ON o.id = r.order_id
        LEFT JOIN refunds_decision d ON d.id = r.decision_id
        WHERE o.customer_id IS DISTINCT FROM r.customer_id OR o.policy_version IS DISTINCT FROM r.policy_version_id
           OR d.order_id <> r.order_id
        """,
    ),
    Check(
        "a refund request credited what its decision says, and its transfers gave back no more than it credited",
        """
        SELECT 'refund request ' || r.id, 'amount ' || r.amount, 'decision says ' || coalesce(d.credited::text, 'none'),
               'transfers say ' || coalesce(t.credited, 0)
        FROM refunds_refundrequest r
        LEFT JOIN refunds_decision d ON d.id = r.decision_id
        LEFT JOIN (
            SELECT split_part(key, ':', 2)::bigint AS request_id, sum(amount) AS credited FROM billing_transfer
            WHERE kind = 'order_refund' AND key LIKE 'refund_request:%' GROUP BY 1
        ) t ON t.request_id = r.id
        WHERE (d.id IS NOT NULL AND (r.amount <> d.credited OR coalesce(t.credited, 0) <> r.amount))
           OR coalesce(t.credited, 0) > r.amount
           OR (r.state <> 'approved' AND t.credited > 0)
        """,
    ),
    Check(
        "what the refund requests of an order credited, its decisions of the same moments did",
        """
        SELECT 'order ' || r.order_id, 'requests say ' || sum(r.amount),
               'decisions say ' || coalesce(max(d.credited), 0)
        FROM refunds_refundrequest r
        LEFT JOIN LATERAL (
            SELECT sum(d.credited) AS credited FROM refunds_decision d
            WHERE d.order_id = r.order_id AND EXISTS (
                SELECT 1 FROM refunds_refundrequest a
                WHERE a.order_id = d.order_id AND a.amount > 0 AND a.closed_at IN (d.at, d.reviewed_at)
            )
        ) d ON TRUE
        WHERE r.amount > 0
        GROUP BY r.order_id
        HAVING sum(r.amount) > coalesce(max(d.credited), 0)
        """,
    ),
    Check(
        "the last answer in the log of every refund request is its state",
        """
        SELECT 'refund request ' || r.id, 'state ' || r.state, 'last answer ' || coalesce(e.kind, 'none')
        FROM refunds_refundrequest r
        LEFT JOIN LATERAL (
            SELECT kind FROM refunds_refundrequestevent e
            WHERE e.request_id = r.id AND e.kind IN ('opened', 'approved', 'declined', 'withdrawn', 'superseded')
            ORDER BY id DESC LIMIT 1
        ) e ON TRUE
        WHERE e.kind IS DISTINCT FROM CASE r.state WHEN 'open' THEN 'opened' ELSE r.state END
        """,
    ),
)


def findings() -> list[Finding]:
    """Return every broken invariant of the books; empty when all is right."""
    return [*ledger_audit.findings(), *ledger_audit.run(CHECKS)]
