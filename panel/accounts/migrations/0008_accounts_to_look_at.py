"""Find the accounts that were suspended for a blocked payment method and wait for a person: without locking the table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0007_sign_ins")]

    operations = [
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(
                fields=["suspended_at"], name="user_to_look_at", condition=models.Q(suspension_cause="blocked_method")
            ),
        ),
    ]
