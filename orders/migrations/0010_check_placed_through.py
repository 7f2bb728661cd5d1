"""The rule of 0009 holds for all orders; reading them locks out nobody."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0009_placed_from")]

    operations = [ValidateConstraint(model_name="order", name="order_placed_through_known")]
