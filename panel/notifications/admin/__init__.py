"""Staff pages about the outbox."""

from panel.notifications.admin import emails

__all__ = ["emails"]
