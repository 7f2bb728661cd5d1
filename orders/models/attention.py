"""The attention queue: what the panel can't decide by itself goes to a person."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.order import Order
from orders.models.provider import Provider


class AttentionKind(models.TextChoices):
    """Why a person is needed. The first four are reports that make no sense."""

    UNKNOWN_STATUS = "unknown_status", "Unknown status reported"
    MISSING_REMAINS = "missing_remains", "No remains reported"
    BAD_REMAINS = "bad_remains", "Remains make no sense"
    CONTRADICTION = "contradiction", "Report contradicts itself"
    MISSING_AT_PROVIDER = "missing_at_provider", "Provider doesn't know the order"
    ILLEGAL_MOVE = "illegal_move", "Report moves the order backwards"
    SUBMISSION_UNKNOWN = "submission_unknown", "Sent or not: unknown"
    SUBMISSION_REFUSED = "submission_refused", "Provider refused the order"
    PROVIDER_BALANCE = "provider_balance", "Balance at the provider is empty"
    PROVIDER_KEY = "provider_key", "Provider refused our key"
    PROVIDER_UNREACHABLE = "provider_unreachable", "Provider can't be reached"
    STILL_AT_PROVIDER = "still_at_provider", "Ended here, still at the provider"
    REFILL_UNKNOWN = "refill_unknown", "Refill asked for or not: unknown"
    REFILL_ODD = "refill_odd", "Report on a refill makes no sense"
    REFILL_SILENT = "refill_silent", "Refill takes too long"


class AttentionItem(models.Model):
    """One thing to look at. Repeats of an open one are counted on it, and the latest report kept."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=30, choices=AttentionKind)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True, related_name="attention_items")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    detail = models.CharField(max_length=500)
    report = models.JSONField(default=dict, blank=True)
    seen = models.PositiveIntegerField("times seen", default=1)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolution = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.CheckConstraint(
                name="attention_about_something", condition=Q(order__isnull=False) | Q(provider__isnull=False)
            ),
            models.UniqueConstraint(
                "order",
                "kind",
                name="attention_open_once_per_order",
                condition=Q(resolved_at__isnull=True, order__isnull=False),
            ),
            models.UniqueConstraint(
                "provider",
                "kind",
                name="attention_open_once_per_provider",
                condition=Q(resolved_at__isnull=True, order__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["-last_at"], name="attention_open", condition=Q(resolved_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.detail[:60]}"
