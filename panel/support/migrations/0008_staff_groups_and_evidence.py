"""Give the groups of staff what they need for evidence in disputes."""

from django.db import migrations

from panel import staff_groups


def install(apps, schema_editor):
    staff_groups.install(apps)


class Migration(migrations.Migration):
    dependencies = [("support", "0007_staff_groups_and_blocklist"), ("refunds", "0008_evidence")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop, elidable=False)]
