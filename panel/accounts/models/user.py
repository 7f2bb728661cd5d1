"""A person with an e-mail address: customer, staff, or both."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from panel.accounts.models.group import CustomerGroup
from panel.kernel import time_zones


class Standing(models.TextChoices):
    """How far refunds of this customer may go without a person looking: a fact of the refund policy."""

    CLEAR = "clear", "Clear"
    ABUSE_FLAGGED = "abuse_flagged", "Flagged for abuse"
    FRAUD_SUSPECTED = "fraud_suspected", "Fraud suspected"


class SuspensionCause(models.TextChoices):
    """Who suspended an account, so that only they end it by themselves."""

    STAFF = "staff", "Staff"
    DISPUTE = "dispute", "A disputed payment"
    FRAUD_WARNING = "fraud_warning", "A fraud warning"
    BLOCKED_METHOD = "blocked_method", "A blocked payment method"


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address; there are no user names."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":  # noqa: ANN401 - model fields
        """Insert a customer with a hashed password; None makes one that can't sign in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":  # noqa: ANN401 - as above
        """Insert a member of staff who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Who signs in, orders, and owns a balance. Never deleted: money points here."""

    email = models.EmailField(unique=True, error_messages={"unique": "An account with this e-mail address exists."})
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May sign in to the staff pages.")
    is_active = models.BooleanField("active", default=True, help_text="An inactive account can't sign in.")
    standing = models.CharField(max_length=20, choices=Standing, default=Standing.CLEAR)
    customer_group = models.ForeignKey(
        CustomerGroup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="customers",
        help_text="Whose orders are placed under the group's own refund policy, if it has one.",
    )
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspension_reason = models.CharField(max_length=300, blank=True)
    suspension_cause = models.CharField(max_length=20, choices=SuspensionCause, blank=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    time_zone = models.CharField(
        max_length=time_zones.LONGEST_NAME,
        blank=True,
        help_text="In which this person reads times, such as Europe/Berlin; empty for the panel's.",
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),
            models.CheckConstraint(condition=models.Q(standing__in=Standing.values), name="user_standing_known"),
            models.CheckConstraint(
                condition=models.Q(suspended_at__isnull=True) | ~models.Q(suspension_reason=""),
                name="user_suspension_has_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(suspension_cause__in=["", *SuspensionCause.values]),
                name="user_suspension_cause_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["suspended_at"],
                name="user_to_look_at",
                condition=models.Q(suspension_cause=SuspensionCause.BLOCKED_METHOD),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_suspended(self) -> bool:
        """Whether orders and API keys of this account are refused."""
        return self.suspended_at is not None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which this person reads times; the panel's when none is chosen, or none that is known."""
        return time_zones.named(self.time_zone) or ZoneInfo(settings.TIME_ZONE)
