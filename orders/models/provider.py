"""Who carries orders out: another panel that speaks API v2."""

from django.db import models
from django.db.models import Q


class Provider(models.Model):
    """A provider's address and key, and whether orders may be sent to it now."""

    name = models.CharField(max_length=100, unique=True)
    api_url = models.URLField("API address", max_length=300)
    api_key = models.CharField("API key", max_length=200)
    is_active = models.BooleanField("active", default=True, help_text="Inactive providers get no new orders.")
    supports_request_id = models.BooleanField(
        "repeats are safe",
        default=False,
        help_text="The provider answers an `add` with the same request_id by the same order, so one whose outcome is"
        " unknown can be asked again. Leave off unless its documentation promises it.",
    )
    held_until = models.DateTimeField(
        null=True, blank=True, help_text="No order is sent before this time (empty balance, unreachable)."
    )
    held_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="provider_hold_has_a_reason", condition=Q(held_until__isnull=True) | ~Q(held_reason="")
            ),
        ]

    def __str__(self) -> str:
        return self.name
