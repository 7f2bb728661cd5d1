\set customer :first_customer + :client_id
\set service :first_service + random(0, :services - 1)
BEGIN;
SELECT id AS account FROM billing_account WHERE customer_id = :customer AND kind = 'available' FOR NO KEY UPDATE \gset
INSERT INTO orders_order (customer_id, service_id, service_name, service_type, category, terms, allows_cancel, allows_refill, policy_version, link, quantity, rate, charge, charge_promo, refunded, recognized, status, provider_service_id, provider_order_id, holds_link) VALUES (:customer, :service, 'Reach', 'Default', 1, 'standard', false, false, :policy, 'https://example.com/launch', 1000, 0.9, 0.9, 0, 0, 0, 'pending', '', '', false) RETURNING id AS order_id \gset
INSERT INTO orders_orderevent (order_id, from_status, to_status, cause, initiator, actor_id, raw_status, note) VALUES (:order_id, '', 'pending', '', 'customer', :customer, '', '');
INSERT INTO billing_transfer (key, kind, debit_account_id, credit_account_id, amount, customer_id, order_ref, reason) VALUES ('order:' || :order_id || ':charge:available', 'order_placed', :account, 2, 0.9, :customer, :order_id, '');
COMMIT;
