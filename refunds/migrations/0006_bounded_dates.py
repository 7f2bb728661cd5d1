"""Policies start, and backtests reach, only where every zone and page can read the dates."""

from datetime import UTC, datetime

from django.db import migrations, models

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Migration(migrations.Migration):
    dependencies = [("refunds", "0005_facts_key")]

    operations = [
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.CheckConstraint(
                name="policy_version_starts_in_our_time",
                condition=models.Q(effective_from__gte=EARLIEST, effective_from__lt=LATEST),
            ),
        ),
        migrations.AddConstraint(
            model_name="policybacktest",
            constraint=models.CheckConstraint(
                name="policy_backtest_in_our_time",
                condition=models.Q(since__gte=EARLIEST, until__lt=LATEST),
            ),
        ),
    ]
