"""Give the groups of staff what they need for writing and publishing refund policies."""

from django.db import migrations

from panel import staff_groups


def install(apps, schema_editor):
    staff_groups.install(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0002_staff_groups"),
        ("refunds", "0003_policy_life_cycle"),
        ("accounts", "0004_customer_groups"),
    ]

    operations = [migrations.RunPython(install, migrations.RunPython.noop, elidable=False)]
