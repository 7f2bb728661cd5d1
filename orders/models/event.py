"""What happened to an order, in order. Append-only."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from orders.models.order import Order
from orders.models.vocabulary import Cause, Initiator, OrderStatus


class OrderEvent(models.Model):
    """One move of one order: from, to, why, by whom, and what was reported."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    from_status = models.CharField(max_length=20, choices=OrderStatus, blank=True)
    to_status = models.CharField(max_length=20, choices=OrderStatus)
    cause = models.CharField(max_length=30, choices=Cause, blank=True)
    initiator = models.CharField(max_length=20, choices=Initiator)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    remains = models.PositiveBigIntegerField(null=True, blank=True)
    raw_status = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["order", "id"], name="event_of_order")]
        triggers = [pgtrigger.Protect(name="event_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"
