"""The category of an order's service at placement, empty until the next migration fills it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_order_money_follows_transfers")]

    operations = [
        migrations.AddField("order", "category", models.BigIntegerField(null=True, verbose_name="number of the category")),
    ]
