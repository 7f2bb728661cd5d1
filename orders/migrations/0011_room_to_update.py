"""Leave room in the pages of orders: an order is claimed, moved and credited within moments.

With room beside it a new version of the row needs no new entries in the indexes. Pages that are full already stay so.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_check_placed_through")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE orders_order SET (fillfactor = 80)", "ALTER TABLE orders_order RESET (fillfactor)"
        ),
    ]
