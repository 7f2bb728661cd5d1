"""One e-mail of the outbox: what it says, and how far it got."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q


class EmailState(models.TextChoices):
    """How far an e-mail got. `sending` is written before the mail server is called, so a crash leaves a trace."""

    PENDING = "pending", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


UNFINISHED = (EmailState.PENDING, EmailState.SENDING)


class Email(models.Model):
    """An e-mail to one address. `key` says what it is about: the same thing is never told twice.

    `due_at` is when a sender may take it: the time of the next try while it waits, the end of the sender's claim while
    it is being sent, null once it is finished. `context` holds what the template needs, as strings and lists of
    strings, so that what was said can be read again whatever became of the rows it was about.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=120, unique=True)
    to = models.EmailField(max_length=254)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    template = models.CharField(max_length=60)
    context = models.JSONField(default=dict)
    message_id = models.CharField("Message-ID", max_length=300)
    state = models.CharField(max_length=10, choices=EmailState, default=EmailState.PENDING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField("next try", null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "e-mail"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="email_state_known", condition=Q(state__in=EmailState.values)),
            models.CheckConstraint(
                name="email_due_until_finished",
                condition=Q(state__in=UNFINISHED, due_at__isnull=False)
                | Q(due_at__isnull=True) & ~Q(state__in=UNFINISHED),
            ),
            models.CheckConstraint(
                name="email_sent_says_when",
                condition=Q(state=EmailState.SENT, sent_at__isnull=False)
                | Q(sent_at__isnull=True) & ~Q(state=EmailState.SENT),
            ),
            models.CheckConstraint(
                name="email_sending_is_claimed",
                condition=~Q(state=EmailState.SENDING) | Q(claimed_at__isnull=False),
            ),
            models.CheckConstraint(name="email_failed_says_why", condition=~Q(state=EmailState.FAILED) | ~Q(error="")),
            models.CheckConstraint(
                name="email_is_addressed", condition=~Q(key="") & ~Q(to="") & ~Q(template="") & ~Q(message_id="")
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="email_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["-id"], name="email_failed", condition=Q(state=EmailState.FAILED.value)),
            models.Index(fields=["to"], name="email_to"),
        ]
        triggers = [
            pgtrigger.Protect(name="email_is_kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="email_content_is_final",
                fields=["key", "to", "customer", "template", "context", "message_id", "created_at"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.to}"
