"""Published versions of refund policies: immutable."""

import functools

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from refunds.policy import document, loader


class PolicyVersion(models.Model):
    """One document as it was published. Orders point here for life; nothing is edited in place."""

    slug = models.SlugField(max_length=80, db_index=False)
    number = models.PositiveIntegerField(help_text="Counts the versions of one policy.")
    title = models.CharField(max_length=200)
    text = models.TextField("document", help_text="The TOML document as published.")
    hash = models.CharField(max_length=64, help_text="SHA-256 of the document.")
    effective_from = models.DateTimeField(help_text="Orders placed from here on carry this version.")
    published_at = models.DateTimeField(db_default=Now(), editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-effective_from", "-id"]
        constraints = [models.UniqueConstraint("slug", "number", name="policy_version_numbered_once")]
        indexes = [models.Index(fields=["-effective_from", "-id"], name="policy_in_force")]
        triggers = [pgtrigger.Protect(name="policy_version_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"

    @property
    def policy(self) -> document.Policy:
        """The parsed document; parsed once per process, because the text can't change."""
        return _parsed(self.hash, self.text, f"{self.slug} version {self.number}")


@functools.lru_cache(maxsize=256)
def _parsed(_hash: str, text: str, source: str) -> document.Policy:
    return loader.loads(text, source=source)
