"""Who signed in when, where from and how. Append-only."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_blocked_identities'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignIn',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('address', models.GenericIPAddressField(blank=True, null=True)),
                ('user_agent', models.CharField(blank=True, max_length=200)),
                ('way', models.CharField(blank=True, choices=[('sign_up', 'Signed up'), ('password', 'Password'), ('totp', 'Password and authenticator app'), ('webauthn', 'Password and security key'), ('recovery_codes', 'Password and recovery code')], max_length=20)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='sign_ins', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['user', '-id'], name='sign_in_of_user')],
                'constraints': [models.CheckConstraint(condition=models.Q(('way__in', ['', 'sign_up', 'password', 'totp', 'webauthn', 'recovery_codes'])), name='sign_in_way_known')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='signin',
            trigger=pgtrigger.compiler.Trigger(name='sign_in_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0d443da60051307245ae84703c49070223cb3a20', operation='UPDATE OR DELETE', pgid='pgtrigger_sign_in_is_kept_2daa3', table='accounts_signin', when='BEFORE')),
        ),
    ]
