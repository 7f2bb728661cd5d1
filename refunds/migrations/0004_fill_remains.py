"""What remained when something was decided or asked before is in the order's events."""

from django.db import migrations

FORWARD = """
ALTER TABLE refunds_decision DISABLE TRIGGER USER;
UPDATE refunds_decision d SET remains = (
    SELECT e.remains FROM orders_orderevent e
    WHERE e.order_id = d.order_id AND e.at <= d.at AND e.remains IS NOT NULL ORDER BY e.id DESC LIMIT 1)
WHERE d.remains IS NULL;
ALTER TABLE refunds_decision ENABLE TRIGGER USER;

ALTER TABLE refunds_refundrequest DISABLE TRIGGER USER;
UPDATE refunds_refundrequest r SET remains = coalesce((
    SELECT e.remains FROM orders_orderevent e
    WHERE e.order_id = r.order_id AND e.at <= r.opened_at AND e.remains IS NOT NULL ORDER BY e.id DESC LIMIT 1),
    (SELECT o.quantity FROM orders_order o WHERE o.id = r.order_id))
WHERE r.remains IS NULL;
ALTER TABLE refunds_refundrequest ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("refunds", "0003_policy_life_cycle"), ("orders", "0005_order_category_is_frozen")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
