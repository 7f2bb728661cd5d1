"""Refund policies that are being written."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from refunds.models.policy import PolicyVersion


class DraftState(models.TextChoices):
    """A draft is checked before it is published. Editing makes a new draft, which replaces the one it began from."""

    DRAFT = "draft", "Draft"
    CHECKED = "checked", "Checked"
    PUBLISHED = "published", "Published"
    REPLACED = "replaced", "Replaced by a newer draft"
    DISCARDED = "discarded", "Discarded"


DRAFT_MOVES = {
    DraftState.DRAFT: frozenset({DraftState.CHECKED, DraftState.REPLACED, DraftState.DISCARDED}),
    DraftState.CHECKED: frozenset({DraftState.PUBLISHED, DraftState.REPLACED, DraftState.DISCARDED}),
    DraftState.PUBLISHED: frozenset(),
    DraftState.REPLACED: frozenset(),
    DraftState.DISCARDED: frozenset(),
}


class PolicyDraft(models.Model):
    """One text of a policy, with who wrote it. The text never changes; `slug` and `title` are as far as it can be read.

    `based_on` is the published version from which the first draft of a line was made.
    """

    id = models.BigAutoField(primary_key=True)
    slug = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField("document")
    hash = models.CharField(max_length=64)
    note = models.CharField("what it changes and why", max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField("written")
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by")
    based_on = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    state = models.CharField(max_length=20, choices=DraftState, default=DraftState.DRAFT)
    checked_at = models.DateTimeField("checked", null=True, blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    version = models.OneToOneField(
        PolicyVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="draft",
        verbose_name="published as",
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="policy_draft_state_known", condition=Q(state__in=DraftState.values)),
            models.CheckConstraint(
                name="policy_draft_checked_by_somebody",
                condition=~Q(state__in=[DraftState.CHECKED, DraftState.PUBLISHED])
                | Q(checked_at__isnull=False, checked_by__isnull=False),
            ),
            models.CheckConstraint(
                name="policy_draft_published_as_a_version",
                condition=Q(state=DraftState.PUBLISHED, version__isnull=False)
                | ~Q(state=DraftState.PUBLISHED) & Q(version__isnull=True),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="policy_draft_is_kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="policy_draft_text_is_final",
                fields=["slug", "title", "text", "hash", "note", "author", "created_at", "replaces", "based_on"],
            ),
        ]

    def __str__(self) -> str:
        return f"Draft {self.pk}: {self.title or 'untitled'}"

    @property
    def is_open(self) -> bool:
        """Whether it may still be edited, checked or discarded."""
        return self.state in {DraftState.DRAFT, DraftState.CHECKED}
