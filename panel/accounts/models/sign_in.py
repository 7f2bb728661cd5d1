"""When a person signed in, where from and how: evidence of who used an account. Append-only."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

LONGEST_USER_AGENT = 200


class SignInWay(models.TextChoices):
    """What a person showed last; what comes after a password stands for both."""

    SIGN_UP = "sign_up", "Signed up"
    PASSWORD = "password", "Password"
    TOTP = "totp", "Password and authenticator app"
    WEBAUTHN = "webauthn", "Password and security key"
    RECOVERY_CODES = "recovery_codes", "Password and recovery code"


class SignIn(models.Model):
    """One sign-in that succeeded, or the sign-up. `way` is empty and `address` null where they are not known."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sign_ins", db_index=False
    )
    at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=LONGEST_USER_AGENT, blank=True)
    way = models.CharField(max_length=20, choices=SignInWay, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="sign_in_way_known", condition=Q(way__in=["", *SignInWay.values])),
        ]
        indexes = [models.Index(fields=["user", "-id"], name="sign_in_of_user")]
        triggers = [pgtrigger.Protect(name="sign_in_is_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"Sign-in {self.pk}"
