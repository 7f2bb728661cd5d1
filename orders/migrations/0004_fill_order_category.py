"""Orders that were placed before have the category that their service has today: no other is known."""

from django.db import migrations

FORWARD = """
UPDATE orders_order o SET category = s.category_id FROM orders_service s
WHERE s.id = o.service_id AND o.category IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_order_category")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
