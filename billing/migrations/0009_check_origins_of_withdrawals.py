"""The rules of 0008 hold for all withdrawals; reading them locks out nobody."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0008_fraud_warnings")]

    operations = [
        ValidateConstraint(model_name="withdrawal", name="withdrawal_origin_known"),
        ValidateConstraint(model_name="withdrawal", name="withdrawal_decided_by_a_policy"),
    ]
