"""Customer accounts start at 1000, and the house's accounts exist."""

from django.db import migrations

HOUSE = [1, 2, 3, 4, 5, 6, 7]


def open_house_accounts(apps, schema_editor):
    account = apps.get_model("billing", "Account")
    account.objects.bulk_create([account(pk=number) for number in HOUSE], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE billing_account ALTER COLUMN id RESTART WITH 1000", reverse_sql=migrations.RunSQL.noop
        ),
        migrations.RunPython(open_house_accounts, migrations.RunPython.noop),
    ]
