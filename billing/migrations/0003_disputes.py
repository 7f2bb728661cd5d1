"""Disputes, what happens in them, and how they may differ from the gateway's books."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0002_house_accounts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('gateway', models.CharField(choices=[('stripe', 'Card'), ('manual', 'By hand')], max_length=20)),
                ('reference', models.CharField(max_length=255, verbose_name="gateway's reference")),
                ('standing', models.CharField(choices=[('inquiry', 'Inquiry'), ('needs_response', 'Needs a response'), ('under_review', 'Under review'), ('won', 'Won'), ('lost', 'Lost'), ('closed', 'Closed without a loss'), ('unrecognized', 'Not recognized')], max_length=20)),
                ('gateway_words', models.CharField(max_length=100, verbose_name="gateway's words")),
                ('is_appeal', models.BooleanField(default=False, verbose_name='appeal')),
                ('reason', models.CharField(blank=True, max_length=100)),
                ('reason_code', models.CharField(blank=True, max_length=100, verbose_name="network's code")),
                ('amount', models.DecimalField(decimal_places=6, max_digits=20, verbose_name='amount claimed')),
                ('currency', models.CharField(max_length=3)),
                ('withdrawn', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('reinstated', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('fee_charged', models.DecimalField(decimal_places=6, default=0, max_digits=20, verbose_name="gateway's fee")),
                ('secured', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('lost', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('fee', models.DecimalField(decimal_places=6, default=0, max_digits=20, verbose_name='fee passed on')),
                ('has_evidence', models.BooleanField(default=False)),
                ('submissions', models.PositiveIntegerField(default=0)),
                ('policy_version', models.BigIntegerField(blank=True, null=True)),
                ('acted_at', models.DateTimeField(blank=True, null=True, verbose_name='account dealt with')),
                ('suspends', models.BooleanField(default=False)),
                ('bans', models.BooleanField(default=False)),
                ('contacted', models.BooleanField(blank=True, null=True, verbose_name='contact before')),
                ('contact_note', models.CharField(blank=True, max_length=300)),
                ('attention', models.CharField(blank=True, max_length=300)),
                ('opened_at', models.DateTimeField()),
                ('first_seen_at', models.DateTimeField()),
                ('respond_by', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='ask the gateway at')),
                ('version', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DisputeEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('from_standing', models.CharField(blank=True, max_length=20)),
                ('to_standing', models.CharField(max_length=20)),
                ('gateway_words', models.CharField(blank=True, max_length=100)),
                ('note', models.CharField(blank=True, max_length=300)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='dispute',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='dispute',
            name='deposit',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='billing.deposit'),
        ),
        migrations.AddField(
            model_name='disputeevent',
            name='actor',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='disputeevent',
            name='dispute',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='billing.dispute'),
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(fields=['deposit'], name='dispute_of_deposit'),
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(fields=['customer', '-id'], name='dispute_of_customer'),
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='dispute_due'),
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(condition=models.Q(('respond_by__isnull', False)), fields=['respond_by'], name='dispute_to_answer'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(fields=('gateway', 'reference'), name='dispute_reference_once'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('gateway__in', ['stripe', 'manual'])), name='dispute_gateway_known'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('standing__in', ['inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed', 'unrecognized'])), name='dispute_standing_known'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('fee__gte', 0), ('fee__lte', models.F('fee_charged')), ('fee_charged__gte', 0), ('lost__gte', 0), ('reinstated__gte', 0), ('secured__gte', 0), ('withdrawn__gte', 0)), name='dispute_amounts_make_sense'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('standing', 'lost'), _negated=True), ('secured', 0), _connector='OR'), name='dispute_lost_holds_nothing'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='dispute',
            trigger=pgtrigger.compiler.Trigger(name='dispute_keeps_its_payment', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.deposit_id <> NEW.deposit_id OR OLD.customer_id <> NEW.customer_id OR OLD.reference <> NEW.reference OR OLD.gateway <> NEW.gateway OR NEW.version < OLD.version)', func="RAISE EXCEPTION 'a dispute keeps its payment' USING ERRCODE = 'check_violation';", hash='97ba758e5156ed3eb664d213588cbbac9ddf1d45', operation='UPDATE', pgid='pgtrigger_dispute_keeps_its_payment_22e21', table='billing_dispute', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='dispute',
            trigger=pgtrigger.compiler.Trigger(name='dispute_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='84788a401279c698e2af3080cc63fed2de83b743', operation='DELETE', pgid='pgtrigger_dispute_is_kept_41f3a', table='billing_dispute', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='disputeevent',
            index=models.Index(fields=['dispute', 'id'], name='dispute_events'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='disputeevent',
            trigger=pgtrigger.compiler.Trigger(name='dispute_event_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='547c13c8332c4fe99e816a02ecbec0a6022e1198', operation='UPDATE OR DELETE', pgid='pgtrigger_dispute_event_is_final_07b2d', table='billing_disputeevent', when='BEFORE')),
        ),
        migrations.RemoveConstraint(
            model_name='discrepancy',
            name='discrepancy_problem_known',
        ),
        migrations.AlterField(
            model_name='discrepancy',
            name='problem',
            field=models.CharField(choices=[('unknown_payment', "The gateway has a payment that we don't know"), ('unknown_refund', "The gateway has a refund that we don't know"), ('missing_payment', 'We credited a payment that the gateway does not have'), ('missing_refund', 'We booked a refund that the gateway does not have'), ('amount_differs', 'The amounts differ'), ('unknown_dispute', "The gateway has a dispute that we don't know"), ('dispute_differs', 'A dispute took another amount'), ('state_differs', 'One says paid, the other does not')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='discrepancy',
            constraint=models.CheckConstraint(condition=models.Q(('problem__in', ['unknown_payment', 'unknown_refund', 'missing_payment', 'missing_refund', 'amount_differs', 'unknown_dispute', 'dispute_differs', 'state_differs'])), name='discrepancy_problem_known'),
        ),
    ]
