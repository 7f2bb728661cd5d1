"""Three more reasons to need a person, about refills; the database keeps no list of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_refill")]

    operations = [
        migrations.AlterField(
            model_name='attentionitem',
            name='kind',
            field=models.CharField(choices=[('unknown_status', 'Unknown status reported'), ('missing_remains', 'No remains reported'), ('bad_remains', 'Remains make no sense'), ('contradiction', 'Report contradicts itself'), ('missing_at_provider', "Provider doesn't know the order"), ('illegal_move', 'Report moves the order backwards'), ('submission_unknown', 'Sent or not: unknown'), ('submission_refused', 'Provider refused the order'), ('provider_balance', 'Balance at the provider is empty'), ('provider_key', 'Provider refused our key'), ('provider_unreachable', "Provider can't be reached"), ('still_at_provider', 'Ended here, still at the provider'), ('refill_unknown', 'Refill asked for or not: unknown'), ('refill_odd', 'Report on a refill makes no sense'), ('refill_silent', 'Refill takes too long')], max_length=30),
        ),
    ]
