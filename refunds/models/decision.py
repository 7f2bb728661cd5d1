"""What the policy decided about one move of one order. The decision is final; only its review moves on."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from orders.models import Order
from refunds.models.facts_key import facts_key_field
from refunds.models.policy import PolicyVersion


class DecisionState(models.TextChoices):
    """`settled` decisions were carried out at once; the others went to, or came from, a person."""

    SETTLED = "settled", "Settled"
    AWAITING_REVIEW = "awaiting_review", "Waiting for review"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    SUPERSEDED = "superseded", "Superseded by a later move"


class Decision(models.Model):
    """Policy version, clause and facts, what is owed in total, and what was credited by this decision."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    policy_hash = models.CharField(max_length=64)
    clause = models.CharField(max_length=80)
    facts = models.JSONField()
    facts_key = facts_key_field()
    refund = models.CharField(max_length=20)
    approval = models.CharField(max_length=20)
    remains = models.PositiveBigIntegerField("units undelivered then", null=True, blank=True)
    owed = models.DecimalField("owed in total", max_digits=20, decimal_places=6)
    credited = models.DecimalField("credited now", max_digits=20, decimal_places=6, default=0)
    sentence = models.TextField("in words")
    state = models.CharField(max_length=20, choices=DecisionState, default=DecisionState.SETTLED)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="decision_amounts_sane", condition=Q(owed__gte=0, credited__gte=0)),
            models.CheckConstraint(name="decision_credits_at_most_owed", condition=Q(credited__lte=F("owed"))),
            models.CheckConstraint(
                name="decision_reviewed_by_somebody",
                condition=~Q(state__in=[DecisionState.APPROVED, DecisionState.DECLINED])
                | Q(reviewed_by__isnull=False, reviewed_at__isnull=False),
            ),
            models.UniqueConstraint(
                "order", name="decision_one_waiting", condition=Q(state=DecisionState.AWAITING_REVIEW)
            ),
        ]
        indexes = [
            models.Index(fields=["order", "-id"], name="decision_of_order"),
            models.Index(fields=["id"], name="decision_waiting", condition=Q(state=DecisionState.AWAITING_REVIEW)),
        ]
        triggers = [
            pgtrigger.Protect(name="decision_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="decision_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'awaiting_review' OR ROW(OLD.order_id, OLD.at, OLD.policy_version_id,"
                    " OLD.policy_hash, OLD.clause, OLD.facts, OLD.refund, OLD.approval, OLD.remains, OLD.owed)"
                    " IS DISTINCT FROM ROW(NEW.order_id, NEW.at, NEW.policy_version_id,"
                    " NEW.policy_hash, NEW.clause, NEW.facts, NEW.refund, NEW.approval, NEW.remains, NEW.owed)"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clause}: {self.sentence[:60]}"
