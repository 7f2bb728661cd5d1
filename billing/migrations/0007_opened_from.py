"""Where deposits are opened from, beside the refund policy that the customer saw. A column without a rewrite."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_deposit_method_fingerprint")]

    operations = [
        migrations.AddField(
            model_name='deposit',
            name='opened_from',
            field=models.GenericIPAddressField(blank=True, editable=False, null=True, verbose_name='opened from'),
        ),
    ]
