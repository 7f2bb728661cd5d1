\set order_id :first_order + :client_id * :each + :n
\set n :n + 1
BEGIN;
SELECT customer_id AS customer, charge FROM orders_order WHERE id = :order_id FOR NO KEY UPDATE \gset
SELECT id AS account FROM billing_account WHERE customer_id = :customer AND kind = 'available' FOR NO KEY UPDATE \gset
UPDATE orders_order SET status = 'partial', remains = 250, start_count = 10, final_at = now(), sync_due_at = NULL WHERE id = :order_id;
INSERT INTO orders_orderevent (order_id, from_status, to_status, cause, initiator, remains, raw_status, note) VALUES (:order_id, 'in_progress', 'partial', 'cannot_complete', 'provider', 250, 'Partial', '');
INSERT INTO refunds_decision (order_id, policy_version_id, policy_hash, clause, facts, refund, approval, remains, owed, credited, sentence, state, review_note) VALUES (:order_id, :policy, repeat('0', 64), 'partly-delivered', '{"status": "partial", "delivery": "some", "cause": "cannot_complete", "initiator": "provider", "terms": "standard", "standing": "clear", "since_placed": "within_hour", "since_final": "within_day", "refill": "not_offered", "hours_since_final": "0", "service": "1", "category": "1"}', 'undelivered', 'automatic', 250, 0.225, 0.225, '0.225 USD was credited to your balance for 250 of 1,000 units that were not delivered.', 'settled', '');
INSERT INTO billing_transfer (key, kind, debit_account_id, credit_account_id, amount, customer_id, order_ref, reason) VALUES ('floor:' || :order_id || ':refund', 'order_refund', 2, :account, 0.225, :customer, :order_id, ''), ('floor:' || :order_id || ':delivered', 'order_delivered', 2, 3, 0.675, :customer, :order_id, '');
COMMIT;
