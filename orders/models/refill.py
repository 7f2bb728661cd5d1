"""A wish to have delivered again what went away after an order was delivered."""

from datetime import datetime
from typing import Final

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.order import Order
from orders.models.provider import Provider
from orders.models.vocabulary import Initiator
from panel.kernel.errors import Conflict


class RefillState(models.TextChoices):
    """How far a refill got. The values are stored; the labels are what API v2 and pages say."""

    PENDING = "pending", "Pending"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    REJECTED = "rejected", "Rejected"
    ERROR = "error", "Error"


class Passing(models.TextChoices):
    """How far the wish got on its way. `calling` is written before the call: a crash tells whether it may be made."""

    WAITING = "waiting", "To be passed on"
    CALLING = "calling", "Being passed on"
    ACCEPTED = "accepted", "With the provider"
    REFUSED = "refused", "Refused by the provider"
    UNKNOWN = "unknown", "Passed on or not: unknown"
    BY_HAND = "by_hand", "Carried out by staff"


ENDED: Final = (RefillState.COMPLETED, RefillState.REJECTED, RefillState.ERROR)
FAILED: Final = (RefillState.REJECTED, RefillState.ERROR)
# What ended stays ended; what went away once more is another refill.
LEGAL_MOVES: Final = {
    RefillState.PENDING: frozenset({RefillState.IN_PROGRESS, *ENDED}),
    RefillState.IN_PROGRESS: frozenset(ENDED),
    RefillState.COMPLETED: frozenset(),
    RefillState.REJECTED: frozenset(),
    RefillState.ERROR: frozenset(),
}
_WITH_STAFF: Final = (Passing.BY_HAND.value, Passing.UNKNOWN.value)


class IllegalRefillMove(Conflict):
    """The refill's state does not allow this move."""

    code = "illegal_refill_move"


class Refill(models.Model):
    """One refill; at most one live one an order. Without a provider, staff carry it out and say how it ended.

    Passing it on twice may make a second refill, so a call whose outcome is unknown waits for a person.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refills")
    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    state = models.CharField(max_length=20, choices=RefillState, default=RefillState.PENDING)
    passing = models.CharField("way", max_length=20, choices=Passing, default=Passing.WAITING)
    initiator = models.CharField(max_length=20, choices=Initiator, default=Initiator.CUSTOMER)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    requested_at = models.DateTimeField("asked for", db_default=Now())
    send_due_at = models.DateTimeField(null=True, blank=True)
    called_at = models.DateTimeField("passed on", null=True, blank=True)
    poll_due_at = models.DateTimeField(null=True, blank=True)
    provider_refill_id = models.CharField("provider's number", max_length=60, blank=True)
    raw_status = models.CharField("provider's word", max_length=60, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField("started", null=True, blank=True)
    closed_at = models.DateTimeField("ended", null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="refill_state_known", condition=Q(state__in=RefillState.values)),
            models.CheckConstraint(name="refill_passing_known", condition=Q(passing__in=Passing.values)),
            models.CheckConstraint(
                name="refill_asked_by_a_person", condition=Q(initiator__in=[Initiator.CUSTOMER, Initiator.STAFF])
            ),
            models.CheckConstraint(
                name="refill_by_provider_or_by_hand",
                condition=Q(provider__isnull=True, passing=Passing.BY_HAND)
                | Q(provider__isnull=False) & ~Q(passing=Passing.BY_HAND),
            ),
            models.CheckConstraint(
                name="refill_ended_says_when",
                condition=Q(state__in=[s.value for s in ENDED], closed_at__isnull=False)
                | ~Q(state__in=[s.value for s in ENDED]) & Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(
                name="refill_refused_is_rejected",
                condition=~Q(passing=Passing.REFUSED) | Q(state=RefillState.REJECTED),
            ),
            models.CheckConstraint(
                name="refill_settled_has_ended", condition=Q(settled_by__isnull=True) | Q(closed_at__isnull=False)
            ),
            models.CheckConstraint(
                name="refill_accepted_has_a_number",
                condition=Q(passing=Passing.ACCEPTED) & ~Q(provider_refill_id="")
                | ~Q(passing=Passing.ACCEPTED) & Q(provider_refill_id=""),
            ),
            models.CheckConstraint(
                name="refill_called_says_when",
                condition=Q(passing__in=[Passing.WAITING, Passing.BY_HAND]) | Q(called_at__isnull=False),
            ),
            # What is due, is so exactly while it is wanted: nothing live is forgotten, and nothing ended is called.
            models.CheckConstraint(
                name="refill_sent_while_it_waits",
                condition=Q(send_due_at__isnull=False, passing=Passing.WAITING, closed_at__isnull=True)
                | Q(send_due_at__isnull=True) & (~Q(passing=Passing.WAITING) | Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="refill_polled_while_it_lives",
                condition=Q(poll_due_at__isnull=False, passing=Passing.ACCEPTED, closed_at__isnull=True)
                | Q(poll_due_at__isnull=True) & (~Q(passing=Passing.ACCEPTED) | Q(closed_at__isnull=False)),
            ),
            models.UniqueConstraint("order", name="refill_one_live", condition=Q(closed_at__isnull=True)),
            models.UniqueConstraint(
                "provider", "provider_refill_id", name="refill_of_provider_once", condition=~Q(provider_refill_id="")
            ),
        ]
        indexes = [
            models.Index(fields=["send_due_at", "id"], name="refill_send_due", condition=Q(send_due_at__isnull=False)),
            models.Index(
                fields=["provider", "poll_due_at", "id"],
                name="refill_poll_due",
                condition=Q(poll_due_at__isnull=False),
            ),
            models.Index(fields=["called_at"], name="refill_calling", condition=Q(passing=Passing.CALLING)),
            models.Index(
                fields=["requested_at"],
                name="refill_waits",
                condition=Q(closed_at__isnull=True, passing__in=_WITH_STAFF),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="refill_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="refill_ends_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.closed_at IS NOT NULL"),
            ),
            pgtrigger.ReadOnly(
                name="refill_wish_is_final", fields=["order", "provider", "initiator", "actor", "requested_at"]
            ),
        ]

    def __str__(self) -> str:
        return f"Refill {self.pk}"

    @staticmethod
    def waiting() -> Q:
        """Return what finds the refills that wait for staff; answered by the index `refill_waits`."""
        return Q(closed_at__isnull=True, passing__in=_WITH_STAFF)

    @property
    def is_live(self) -> bool:
        """Whether it has not ended yet."""
        return self.closed_at is None

    def move(self, to: RefillState, *, at: datetime) -> list[str]:
        """Take a step that the table allows; return the columns to save. The row must be locked.

        Raises IllegalRefillMove.
        """
        if to not in LEGAL_MOVES[RefillState(self.state)]:
            message = f"{self} is {self.get_state_display().lower()} and can't become {to.label.lower()}."
            raise IllegalRefillMove(message)
        self.state = to
        if to not in ENDED:
            self.started_at = at
            return ["state", "started_at"]
        self.closed_at = at
        self.send_due_at = self.poll_due_at = None
        return ["state", "closed_at", "send_due_at", "poll_due_at"]
