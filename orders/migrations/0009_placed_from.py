"""Where orders come from. Columns without a rewrite; the rule counts for new rows at once, 0010 checks the old ones."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_attention_about_refills")]

    operations = [
        migrations.AddField(
            model_name='order',
            name='placed_from',
            field=models.GenericIPAddressField(blank=True, editable=False, null=True, verbose_name='placed from'),
        ),
        migrations.AddField(
            model_name='order',
            name='placed_through',
            field=models.CharField(blank=True, choices=[('web', 'Website'), ('api_v2', 'API v2')], db_default='', editable=False, help_text='Empty: not known.', max_length=20),
        ),
        AddConstraintNotValid(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('placed_through__in', ['', 'web', 'api_v2'])), name='order_placed_through_known'),
        ),
    ]
