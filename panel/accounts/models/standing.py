"""Why a customer stands as he does: each change with its reasons. Append-only."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from panel.accounts.models.user import Standing


class StandingChange(models.Model):
    """One change. `changed_by` is nobody when it was measured; `reasons` are sentences for staff, at least one."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="standing_changes", db_index=False
    )
    at = models.DateTimeField()
    from_standing = models.CharField(max_length=20, choices=Standing)
    to_standing = models.CharField(max_length=20, choices=Standing)
    reasons = models.JSONField(default=list)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="standing_change_known", condition=Q(to_standing__in=Standing.values)),
            models.CheckConstraint(
                name="standing_lifted_by_somebody",
                condition=~Q(to_standing=Standing.CLEAR) | Q(changed_by__isnull=False),
            ),
            models.CheckConstraint(name="standing_change_says_why", condition=~Q(reasons=[])),
        ]
        indexes = [models.Index(fields=["user", "-id"], name="standing_change_of_user")]
        triggers = [pgtrigger.Protect(name="standing_change_is_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_from_standing_display()} → {self.get_to_standing_display()}"
