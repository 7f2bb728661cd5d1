"""A wish to cancel an order that is already with the provider."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.order import Order
from orders.models.vocabulary import Cause, Initiator


class CancelRequestState(models.TextChoices):
    """`accepted` means that the provider will try; the order moves only when it reports so."""

    REQUESTED = "requested", "To be passed on"
    ACCEPTED = "accepted", "Accepted by the provider"
    REFUSED = "refused", "Refused by the provider"
    CLOSED = "closed", "Order ended"


LIVE_STATES = (CancelRequestState.REQUESTED, CancelRequestState.ACCEPTED)


class CancelRequest(models.Model):
    """One request; at most one live one an order. Passing it on twice is harmless, so a lost answer is asked again."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="cancel_requests")
    state = models.CharField(max_length=20, choices=CancelRequestState, default=CancelRequestState.REQUESTED)
    cause = models.CharField(max_length=30, choices=Cause, default=Cause.CHANGE_OF_MIND)
    initiator = models.CharField(max_length=20, choices=Initiator, default=Initiator.CUSTOMER)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    detail = models.CharField(max_length=300, blank=True)
    requested_at = models.DateTimeField(db_default=Now())
    send_due_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "order", name="cancel_request_one_live", condition=Q(state__in=[s.value for s in LIVE_STATES])
            ),
        ]
        indexes = [
            models.Index(fields=["send_due_at"], name="cancel_request_due", condition=Q(send_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Cancel request for order {self.order_id}"
