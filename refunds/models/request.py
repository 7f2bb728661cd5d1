"""A wish to have an order refunded that a person may have to decide: the rows of the refund desk."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from orders.models import Cause, Order
from refunds.models.decision import Decision
from refunds.models.facts_key import facts_key_field
from refunds.models.policy import PolicyVersion

DUE_SOON: Final = timedelta(hours=12)
LONGEST_TEXT: Final = 4000
LONGEST_NOTE: Final = 300
LONGEST_ANSWER: Final = 700


class RequestState(models.TextChoices):
    """An open request leads to one of the others, once. `superseded`: a later report about the order answered it."""

    OPEN = "open", "Open"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    SUPERSEDED = "superseded", "Answered by a later report"


class RequestOrigin(models.TextChoices):
    """Who asks. `policy`: the order ended in a way that its policy leaves to a person."""

    CUSTOMER = "customer", "Customer"
    STAFF = "staff", "Staff, for the customer"
    POLICY = "policy", "Policy, when the order ended"


class RefundRequest(models.Model):
    """One request about one order: what is asked, what the policy said then, by when it is answered, and the answer.

    `owed` is what the policy owed in total when it was opened, `amount` what the request itself credited, `proposed`
    what approving as the policy proposed would have credited at that moment. The `recommended_*` columns hold what one
    person wants to approve while a second has to confirm it. Money scale.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField("form", null=True, blank=True, unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refund_requests")
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    origin = models.CharField(max_length=20, choices=RequestOrigin)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    cause = models.CharField(max_length=30, choices=Cause)
    description = models.TextField(max_length=LONGEST_TEXT, blank=True)
    state = models.CharField(max_length=20, choices=RequestState, default=RequestState.OPEN)
    opened_at = models.DateTimeField("opened")
    answer_from = models.DateTimeField("answered from")
    due_at = models.DateTimeField("due")

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    clause = models.CharField(max_length=80)
    facts = models.JSONField()
    facts_key = facts_key_field()
    remains = models.PositiveBigIntegerField("units undelivered then", null=True, blank=True)
    owed = models.DecimalField("owed in total", max_digits=20, decimal_places=6)
    sentence = models.TextField("in words")

    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    unread_since = models.DateTimeField("customer wrote", null=True, blank=True)
    expedited_at = models.DateTimeField("expedited", null=True, blank=True)
    expedite_reason = models.CharField("why it is urgent", max_length=LONGEST_NOTE, blank=True)
    asked_at = models.DateTimeField("question open since", null=True, blank=True)
    referred_at = models.DateTimeField("referred to the provider", null=True, blank=True)

    recommended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    recommended_at = models.DateTimeField("recommended", null=True, blank=True)
    recommended_amount = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    recommended_remains = models.PositiveBigIntegerField(null=True, blank=True)
    recommended_note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    recommended_basis = models.CharField(max_length=300, blank=True)

    closed_at = models.DateTimeField("closed", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    amount = models.DecimalField("credited", max_digits=20, decimal_places=6, default=0)
    proposed = models.DecimalField("proposed", max_digits=20, decimal_places=6, null=True, blank=True)
    answer = models.CharField("answer", max_length=LONGEST_ANSWER, blank=True)
    answer_clause = models.CharField("clause of the answer", max_length=80, blank=True)
    decision = models.OneToOneField(
        Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="refund_request"
    )

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("confirm_refundrequest", "Can confirm, as a second person, what another one recommends"),
            ("open_refundrequest", "Can open refund requests for customers who wrote in"),
        ]
        constraints = [
            models.CheckConstraint(name="request_state_known", condition=Q(state__in=RequestState.values)),
            models.CheckConstraint(name="request_origin_known", condition=Q(origin__in=RequestOrigin.values)),
            models.CheckConstraint(
                name="request_opened_by_somebody",
                condition=Q(origin=RequestOrigin.POLICY, opened_by__isnull=True)
                | ~Q(origin=RequestOrigin.POLICY) & Q(opened_by__isnull=False),
            ),
            models.CheckConstraint(
                name="request_closed_says_when",
                condition=Q(state=RequestState.OPEN, closed_at__isnull=True, closed_by__isnull=True, amount=0)
                | ~Q(state=RequestState.OPEN) & Q(closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="request_credits_when_it_ends_well",
                condition=Q(amount=0) | Q(amount__gt=0, state__in=[RequestState.APPROVED, RequestState.SUPERSEDED]),
            ),
            models.CheckConstraint(name="request_owed_sane", condition=Q(owed__gte=0)),
            models.CheckConstraint(
                name="request_due_after_it_was_opened",
                condition=Q(answer_from__gte=F("opened_at"), due_at__gte=F("answer_from")),
            ),
            models.CheckConstraint(
                name="request_recommended_whole",
                condition=Q(
                    recommended_by__isnull=True,
                    recommended_at__isnull=True,
                    recommended_amount__isnull=True,
                    recommended_remains__isnull=True,
                )
                | Q(recommended_by__isnull=False, recommended_at__isnull=False, recommended_amount__gte=0),
            ),
            # Four eyes, whatever the code does: nobody confirms what he recommended, and nobody overrules alone.
            models.CheckConstraint(
                name="request_confirmed_by_another",
                condition=~Q(state=RequestState.APPROVED)
                | Q(recommended_by__isnull=True)
                | Q(closed_by__isnull=False) & ~Q(closed_by=F("recommended_by")),
            ),
            models.CheckConstraint(
                name="request_overruled_by_two",
                condition=~Q(state=RequestState.APPROVED)
                | Q(closed_by__isnull=True)
                | Q(proposed__isnull=False, amount=F("proposed"))
                | Q(recommended_by__isnull=False),
            ),
            models.CheckConstraint(
                name="request_not_decided_by_its_customer",
                condition=~Q(state__in=[RequestState.APPROVED, RequestState.DECLINED])
                | Q(closed_by__isnull=True)
                | ~Q(closed_by=F("customer")),
            ),
            models.CheckConstraint(
                name="request_not_recommended_by_its_customer",
                condition=Q(recommended_by__isnull=True) | ~Q(recommended_by=F("customer")),
            ),
            models.CheckConstraint(
                name="request_opened_for_another",
                condition=~Q(origin=RequestOrigin.STAFF) | ~Q(opened_by=F("customer")),
            ),
            models.CheckConstraint(
                name="request_approved_by_another_than_its_opener",
                condition=~Q(state=RequestState.APPROVED, origin=RequestOrigin.STAFF)
                | Q(recommended_by__isnull=False)
                | Q(closed_by__isnull=False) & ~Q(closed_by=F("opened_by")),
            ),
            models.UniqueConstraint("order", name="request_one_open", condition=Q(state=RequestState.OPEN)),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="request_due", condition=Q(state=RequestState.OPEN)),
            models.Index(fields=["customer", "-id"], name="request_of_customer"),
        ]
        triggers = [
            pgtrigger.Protect(name="request_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="request_closes_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state <> 'open'"),
            ),
            pgtrigger.ReadOnly(
                name="request_question_is_final",
                fields=[
                    "key",
                    "order",
                    "customer",
                    "origin",
                    "opened_by",
                    "cause",
                    "description",
                    "opened_at",
                    "answer_from",
                    "due_at",
                    "policy_version",
                    "clause",
                    "facts",
                    "remains",
                    "owed",
                    "sentence",
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"Refund request {self.pk}"

    # What counts as waiting, due soon and overdue is said here, once: for lists, badges, metrics and letters. Each of
    # them is answered by the index `request_due`.
    @staticmethod
    def waiting() -> Q:
        """Return what finds the requests that wait for an answer."""
        return Q(state=RequestState.OPEN)

    @staticmethod
    def overdue(at: datetime) -> Q:
        """Return what finds the requests that should have been answered by now."""
        return RefundRequest.waiting() & Q(due_at__lte=at)

    @staticmethod
    def due_soon(at: datetime) -> Q:
        """Return what finds the requests that are due within DUE_SOON."""
        return RefundRequest.waiting() & Q(due_at__gt=at, due_at__lte=at + DUE_SOON)

    @staticmethod
    def to_confirm() -> Q:
        """Return what finds the requests that wait for a second person."""
        return RefundRequest.waiting() & Q(recommended_at__isnull=False)

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.state == RequestState.OPEN

    @property
    def awaits_second(self) -> bool:
        """Whether one person wants to approve it and another has to confirm."""
        return self.is_open and self.recommended_at is not None

    @property
    def recommendation_token(self) -> str:
        """What changes when somebody recommends something else."""
        said = (
            self.recommended_by_id,
            self.recommended_at,
            self.recommended_amount,
            self.recommended_remains,
            self.recommended_note,
            self.recommended_basis,
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def forget_recommendation(self) -> list[str]:
        """Clear what was recommended, because it no longer stands; return the columns to save."""
        cleared: dict[str, Any] = {
            "recommended_by": None,
            "recommended_at": None,
            "recommended_amount": None,
            "recommended_remains": None,
            "recommended_note": "",
            "recommended_basis": "",
        }
        for name, value in cleared.items():
            setattr(self, name, value)
        return list(cleared)
