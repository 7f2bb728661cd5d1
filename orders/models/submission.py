"""One attempt to hand an order to its provider: intent, call, outcome."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.order import Order
from orders.models.provider import Provider


class SubmissionState(models.TextChoices):
    """How far an attempt got. `calling` is written before the call, so a crash tells whether it may have been made."""

    CLAIMED = "claimed", "Claimed, not called yet"
    CALLING = "calling", "Being called"
    ACCEPTED = "accepted", "Accepted by the provider"
    REFUSED = "refused", "Refused by the provider"
    NOT_SENT = "not_sent", "Not sent"
    UNKNOWN = "unknown", "Outcome unknown"


LIVE_STATES = (SubmissionState.CLAIMED, SubmissionState.CALLING, SubmissionState.UNKNOWN)


class Submission(models.Model):
    """An attempt. At most one live one an order; `request_id` is the attempt's own key towards the provider."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="submissions")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="+", db_index=False)
    request_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=20, choices=SubmissionState, default=SubmissionState.CLAIMED)
    detail = models.CharField(max_length=300, blank=True)
    provider_order_id = models.CharField(max_length=60, blank=True)
    claimed_at = models.DateTimeField(db_default=Now())
    called_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "order", name="submission_one_live", condition=Q(state__in=[s.value for s in LIVE_STATES])
            ),
        ]
        indexes = [
            models.Index(
                fields=["claimed_at"], name="submission_live", condition=Q(state__in=[s.value for s in LIVE_STATES])
            ),
        ]

    def __str__(self) -> str:
        return f"Submission {self.pk} of order {self.order_id}"
