"""Cases of early fraud warnings, and withdrawals that are begun for one; 0009 checks the old ones without a lock."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0007_opened_from'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FraudWarning',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('gateway', models.CharField(choices=[('stripe', 'Card'), ('manual', 'By hand')], max_length=20)),
                ('reference', models.CharField(max_length=255, verbose_name="gateway's reference")),
                ('fraud_type', models.CharField(blank=True, max_length=100)),
                ('actionable', models.BooleanField()),
                ('state', models.CharField(choices=[('open', 'Waits for staff'), ('observed', 'Observed'), ('refunding', 'Being refunded'), ('refunded', 'Refunded'), ('dismissed', 'Dismissed')], max_length=10)),
                ('action', models.CharField(choices=[('refund', 'Refund what is left'), ('tell_staff', 'Tell staff'), ('observe', 'Observe')], max_length=10, verbose_name='decided')),
                ('why', models.CharField(max_length=300)),
                ('policy_version', models.BigIntegerField(blank=True, null=True)),
                ('left', models.DecimalField(decimal_places=6, max_digits=20, verbose_name='could go back')),
                ('refund', models.DecimalField(decimal_places=6, default=0, max_digits=20, verbose_name='goes back')),
                ('holds', models.BooleanField(default=False, verbose_name='account held')),
                ('warned_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('handled_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='FraudWarningEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('from_state', models.CharField(blank=True, max_length=10)),
                ('to_state', models.CharField(max_length=10)),
                ('note', models.CharField(blank=True, max_length=300)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='withdrawal',
            name='withdrawal_origin_known',
        ),
        migrations.RemoveConstraint(
            model_name='withdrawal',
            name='withdrawal_decided_by_a_policy',
        ),
        migrations.AlterField(
            model_name='withdrawal',
            name='origin',
            field=models.CharField(choices=[('customer', 'Customer'), ('gateway', 'By hand at the gateway'), ('warning', 'After a fraud warning')], default='customer', max_length=10),
        ),
        AddConstraintNotValid(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(('origin__in', ['customer', 'gateway', 'warning'])), name='withdrawal_origin_known'),
        ),
        AddConstraintNotValid(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(('origin', 'gateway'), models.Q(('policy_version__isnull', False), models.Q(('clause', ''), _negated=True)), _connector='OR'), name='withdrawal_decided_by_a_policy'),
        ),
        migrations.AddField(
            model_name='fraudwarning',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='fraud_warnings', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='fraudwarning',
            name='deposit',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='fraud_warnings', to='billing.deposit'),
        ),
        migrations.AddField(
            model_name='fraudwarning',
            name='withdrawal',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='fraud_warning', to='billing.withdrawal'),
        ),
        migrations.AddField(
            model_name='fraudwarningevent',
            name='actor',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='fraudwarningevent',
            name='warning',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='billing.fraudwarning'),
        ),
        migrations.AddIndex(
            model_name='fraudwarning',
            index=models.Index(fields=['deposit'], name='fraud_warning_of_deposit'),
        ),
        migrations.AddIndex(
            model_name='fraudwarning',
            index=models.Index(fields=['customer', '-id'], name='fraud_warning_of_customer'),
        ),
        migrations.AddIndex(
            model_name='fraudwarning',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['created_at'], name='fraud_warning_open'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.UniqueConstraint(fields=('gateway', 'reference'), name='fraud_warning_reference_once'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.CheckConstraint(condition=models.Q(('gateway__in', ['stripe', 'manual'])), name='fraud_warning_gateway_known'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'observed', 'refunding', 'refunded', 'dismissed'])), name='fraud_warning_state_known'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ['refund', 'tell_staff', 'observe'])), name='fraud_warning_action_known'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.CheckConstraint(condition=models.Q(('left__gte', 0), ('refund__gte', 0)), name='fraud_warning_amounts_make_sense'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('refund__gt', 0), ('state__in', ['refunding', 'refunded']), ('withdrawal__isnull', False)), models.Q(models.Q(('state__in', ['refunding', 'refunded']), _negated=True), ('refund', 0)), _connector='OR'), name='fraud_warning_refund_has_a_withdrawal'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['observed', 'dismissed']), _negated=True), ('holds', False), _connector='OR'), name='fraud_warning_left_alone_holds_nothing'),
        ),
        migrations.AddConstraint(
            model_name='fraudwarning',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'open'), _negated=True), ('handled_at__isnull', True), _connector='OR'), name='fraud_warning_open_is_not_handled'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='fraudwarning',
            trigger=pgtrigger.compiler.Trigger(name='fraud_warning_keeps_its_payment', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.deposit_id <> NEW.deposit_id OR OLD.customer_id <> NEW.customer_id OR OLD.reference <> NEW.reference OR OLD.gateway <> NEW.gateway OR (OLD.state = 'dismissed' AND NEW.state <> OLD.state))", func="RAISE EXCEPTION 'a fraud warning keeps its payment' USING ERRCODE = 'check_violation';", hash='fb2edeb012141c4e13f29539bfd201fef2b428d3', operation='UPDATE', pgid='pgtrigger_fraud_warning_keeps_its_payment_8e06f', table='billing_fraudwarning', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='fraudwarning',
            trigger=pgtrigger.compiler.Trigger(name='fraud_warning_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='2be7a923c16779dbbcaedeec55bcaaf62064b83e', operation='DELETE', pgid='pgtrigger_fraud_warning_is_kept_540dc', table='billing_fraudwarning', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='fraudwarningevent',
            index=models.Index(fields=['warning', 'id'], name='fraud_warning_events'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='fraudwarningevent',
            trigger=pgtrigger.compiler.Trigger(name='fraud_warning_event_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c528e36d0ed2777f63d864a34dc5d91d4c030faf', operation='UPDATE OR DELETE', pgid='pgtrigger_fraud_warning_event_is_final_d9b35', table='billing_fraudwarningevent', when='BEFORE')),
        ),
    ]
