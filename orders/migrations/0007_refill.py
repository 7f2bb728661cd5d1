"""Refills, with what the database itself holds about them."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0006_order_placed_at_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Refill',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('in_progress', 'In progress'), ('completed', 'Completed'), ('rejected', 'Rejected'), ('error', 'Error')], default='pending', max_length=20)),
                ('passing', models.CharField(choices=[('waiting', 'To be passed on'), ('calling', 'Being passed on'), ('accepted', 'With the provider'), ('refused', 'Refused by the provider'), ('unknown', 'Passed on or not: unknown'), ('by_hand', 'Carried out by staff')], default='waiting', max_length=20, verbose_name='way')),
                ('initiator', models.CharField(choices=[('customer', 'Customer'), ('staff', 'Staff'), ('provider', 'Provider'), ('system', 'System')], default='customer', max_length=20)),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='asked for')),
                ('send_due_at', models.DateTimeField(blank=True, null=True)),
                ('called_at', models.DateTimeField(blank=True, null=True, verbose_name='passed on')),
                ('poll_due_at', models.DateTimeField(blank=True, null=True)),
                ('provider_refill_id', models.CharField(blank=True, max_length=60, verbose_name="provider's number")),
                ('raw_status', models.CharField(blank=True, max_length=60, verbose_name="provider's word")),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='started')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refills', to='orders.order')),
                ('provider', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.provider')),
                ('settled_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('send_due_at__isnull', False)), fields=['send_due_at', 'id'], name='refill_send_due'), models.Index(condition=models.Q(('poll_due_at__isnull', False)), fields=['provider', 'poll_due_at', 'id'], name='refill_poll_due'), models.Index(condition=models.Q(('passing', 'calling')), fields=['called_at'], name='refill_calling'), models.Index(condition=models.Q(('closed_at__isnull', True), ('passing__in', ('by_hand', 'unknown'))), fields=['requested_at'], name='refill_waits')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'in_progress', 'completed', 'rejected', 'error'])), name='refill_state_known'), models.CheckConstraint(condition=models.Q(('passing__in', ['waiting', 'calling', 'accepted', 'refused', 'unknown', 'by_hand'])), name='refill_passing_known'), models.CheckConstraint(condition=models.Q(('initiator__in', ['customer', 'staff'])), name='refill_asked_by_a_person'), models.CheckConstraint(condition=models.Q(models.Q(('passing', 'by_hand'), ('provider__isnull', True)), models.Q(('provider__isnull', False), models.Q(('passing', 'by_hand'), _negated=True)), _connector='OR'), name='refill_by_provider_or_by_hand'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state__in', ['completed', 'rejected', 'error'])), models.Q(models.Q(('state__in', ['completed', 'rejected', 'error']), _negated=True), ('closed_at__isnull', True)), _connector='OR'), name='refill_ended_says_when'), models.CheckConstraint(condition=models.Q(models.Q(('passing', 'refused'), _negated=True), ('state', 'rejected'), _connector='OR'), name='refill_refused_is_rejected'), models.CheckConstraint(condition=models.Q(('settled_by__isnull', True), ('closed_at__isnull', False), _connector='OR'), name='refill_settled_has_ended'), models.CheckConstraint(condition=models.Q(models.Q(('passing', 'accepted'), models.Q(('provider_refill_id', ''), _negated=True)), models.Q(models.Q(('passing', 'accepted'), _negated=True), ('provider_refill_id', '')), _connector='OR'), name='refill_accepted_has_a_number'), models.CheckConstraint(condition=models.Q(('passing__in', ['waiting', 'by_hand']), ('called_at__isnull', False), _connector='OR'), name='refill_called_says_when'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('passing', 'waiting'), ('send_due_at__isnull', False)), models.Q(('send_due_at__isnull', True), models.Q(models.Q(('passing', 'waiting'), _negated=True), ('closed_at__isnull', False), _connector='OR')), _connector='OR'), name='refill_sent_while_it_waits'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('passing', 'accepted'), ('poll_due_at__isnull', False)), models.Q(('poll_due_at__isnull', True), models.Q(models.Q(('passing', 'accepted'), _negated=True), ('closed_at__isnull', False), _connector='OR')), _connector='OR'), name='refill_polled_while_it_lives'), models.UniqueConstraint(models.F('order'), condition=models.Q(('closed_at__isnull', True)), name='refill_one_live'), models.UniqueConstraint(models.F('provider'), models.F('provider_refill_id'), condition=models.Q(('provider_refill_id', ''), _negated=True), name='refill_of_provider_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refill',
            trigger=pgtrigger.compiler.Trigger(name='refill_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='8222155e781a41275d056dfaf9dcd11d3aa11773', operation='DELETE', pgid='pgtrigger_refill_is_kept_f07ca', table='orders_refill', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refill',
            trigger=pgtrigger.compiler.Trigger(name='refill_ends_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.closed_at IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='f5b9aa7dd860ff00b5088fe65287371076f36ca6', operation='UPDATE', pgid='pgtrigger_refill_ends_once_b7012', table='orders_refill', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refill',
            trigger=pgtrigger.compiler.Trigger(name='refill_wish_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."order_id" IS DISTINCT FROM (NEW."order_id") OR OLD."provider_id" IS DISTINCT FROM (NEW."provider_id") OR OLD."initiator" IS DISTINCT FROM (NEW."initiator") OR OLD."actor_id" IS DISTINCT FROM (NEW."actor_id") OR OLD."requested_at" IS DISTINCT FROM (NEW."requested_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='6a9b3bd50257ece78b0f2b4de4d8a66eb8f1de61', operation='UPDATE', pgid='pgtrigger_refill_wish_is_final_97a01', table='orders_refill', when='BEFORE')),
        ),
    ]
