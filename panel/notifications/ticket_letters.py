"""What the panel writes about support tickets. What customers and staff wrote is quoted as plain text."""

from datetime import datetime

from panel.accounts.models import User
from panel.notifications import writing
from panel.notifications.outbox import NewEmail


def ticket_received(
    *, customer: User, ticket_number: int, subject: str, text: str, answer_by: datetime, url: str
) -> NewEmail:
    """A ticket was opened: what was written, and by when it is answered. `subject` is one line."""
    context = {
        "number": str(ticket_number),
        "subject": subject,
        "text": text,
        "answer_by": writing.moment(answer_by, reader=customer),
        "url": writing.link(url),
    }
    return writing.letter(customer, f"ticket:{ticket_number}:received", "ticket_received", context)


def ticket_answered(
    *, customer: User, ticket_number: int, message_number: int, subject: str, text: str, url: str
) -> NewEmail:
    """Support answered. `text` is the whole answer; `message_number` is its own, so each answer is one letter."""
    context = {"number": str(ticket_number), "subject": subject, "text": text, "url": writing.link(url)}
    return writing.letter(customer, f"ticket:{ticket_number}:message:{message_number}", "ticket_answered", context)
