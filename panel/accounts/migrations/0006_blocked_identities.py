"""Blocked e-mail addresses and payment methods; an account can be suspended for money that came from a blocked one."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_suspension_cause"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="BlockedIdentity",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("email", "E-mail address"), ("payment_method", "Payment method")], max_length=20
                    ),
                ),
                ("value", models.CharField(max_length=300)),
                ("reason", models.CharField(max_length=300)),
                ("dispute_ref", models.BigIntegerField(blank=True, null=True, verbose_name="dispute")),
                ("blocked_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                ("lifted_because", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "verbose_name_plural": "blocked identities",
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="user",
            name="user_suspension_cause_known",
        ),
        migrations.AlterField(
            model_name="user",
            name="suspension_cause",
            field=models.CharField(
                blank=True,
                choices=[
                    ("staff", "Staff"),
                    ("dispute", "A disputed payment"),
                    ("fraud_warning", "A fraud warning"),
                    ("blocked_method", "A blocked payment method"),
                ],
                max_length=20,
            ),
        ),
        AddConstraintNotValid(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("suspension_cause__in", ["", "staff", "dispute", "fraud_warning", "blocked_method"])
                ),
                name="user_suspension_cause_known",
            ),
        ),
        migrations.AddField(
            model_name="blockedidentity",
            name="author",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="blockedidentity",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="blocked_identities",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="blockedidentity",
            name="lifted_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="blockedidentity",
            index=models.Index(fields=["customer", "-id"], name="blocked_identity_of_customer"),
        ),
        migrations.AddIndex(
            model_name="blockedidentity",
            index=models.Index(
                condition=models.Q(("dispute_ref__isnull", False)),
                fields=["dispute_ref"],
                name="blocked_identity_of_dispute",
            ),
        ),
        migrations.AddIndex(
            model_name="blockedidentity",
            index=models.Index(fields=["value"], name="blocked_identity_value"),
        ),
        migrations.AddConstraint(
            model_name="blockedidentity",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["email", "payment_method"])), name="blocked_identity_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="blockedidentity",
            constraint=models.CheckConstraint(
                condition=models.Q(("value", ""), _negated=True), name="blocked_identity_names_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="blockedidentity",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="blocked_identity_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="blockedidentity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("author__isnull", False), ("dispute_ref__isnull", True)),
                    models.Q(("author__isnull", True), ("dispute_ref__isnull", False)),
                    _connector="OR",
                ),
                name="blocked_by_a_dispute_or_by_staff",
            ),
        ),
        migrations.AddConstraint(
            model_name="blockedidentity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("lifted_at__isnull", True), ("lifted_because", ""), ("lifted_by__isnull", True)),
                    models.Q(("lifted_at__isnull", False), models.Q(("lifted_because", ""), _negated=True)),
                    _connector="OR",
                ),
                name="blocked_identity_lifted_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="blockedidentity",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)),
                fields=("kind", "value", "customer", "dispute_ref"),
                name="blocked_identity_once",
                nulls_distinct=False,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="blockedidentity",
            trigger=pgtrigger.compiler.Trigger(
                name="blocked_identity_is_lifted_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.lifted_at IS NOT NULL OR OLD.kind <> NEW.kind OR OLD.value <> NEW.value OR OLD.customer_id <> NEW.customer_id OR OLD.dispute_ref IS DISTINCT FROM NEW.dispute_ref OR OLD.author_id IS DISTINCT FROM NEW.author_id OR OLD.reason <> NEW.reason OR OLD.blocked_at <> NEW.blocked_at)",
                    func="RAISE EXCEPTION 'a blocked identity is kept as it is, and lifted once' USING ERRCODE = 'check_violation';",
                    hash="36c3b56bad0177edd8cab948829c441d6e93ba92",
                    operation="UPDATE",
                    pgid="pgtrigger_blocked_identity_is_lifted_once_c5537",
                    table="accounts_blockedidentity",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="blockedidentity",
            trigger=pgtrigger.compiler.Trigger(
                name="blocked_identity_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="2158c0fc635bc54bb022e6889ef2279e9cd7c9ea",
                    operation="DELETE",
                    pgid="pgtrigger_blocked_identity_is_kept_5747d",
                    table="accounts_blockedidentity",
                    when="BEFORE",
                ),
            ),
        ),
    ]
