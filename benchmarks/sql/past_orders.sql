-- Ended orders with their decisions, evenly over a period, written in a few statements. `start_count` numbers them.
-- A fifth each ends in one of five ways; terms, standing, age and refill make more kinds of facts of them.

DELETE FROM refunds_refundrequest r USING orders_order o
WHERE o.id = r.order_id AND o.placed_at >= %(since)s AND o.placed_at < %(until)s;
DELETE FROM refunds_decision d USING orders_order o
WHERE o.id = d.order_id AND o.placed_at >= %(since)s AND o.placed_at < %(until)s;
DELETE FROM orders_order WHERE placed_at >= %(since)s AND placed_at < %(until)s;

INSERT INTO orders_order (customer_id, service_id, service_name, service_type, category, terms, allows_cancel,
    allows_refill, policy_version, link, quantity, rate, charge, charge_promo, refunded, recognized, status, remains,
    start_count, placed_at, final_at, provider_service_id, provider_order_id, holds_link)
SELECT %(first_customer)s + n / 3 %% %(customers)s, %(first_service)s + n / 5 %% %(services)s, 'Bench', 'Default',
    1 + n / 100 %% 6, CASE n / 11 %% 4 WHEN 0 THEN 'no_refund_after_start' ELSE 'standard' END, FALSE,
    FALSE, %(policy)s, 'https://example.com/launch', 1000, 1, charge, 0, trunc(charge * refunded, 6), 0, status,
    1000 * undelivered, n, placed_at, placed_at + interval '1 day', '', '', FALSE
FROM generate_series(0, %(orders)s - 1) n
JOIN (VALUES (0, 'completed', 0, 0), (1, 'partial', 0.4, 0.4), (2, 'canceled', 1, 1), (3, 'canceled', 1, 1),
             (4, 'partial', 0.5, 0)) AS e(number, status, undelivered, refunded) ON e.number = n %% 5
CROSS JOIN LATERAL (SELECT 1.5 + n %% 97 AS charge,
    %(since)s::timestamptz + (%(until)s::timestamptz - %(since)s::timestamptz) * (n::float / %(orders)s) AS placed_at) x
ORDER BY n;

INSERT INTO refunds_decision (order_id, at, policy_version_id, policy_hash, clause, facts, refund, approval, remains,
    owed, credited, sentence, state, reviewed_by_id, reviewed_at, review_note)
SELECT o.id, o.final_at, o.policy_version, repeat('0', 64), e.clause,
    jsonb_build_object('status', o.status, 'delivery', e.delivery, 'cause', e.cause, 'initiator', e.initiator,
        'terms', o.terms, 'standing', CASE n / 7 %% 50 WHEN 0 THEN 'abuse_flagged' WHEN 1 THEN 'fraud_suspected'
        ELSE 'clear' END, 'since_placed', (ARRAY['within_hour', 'within_day', 'within_month', 'older'])[1 + n / 13 %% 4],
        'since_final', 'within_day', 'refill', CASE n / 17 %% 2 WHEN 0 THEN 'available' ELSE 'not_offered' END,
        'hours_since_final', '0', 'service', o.service_id::text, 'category', o.category::text),
    'undelivered', 'automatic', o.remains, greatest(o.refunded, 0.000001), o.refunded,
    'Credited, with a sentence of about the usual length about what came back and why it did.',
    e.state, CASE e.state WHEN 'declined' THEN %(staff)s END, CASE e.state WHEN 'declined' THEN o.final_at END, ''
FROM orders_order o
CROSS JOIN LATERAL (SELECT o.start_count AS n) numbered
JOIN (VALUES (0, 'completed', 'all', 'delivered', 'provider', 'settled'),
             (1, 'partly-delivered', 'some', 'cannot_complete', 'provider', 'settled'),
             (2, 'canceled-by-provider', 'none', 'provider_canceled', 'provider', 'settled'),
             (3, 'canceled-by-customer', 'none', 'change_of_mind', 'customer', 'settled'),
             (4, 'special-cause', 'some', 'invalid_target', 'staff', 'declined'))
    AS e(number, clause, delivery, cause, initiator, state) ON e.number = n %% 5
WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s
ORDER BY o.id;

-- Every fortieth was corrected, every twenty-fifth asked about and declined, every hundredth waits for an answer.
INSERT INTO refunds_decision (order_id, at, policy_version_id, policy_hash, clause, facts, refund, approval, remains,
    owed, credited, sentence, state, review_note)
SELECT d.order_id, d.at + interval '1 hour', d.policy_version_id, d.policy_hash, d.clause,
    d.facts || '{"cause": "correction", "initiator": "provider"}', d.refund, d.approval, d.remains, d.owed, 0,
    d.sentence, 'settled', ''
FROM refunds_decision d JOIN orders_order o ON o.id = d.order_id
WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s AND o.start_count %% 40 = 7;

INSERT INTO refunds_refundrequest (order_id, customer_id, origin, opened_by_id, cause, description, state, opened_at,
    answer_from, due_at, policy_version_id, clause, facts, remains, owed, sentence, expedite_reason,
    recommended_note, recommended_basis, closed_at, closed_by_id, amount, answer, answer_clause)
SELECT o.id, o.customer_id, 'customer', o.customer_id, 'system_error', 'It went wrong.',
    CASE WHEN closed THEN 'declined' ELSE 'open' END, d.at + interval '5 hours', d.at + interval '1 day',
    d.at + interval '2 days', o.policy_version, 'error-reported',
    d.facts || '{"cause": "system_error", "initiator": "customer", "hours_since_final": "5"}', o.remains, o.charge,
    'A person looks at it.', '', '', '', CASE WHEN closed THEN d.at + interval '9 hours' END,
    CASE WHEN closed THEN %(staff)s END, 0, '', ''
FROM orders_order o JOIN refunds_decision d ON d.order_id = o.id AND d.at = o.final_at
CROSS JOIN LATERAL (SELECT o.start_count %% 25 = 0 AS closed) x
WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s AND (closed OR o.start_count %% 100 = 51);
