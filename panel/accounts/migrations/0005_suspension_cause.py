"""Who suspended an account: so that a won dispute lifts only its own suspension."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_customer_groups'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='suspension_cause',
            field=models.CharField(blank=True, choices=[('staff', 'Staff'), ('dispute', 'A disputed payment'), ('fraud_warning', 'A fraud warning')], max_length=20),
        ),
        AddConstraintNotValid(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('suspension_cause__in', ['', 'staff', 'dispute', 'fraud_warning'])), name='user_suspension_cause_known'),
        ),
    ]
