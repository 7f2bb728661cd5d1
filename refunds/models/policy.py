"""Published versions of refund policies: immutable."""

import functools
from datetime import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from panel.accounts.models import CustomerGroup
from refunds import moments
from refunds.policy import document, loader


class PolicyState(models.TextChoices):
    """Where a published version stands at a moment."""

    SCHEDULED = "scheduled", "Scheduled"
    IN_FORCE = "in_force", "In force"
    SUPERSEDED = "superseded", "Superseded"
    WITHDRAWN = "withdrawn", "Withdrawn before it started"


class PolicyVersion(models.Model):
    """One document as it was published. Orders point here for life; nothing is edited in place.

    `author` wrote it and `published_by` put it into force, never the same person; both are empty for what whoever runs
    the server published there. Before it starts a version can be withdrawn, once.
    """

    slug = models.SlugField(max_length=80, db_index=False)
    number = models.PositiveIntegerField(help_text="Counts the versions of one policy.")
    title = models.CharField(max_length=200)
    text = models.TextField("document", help_text="The TOML document as published.")
    hash = models.CharField(max_length=64, help_text="SHA-256 of the document.")
    customer_group = models.ForeignKey(
        CustomerGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    effective_from = models.DateTimeField(help_text="Orders placed from here on carry this version.")
    published_at = models.DateTimeField(db_default=Now(), editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-effective_from", "-id"]
        permissions = [("publish_policyversion", "Can publish, as a second person, and withdraw refund policies")]
        constraints = [
            models.UniqueConstraint("slug", "number", name="policy_version_numbered_once"),
            models.CheckConstraint(
                name="policy_version_by_two",
                condition=Q(author__isnull=True) | (Q(published_by__isnull=False) & ~Q(published_by=F("author"))),
            ),
            models.CheckConstraint(
                name="policy_version_withdrawn_before_it_starts",
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_at__lt=F("effective_from")),
            ),
            models.CheckConstraint(
                name="policy_version_starts_in_our_time",
                condition=Q(effective_from__gte=moments.EARLIEST, effective_from__lt=moments.LATEST),
            ),
        ]
        indexes = [models.Index(fields=["-effective_from", "-id"], name="policy_in_force")]
        triggers = [
            pgtrigger.Protect(name="policy_version_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="policy_version_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.withdrawn_at IS NOT NULL OR (to_jsonb(OLD) - 'withdrawn_at' - 'withdrawn_by_id')"
                    " IS DISTINCT FROM (to_jsonb(NEW) - 'withdrawn_at' - 'withdrawn_by_id')"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"

    @property
    def policy(self) -> document.Policy:
        """The parsed document; parsed once per process, because the text can't change."""
        return _parsed(self.hash, self.text, f"{self.slug} version {self.number}")

    @staticmethod
    def started(at: datetime) -> Q:
        """Return what finds the versions that have taken effect."""
        return Q(effective_from__lte=at, withdrawn_at__isnull=True)


@functools.lru_cache(maxsize=256)
def _parsed(_hash: str, text: str, source: str) -> document.Policy:
    return loader.loads(text, source=source)
