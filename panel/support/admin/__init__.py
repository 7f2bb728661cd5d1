"""Staff pages about support."""

from panel.support.admin import saved_replies, tickets

__all__ = ["saved_replies", "tickets"]
