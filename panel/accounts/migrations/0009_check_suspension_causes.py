"""The rule of 0006 holds for all accounts; reading them locks out nobody."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0008_accounts_to_look_at")]

    operations = [ValidateConstraint(model_name="user", name="user_suspension_cause_known")]
