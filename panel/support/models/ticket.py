"""Tickets: what a customer wants to know, and the conversation about it."""

from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import uuid4

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from orders.models import Order
from panel.accounts.models import User
from refunds.models import RefundRequest
from refunds.models.request import DUE_SOON

LONGEST_SUBJECT: Final = 120
LONGEST_TEXT: Final = 4000


class TicketKind(models.TextChoices):
    """What it is about."""

    ORDER = "order", "An order"
    REFUND = "refund", "A refund"
    PAYMENT = "payment", "A payment"
    OTHER = "other", "Something else"


class TicketState(models.TextChoices):
    """Who is to write next: `open` waits for staff, `answered` for the customer, `closed` for nobody."""

    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    CLOSED = "closed", "Closed"


class MessageKind(models.TextChoices):
    """Who wrote it for whom. A note is read by staff alone."""

    CUSTOMER = "customer", "Customer"
    STAFF = "staff", "Staff"
    NOTE = "note", "Note for staff"


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Adds the one way to lock tickets."""

    def locked(self) -> "TicketQuerySet":
        """Lock the rows in primary key order: before their customers, orders and refund requests."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Ticket(models.Model):
    """One question of one customer, with the order it is about, if any.

    `due_at` is by when staff have promised to answer: set when a message makes it wait for them, and not put off by
    what the customer adds while it waits.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField("form", default=uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tickets", db_index=False
    )
    kind = models.CharField("about", max_length=10, choices=TicketKind)
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets", db_index=False
    )
    state = models.CharField(max_length=10, choices=TicketState, default=TicketState.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    refund_request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets", db_index=False
    )
    opened_at = models.DateTimeField("opened")
    due_at = models.DateTimeField("answer due", null=True, blank=True)
    closed_at = models.DateTimeField("closed", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    objects: ClassVar[Any] = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="ticket_kind_known", condition=Q(kind__in=TicketKind.values)),
            models.CheckConstraint(name="ticket_state_known", condition=Q(state__in=TicketState.values)),
            models.CheckConstraint(name="ticket_has_a_subject", condition=~Q(subject="")),
            models.CheckConstraint(
                name="ticket_due_while_it_waits_for_staff",
                condition=Q(state=TicketState.OPEN, due_at__isnull=False)
                | ~Q(state=TicketState.OPEN) & Q(due_at__isnull=True),
            ),
            models.CheckConstraint(
                name="ticket_closed_by_somebody",
                condition=Q(state=TicketState.CLOSED, closed_at__isnull=False, closed_by__isnull=False)
                | ~Q(state=TicketState.CLOSED) & Q(closed_at__isnull=True, closed_by__isnull=True),
            ),
            models.CheckConstraint(
                name="ticket_not_assigned_to_its_customer",
                condition=Q(assignee__isnull=True) | ~Q(assignee=models.F("customer")),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="ticket_due", condition=Q(state=TicketState.OPEN)),
            models.Index(fields=["-id"], name="ticket_answered", condition=Q(state=TicketState.ANSWERED)),
            models.Index(fields=["customer", "-id"], name="ticket_of_customer"),
            models.Index(fields=["order", "-id"], name="ticket_of_order", condition=Q(order__isnull=False)),
            models.Index(
                fields=["refund_request"], name="ticket_of_request", condition=Q(refund_request__isnull=False)
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="ticket_is_kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="ticket_question_is_fixed", fields=["key", "customer", "kind", "subject", "opened_at"]
            ),
            pgtrigger.Trigger(
                name="ticket_keeps_what_it_is_about",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.order_id IS NOT NULL AND OLD.order_id IS DISTINCT FROM NEW.order_id"
                    " OR OLD.refund_request_id IS NOT NULL"
                    " AND OLD.refund_request_id IS DISTINCT FROM NEW.refund_request_id"
                ),
                func="RAISE EXCEPTION 'a ticket keeps its order and its request' USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Trigger(
                name="ticket_about_an_own_order",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("order_id", "customer_id", "refund_request_id"),
                condition=pgtrigger.Condition("NEW.order_id IS NOT NULL OR NEW.refund_request_id IS NOT NULL"),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM orders_order WHERE id = NEW.order_id AND customer_id = NEW.customer_id
                    ) THEN
                        RAISE EXCEPTION 'a ticket is about an order of its customer'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF NEW.refund_request_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM refunds_refundrequest
                        WHERE id = NEW.refund_request_id AND order_id = NEW.order_id
                    ) THEN
                        RAISE EXCEPTION 'a ticket leads to a request about its order'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"Ticket {self.pk}"

    @staticmethod
    def waiting() -> Q:
        """Return what finds the tickets that wait for staff, by the index `ticket_due`."""
        return Q(state=TicketState.OPEN)

    @staticmethod
    def overdue(at: datetime) -> Q:
        """Return what finds the tickets that should have been answered by now."""
        return Ticket.waiting() & Q(due_at__lte=at)

    @staticmethod
    def due_soon(at: datetime) -> Q:
        """Return what finds the tickets that are due as soon as a refund request that is called so."""
        return Ticket.waiting() & Q(due_at__gt=at, due_at__lte=at + DUE_SOON)

    def become(self, state: TicketState, *, due_at: datetime | None = None) -> list[str]:
        """Move on to `state`, which is not `closed`, and return the columns to save. `due_at` goes with `open`."""
        self.state, self.due_at = state, due_at
        self.closed_at = self.closed_by = None
        return ["state", "due_at", "closed_at", "closed_by"]

    def close(self, *, by: User, at: datetime) -> list[str]:
        """Close it, and return the columns to save."""
        self.state, self.due_at = TicketState.CLOSED, None
        self.closed_at, self.closed_by = at, by
        return ["state", "due_at", "closed_at", "closed_by"]


class TicketMessage(models.Model):
    """What somebody wrote. Append-only: what was said stays said."""

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField("form", default=uuid4, unique=True, editable=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages", db_index=False)
    kind = models.CharField(max_length=10, choices=MessageKind)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.CharField(max_length=LONGEST_TEXT)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="ticket_message_kind_known", condition=Q(kind__in=MessageKind.values)),
            models.CheckConstraint(name="ticket_message_says_something", condition=~Q(text="")),
        ]
        indexes = [models.Index(fields=["ticket", "id"], name="message_of_ticket")]
        triggers = [
            pgtrigger.Protect(name="ticket_message_is_final", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="ticket_message_by_the_right_side",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF (NEW.kind = 'customer') IS DISTINCT FROM (
                        SELECT t.customer_id = NEW.author_id FROM support_ticket t WHERE t.id = NEW.ticket_id
                    ) THEN
                        RAISE EXCEPTION 'a customer writes as the customer of the ticket, staff about others'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text[:60]}"

    @property
    def is_by_customer(self) -> bool:
        """Whether the customer wrote it."""
        return self.kind == MessageKind.CUSTOMER

    @property
    def is_note(self) -> bool:
        """Whether only staff may read it."""
        return self.kind == MessageKind.NOTE
