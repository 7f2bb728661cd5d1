"""Saved replies: texts that staff send often, with the customer's facts filled in."""

from typing import Final

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from panel.support import placeholders
from panel.support.models.ticket import LONGEST_TEXT, TicketKind

LONGEST_TITLE: Final = 80


class SavedReply(models.Model):
    """A text to start an answer from. `{name}`, `{order}` and `{panel}` stand for what the ticket says."""

    title = models.CharField(max_length=LONGEST_TITLE, help_text="Only staff see it.")
    kind = models.CharField(
        "about", max_length=10, choices=TicketKind, blank=True, help_text="Offered first for such tickets."
    )
    text = models.TextField(
        max_length=LONGEST_TEXT,
        help_text=(
            "{name}, {order} and {panel} stand for the customer's name, the number of the order and the panel's name."
        ),
    )

    class Meta:
        verbose_name_plural = "saved replies"
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(name="saved_reply_kind_known", condition=Q(kind__in=["", *TicketKind.values])),
            models.CheckConstraint(name="saved_reply_says_something", condition=~Q(text="") & ~Q(title="")),
            models.UniqueConstraint(
                Lower("title"),
                name="saved_reply_titled_once",
                violation_error_message="There is a saved reply with this title.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Refuse placeholders that nothing stands for. Raises ValidationError for the text."""
        if unknown := placeholders.unknown_placeholders(self.text):
            named = ", ".join(f"{{{name}}}" for name in unknown)
            known = ", ".join(f"{{{name}}}" for name in placeholders.PLACEHOLDERS)
            raise ValidationError({"text": f"{named} stands for nothing. You can use {known}."})
