"""Give the groups of staff what they need for refills."""

from django.db import migrations

from panel import staff_groups


def install(apps, schema_editor):
    staff_groups.install(apps)


class Migration(migrations.Migration):
    dependencies = [("support", "0003_staff_groups_and_policies"), ("orders", "0008_attention_about_refills")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop, elidable=False)]
