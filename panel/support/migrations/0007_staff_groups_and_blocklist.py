"""Give the groups of staff what they need for bans and the blocklist."""

from django.db import migrations

from panel import staff_groups


def install(apps, schema_editor):
    staff_groups.install(apps)


class Migration(migrations.Migration):
    dependencies = [("support", "0006_staff_groups_and_fraud_warnings"), ("accounts", "0008_accounts_to_look_at")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop, elidable=False)]
