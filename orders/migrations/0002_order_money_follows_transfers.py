"""`refunded` and `recognized` of an order are written by a trigger on transfers, and by nothing else.

The trigger belongs to this room: billing knows nothing of orders. 2 is "orders in progress" and 3 is "revenue"
(billing.models.House).
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION orders_follow_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved bigint;
    named bigint;
BEGIN
    UPDATE orders_order o
    SET refunded = o.refunded + d.refunded, recognized = o.recognized + d.recognized
    FROM (
        SELECT order_ref, customer_id,
               coalesce(sum(amount) FILTER (WHERE debit_account_id IN (2, 3) AND credit_account_id >= 1000), 0)
                   AS refunded,
               coalesce(sum(amount) FILTER (WHERE credit_account_id = 3), 0)
                   - coalesce(sum(amount) FILTER (WHERE debit_account_id = 3), 0) AS recognized
        FROM new_transfers
        WHERE order_ref IS NOT NULL AND kind <> 'order_placed'
        GROUP BY order_ref, customer_id
    ) d
    WHERE o.id = d.order_ref AND o.customer_id = d.customer_id;
    GET DIAGNOSTICS moved = ROW_COUNT;

    SELECT count(DISTINCT (order_ref, customer_id)) INTO named
    FROM new_transfers WHERE order_ref IS NOT NULL AND kind <> 'order_placed';
    IF moved <> named OR EXISTS (
        SELECT 1 FROM new_transfers t LEFT JOIN orders_order o ON o.id = t.order_ref
        WHERE t.kind = 'order_placed' AND (o.id IS NULL OR o.customer_id IS DISTINCT FROM t.customer_id)
    ) THEN
        RAISE EXCEPTION 'a transfer of an order names an order of the same customer'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_order_exists_and_matches';
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER orders_follow_transfers AFTER INSERT ON billing_transfer
    REFERENCING NEW TABLE AS new_transfers FOR EACH STATEMENT EXECUTE FUNCTION orders_follow_transfers();

CREATE FUNCTION orders_money_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an order''s money changes by transfers only, and what was agreed at placement stays'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'order_money_is_frozen';
END;
$$;

CREATE TRIGGER orders_money_is_frozen BEFORE UPDATE ON orders_order FOR EACH ROW
    WHEN (
        (pg_trigger_depth() = 0 AND (OLD.refunded <> NEW.refunded OR OLD.recognized <> NEW.recognized))
        OR OLD.charge <> NEW.charge OR OLD.charge_promo <> NEW.charge_promo OR OLD.rate <> NEW.rate
        OR OLD.quantity <> NEW.quantity OR OLD.terms <> NEW.terms OR OLD.link <> NEW.link
        OR OLD.policy_version <> NEW.policy_version OR OLD.customer_id <> NEW.customer_id
        OR OLD.service_id <> NEW.service_id
    )
    EXECUTE FUNCTION orders_money_is_frozen();

CREATE FUNCTION orders_order_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'an order starts with nothing refunded and nothing recognized' USING ERRCODE = 'check_violation';
    END IF;
    RAISE EXCEPTION 'orders are never deleted' USING ERRCODE = 'check_violation';
END;
$$;

CREATE TRIGGER orders_order_is_kept BEFORE DELETE ON orders_order FOR EACH ROW
    EXECUTE FUNCTION orders_order_is_kept();

CREATE TRIGGER orders_order_starts_unrefunded BEFORE INSERT ON orders_order FOR EACH ROW
    WHEN (NEW.refunded <> 0 OR NEW.recognized <> 0) EXECUTE FUNCTION orders_order_is_kept();
"""

REVERSE = """
DROP TRIGGER orders_order_starts_unrefunded ON orders_order;
DROP TRIGGER orders_order_is_kept ON orders_order;
DROP FUNCTION orders_order_is_kept();
DROP TRIGGER orders_money_is_frozen ON orders_order;
DROP FUNCTION orders_money_is_frozen();
DROP TRIGGER orders_follow_transfers ON billing_transfer;
DROP FUNCTION orders_follow_transfers();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("billing", "0002_house_accounts")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
