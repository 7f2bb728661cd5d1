"""Transfers keep one index of their keys, the unique one; the second, for LIKE, served no statement.

The unique constraint stays as it is in the database, under the name that PostgreSQL gave it: nothing is built anew.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_check_origins_of_withdrawals")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("transfer", "key", models.CharField(max_length=120)),
                migrations.AddConstraint(
                    "transfer", models.UniqueConstraint(name="billing_transfer_key_key", fields=["key"])
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX billing_transfer_key_53e80a31_like",
                    "CREATE INDEX billing_transfer_key_53e80a31_like ON billing_transfer (key varchar_pattern_ops)",
                ),
            ],
        ),
    ]
