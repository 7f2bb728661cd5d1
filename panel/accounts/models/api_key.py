"""A customer's key to the API: shown once, kept as a digest."""

from django.conf import settings
from django.db import models


class ApiKey(models.Model):
    """One key. The secret is 256 random bits, so one SHA-256 (not a slow password hash) keeps it safe at rest."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=60, blank=True, help_text="What uses this key.")
    prefix = models.CharField(max_length=12, help_text="The visible start of the key.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"], name="api_key_of_user")]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @property
    def is_active(self) -> bool:
        """Whether the key still opens anything."""
        return self.revoked_at is None
