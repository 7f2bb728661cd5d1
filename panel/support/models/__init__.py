"""Rows about support."""

from panel.support.models.saved_reply import SavedReply
from panel.support.models.ticket import MessageKind, Ticket, TicketKind, TicketMessage, TicketState

__all__ = ["MessageKind", "SavedReply", "Ticket", "TicketKind", "TicketMessage", "TicketState"]
