"""The rules of 0004 hold for all transfers; reading them locks out nobody."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0004_transfers_of_disputes")]

    operations = [
        ValidateConstraint(model_name="transfer", name="transfer_kind_known"),
        ValidateConstraint(model_name="transfer", name="transfer_of_a_dispute_names_its_deposit"),
    ]
