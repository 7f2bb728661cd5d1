"""Evidence in disputes: packs, their documents, and the warnings before a deadline."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0005_check_transfers_of_disputes'),
        ('refunds', '0007_letters_of_withdrawal'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DisputeEvidence',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('number', models.PositiveSmallIntegerField()),
                ('for_appeal', models.BooleanField(default=False)),
                ('pack', models.JSONField()),
                ('edits', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('assembled', 'Assembled'), ('staging', 'Being staged'), ('staged', 'Staged'), ('submitting', 'Being submitted'), ('submitted', 'Submitted')], default='assembled', max_length=10)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('submissions_before', models.PositiveIntegerField(blank=True, null=True)),
                ('assembled_at', models.DateTimeField()),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('staged_at', models.DateTimeField(blank=True, null=True)),
                ('submitted_at', models.DateTimeField(blank=True, null=True)),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='next step at')),
                ('error', models.CharField(blank=True, max_length=300)),
                ('assembled_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dispute', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='billing.dispute')),
                ('edited_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('submitted_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'evidence',
                'verbose_name_plural': 'evidence',
                'ordering': ['-id'],
                'permissions': [('submit_disputeevidence', 'Can submit evidence to the bank, once and for good')],
            },
        ),
        migrations.CreateModel(
            name='EvidenceFile',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('document', models.CharField(choices=[('service_documentation', 'service_documentation'), ('customer_communication', 'customer_communication'), ('refund_policy', 'refund_policy'), ('receipt', 'receipt')], max_length=40)),
                ('name', models.CharField(max_length=100)),
                ('size', models.PositiveIntegerField(verbose_name='bytes')),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('content', models.BinaryField()),
                ('is_included', models.BooleanField(default=True, verbose_name='handed over')),
                ('reference', models.CharField(blank=True, max_length=255, verbose_name="gateway's reference")),
                ('evidence', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='refunds.disputeevidence')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='DeadlineWarning',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('respond_by', models.DateTimeField()),
                ('hours', models.PositiveSmallIntegerField()),
                ('at', models.DateTimeField()),
                ('dispute', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='warnings', to='billing.dispute')),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.F('dispute'), models.F('respond_by'), models.F('hours'), name='deadline_warned_once')],
            },
        ),
        migrations.AddIndex(
            model_name='disputeevidence',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='evidence_due'),
        ),
        migrations.AddConstraint(
            model_name='disputeevidence',
            constraint=models.UniqueConstraint(fields=('dispute', 'number'), name='evidence_numbered_once'),
        ),
        migrations.AddConstraint(
            model_name='disputeevidence',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['submitting', 'submitted'])), fields=('dispute', 'for_appeal'), name='evidence_submitted_once'),
        ),
        migrations.AddConstraint(
            model_name='disputeevidence',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['assembled', 'staging', 'staged', 'submitting', 'submitted'])), name='evidence_state_known'),
        ),
        migrations.AddConstraint(
            model_name='disputeevidence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['submitting', 'submitted']), _negated=True), models.Q(('staged_at__isnull', False), ('submissions_before__isnull', False), ('submitted_by__isnull', False)), _connector='OR'), name='evidence_submitted_by_a_person'),
        ),
        migrations.AddConstraint(
            model_name='disputeevidence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('due_at__isnull', True), ('state', 'submitted'), ('submitted_at__isnull', False)), models.Q(models.Q(('state', 'submitted'), _negated=True), ('submitted_at__isnull', True)), _connector='OR'), name='evidence_submitted_says_when'),
        ),
        migrations.AddConstraint(
            model_name='disputeevidence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['staging', 'submitting']), _negated=True), ('due_at__isnull', False), _connector='OR'), name='evidence_in_flight_is_due'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='disputeevidence',
            trigger=pgtrigger.compiler.Trigger(name='evidence_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='8e6915f0959bfa1fcea58012994ec042fb958c60', operation='DELETE', pgid='pgtrigger_evidence_is_kept_fa8b6', table='refunds_disputeevidence', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='disputeevidence',
            trigger=pgtrigger.compiler.Trigger(name='evidence_pack_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."dispute_id" IS DISTINCT FROM (NEW."dispute_id") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."for_appeal" IS DISTINCT FROM (NEW."for_appeal") OR OLD."pack" IS DISTINCT FROM (NEW."pack") OR OLD."assembled_at" IS DISTINCT FROM (NEW."assembled_at") OR OLD."assembled_by_id" IS DISTINCT FROM (NEW."assembled_by_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='1bfb7bf0521b4dc9a6240da7d3b73b6c447f1671', operation='UPDATE', pgid='pgtrigger_evidence_pack_is_final_77473', table='refunds_disputeevidence', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='disputeevidence',
            trigger=pgtrigger.compiler.Trigger(name='evidence_submitted_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.state = 'submitted')", func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='0059a45cbbeb94e34d3412a956fe14e18ff78a5c', operation='UPDATE', pgid='pgtrigger_evidence_submitted_is_final_ed345', table='refunds_disputeevidence', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='evidencefile',
            constraint=models.UniqueConstraint(models.F('evidence'), models.F('document'), name='evidence_document_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidencefile',
            trigger=pgtrigger.compiler.Trigger(name='evidence_file_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='79b58ce1c41f937d21b4f1bb3a2248469d930f82', operation='DELETE', pgid='pgtrigger_evidence_file_is_kept_67b45', table='refunds_evidencefile', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidencefile',
            trigger=pgtrigger.compiler.Trigger(name='evidence_file_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."evidence_id" IS DISTINCT FROM (NEW."evidence_id") OR OLD."document" IS DISTINCT FROM (NEW."document") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."size" IS DISTINCT FROM (NEW."size") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256") OR OLD."content" IS DISTINCT FROM (NEW."content"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='f6fb2c363690b8304e5820b6b9c8576e3d818962', operation='UPDATE', pgid='pgtrigger_evidence_file_is_final_08bca', table='refunds_evidencefile', when='BEFORE')),
        ),
    ]
