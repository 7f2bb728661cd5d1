"""A small index by which orders of a period are found."""

import django.contrib.postgres.indexes
import django.contrib.postgres.operations
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0005_order_category_is_frozen")]

    operations = [
        django.contrib.postgres.operations.AddIndexConcurrently(
            "order",
            django.contrib.postgres.indexes.BrinIndex(fields=["placed_at"], name="order_placed", autosummarize=True),
        ),
    ]
