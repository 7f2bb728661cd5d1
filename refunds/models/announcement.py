"""Telling customers of a new policy by e-mail, some hundreds at a time."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from refunds.models.policy import PolicyVersion


class PolicyAnnouncement(models.Model):
    """The letters about one version. `last_customer` is the number of the last account that was written to.

    When the version is withdrawn, those who have a letter get another: `taken_back_to` is the last account looked at.
    """

    version = models.OneToOneField(
        PolicyVersion, on_delete=models.PROTECT, primary_key=True, related_name="announcement"
    )
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField("asked")
    last_customer = models.BigIntegerField(default=0)
    written = models.PositiveIntegerField("letters written", default=0)
    finished_at = models.DateTimeField("finished", null=True, blank=True)
    taken_back_to = models.BigIntegerField(default=0)
    taken_back = models.PositiveIntegerField("letters about its withdrawal", default=0)

    class Meta:
        indexes = [
            models.Index(fields=["version"], name="policy_announcement_open", condition=Q(finished_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"Announcement of {self.version}"
