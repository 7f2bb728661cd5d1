"""Rows of the outbox."""

from panel.notifications.models.email import Email, EmailState

__all__ = ["Email", "EmailState"]
