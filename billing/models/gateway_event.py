"""Gateway events: every webhook that was signed, kept before anything is done about it."""

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from billing.models.deposit import GatewaySlug


class EventState(models.TextChoices):
    """What became of an event."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    IGNORED = "ignored", "Ignored"
    FAILED = "failed", "Failed"


class GatewayEventQuerySet(models.QuerySet["GatewayEvent"]):
    """Adds the one way to lock events."""

    def locked(self) -> "GatewayEventQuerySet":
        """Lock the rows in primary key order."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class GatewayEvent(models.Model):
    """One event of a gateway, stored once however often it is delivered."""

    id = models.BigAutoField(primary_key=True)
    gateway = models.CharField(max_length=20, choices=GatewaySlug)
    event = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    object = models.CharField(max_length=255)
    payload = models.TextField()
    created_at = models.DateTimeField(help_text="By the gateway's clock.")
    received_at = models.DateTimeField()
    waiting_since = models.DateTimeField(help_text="When it was received, or replayed by staff.")
    deliveries = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=EventState, default=EventState.WAITING)
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = GatewayEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="gateway_event_state_known", condition=Q(state__in=EventState.values)),
            models.CheckConstraint(
                name="gateway_event_waiting_is_due",
                condition=Q(state=EventState.WAITING, due_at__isnull=False)
                | (~Q(state=EventState.WAITING) & Q(due_at__isnull=True)),
            ),
            models.UniqueConstraint(fields=["gateway", "event"], name="gateway_event_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="gateway_event_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["object"], name="gateway_event_object"),
            models.Index(fields=["id"], name="gateway_event_failed", condition=Q(state="failed")),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="content_is_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.event <> NEW.event OR OLD.type <> NEW.type OR OLD.payload <> NEW.payload"
                    " OR OLD.object <> NEW.object"
                ),
                func="RAISE EXCEPTION 'an event is kept as it came' USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Protect(name="gateway_event_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.event
