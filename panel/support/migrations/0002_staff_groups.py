"""Make the groups of staff with their permissions."""

from django.db import migrations

from panel import staff_groups


def install(apps, schema_editor):
    staff_groups.install(apps)


class Migration(migrations.Migration):
    # All models must be there that the permissions are about.
    dependencies = [
        ("support", "0001_initial"),
        ("refunds", "0002_refund_desk"),
        ("orders", "0002_order_money_follows_transfers"),
        ("billing", "0002_house_accounts"),
        ("notifications", "0001_outbox"),
        ("accounts", "0003_standing_change"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        # Back: the groups stay, since people may have been added to them.
        migrations.RunPython(install, migrations.RunPython.noop, elidable=False),
    ]
