"""The evidence for one dispute: what was assembled, what staff made of it, and how far it got."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models import Dispute
from panel.kernel.evidence import Document, Text


class EvidenceState(models.TextChoices):
    """How far a pack got. `staging` and `submitting` are written before the gateway is called."""

    ASSEMBLED = "assembled", "Assembled"
    STAGING = "staging", "Being staged"
    STAGED = "staged", "Staged"
    SUBMITTING = "submitting", "Being submitted"
    SUBMITTED = "submitted", "Submitted"


IN_FLIGHT: Final = (EvidenceState.STAGING, EvidenceState.SUBMITTING)
GONE: Final = (EvidenceState.SUBMITTING, EvidenceState.SUBMITTED)


class EvidenceQuerySet(models.QuerySet["DisputeEvidence"]):
    """Adds the one way to lock evidence."""

    def locked(self) -> "EvidenceQuerySet":
        """Lock the rows in primary key order, after their disputes."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class DisputeEvidence(models.Model):
    """One pack for one dispute; assembling anew makes a new one, and only the newest can be staged or submitted.

    Attributes:
        number: counts the packs of a dispute.
        for_appeal: whether it is for fighting over the dispute again, after a loss.
        pack: the texts as assembled, and how many lines of each did not fit. Never changed.
        edits: texts that staff wrote in place of assembled ones; an empty one takes it away.
        revision: counts the edits, so that nobody submits what he has not read.
        attempt: counts the calls, each of which has a key of its own.
        submissions_before: how often evidence had been submitted before this was: more says that it was.
        due_at: when it is staged by itself, or what became of a call is found out.
        error: why the last call failed, in words.
    """

    id = models.BigAutoField(primary_key=True)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="evidence", db_index=False)
    number = models.PositiveSmallIntegerField()
    for_appeal = models.BooleanField(default=False)
    pack = models.JSONField()
    edits = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=EvidenceState, default=EvidenceState.ASSEMBLED)
    revision = models.PositiveIntegerField(default=1)
    attempt = models.PositiveIntegerField(default=0)
    submissions_before = models.PositiveIntegerField(null=True, blank=True)
    assembled_at = models.DateTimeField()
    assembled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    edited_at = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    staged_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    due_at = models.DateTimeField("next step at", null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = "evidence"
        verbose_name_plural = "evidence"
        ordering = ["-id"]
        permissions = [("submit_disputeevidence", "Can submit evidence to the bank, once and for good")]
        constraints = [
            models.UniqueConstraint(fields=["dispute", "number"], name="evidence_numbered_once"),
            models.UniqueConstraint(
                fields=["dispute", "for_appeal"],
                name="evidence_submitted_once",
                condition=Q(state__in=[state.value for state in GONE]),
            ),
            models.CheckConstraint(name="evidence_state_known", condition=Q(state__in=EvidenceState.values)),
            models.CheckConstraint(
                name="evidence_submitted_by_a_person",
                condition=~Q(state__in=[state.value for state in GONE])
                | Q(submitted_by__isnull=False, submissions_before__isnull=False, staged_at__isnull=False),
            ),
            models.CheckConstraint(
                name="evidence_submitted_says_when",
                condition=Q(state=EvidenceState.SUBMITTED, submitted_at__isnull=False, due_at__isnull=True)
                | ~Q(state=EvidenceState.SUBMITTED) & Q(submitted_at__isnull=True),
            ),
            models.CheckConstraint(
                name="evidence_in_flight_is_due",
                condition=~Q(state__in=[state.value for state in IN_FLIGHT]) | Q(due_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="evidence_due", condition=Q(due_at__isnull=False))]
        triggers = [
            pgtrigger.Protect(name="evidence_is_kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="evidence_pack_is_final",
                fields=["dispute", "number", "for_appeal", "pack", "assembled_at", "assembled_by"],
            ),
            pgtrigger.Protect(
                name="evidence_submitted_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state = 'submitted'"),
            ),
        ]

    def __str__(self) -> str:
        return f"Evidence {self.number} for {self.dispute}"

    def is_due(self, at: datetime) -> bool:
        """Whether the sweep may take it."""
        return self.due_at is not None and self.due_at <= at

    @property
    def texts(self) -> Mapping[Text, str]:
        """The texts as they stand, in the order of the vocabulary; without empty ones."""
        found = {**self.pack["texts"], **self.edits}
        return {name: found[name.value] for name in Text if found.get(name.value)}

    @property
    def left_out(self) -> Mapping[Text, int]:
        """How many lines of each assembled text did not fit."""
        return {Text(name): number for name, number in self.pack["left_out"].items()}


class EvidenceFile(models.Model):
    """A document of a pack, its bytes in the row (docs/adr/0015). `reference` is the gateway's, once it has it.

    `is_included` says whether it is handed over; staff may leave one out.
    """

    id = models.BigAutoField(primary_key=True)
    evidence = models.ForeignKey(DisputeEvidence, on_delete=models.PROTECT, related_name="files", db_index=False)
    document = models.CharField(max_length=40, choices=[(one.value, one.value) for one in Document])
    name = models.CharField(max_length=100)
    size = models.PositiveIntegerField("bytes")
    sha256 = models.CharField("SHA-256", max_length=64)
    content = models.BinaryField()
    is_included = models.BooleanField("handed over", default=True)
    reference = models.CharField("gateway's reference", max_length=255, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint("evidence", "document", name="evidence_document_once")]
        triggers = [
            pgtrigger.Protect(name="evidence_file_is_kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="evidence_file_is_final", fields=["evidence", "document", "name", "size", "sha256", "content"]
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DeadlineWarning(models.Model):
    """That staff were told of a dispute's deadline, so many hours before it. Once for each dispute and deadline."""

    id = models.BigAutoField(primary_key=True)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="warnings", db_index=False)
    respond_by = models.DateTimeField()
    hours = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("dispute", "respond_by", "hours", name="deadline_warned_once")]

    def __str__(self) -> str:
        return f"{self.hours} hours before {self.respond_by}"
