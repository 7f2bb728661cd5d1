"""From a row of the outbox to the message that a mail program shows."""

import re
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, engines

from panel.notifications.models import Email

_GAPS: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Letter:
    """What an e-mail says: a subject of one line, and the same words as plain text and as HTML."""

    subject: str
    text: str
    html: str


def letter(email: Email) -> Letter:
    """Render the three templates of an e-mail. Raises what the template engine raises."""
    line = subject(email)
    text = _GAPS.sub("\n\n", _render(email, "txt", escaped=False)).strip()
    return Letter(line, f"{text}\n", _render(email, "html", escaped=True))


def subject(email: Email) -> str:
    """Render the subject alone, on one line. Raises what the template engine raises."""
    return " ".join(_render(email, "subject", escaped=False).split())


def message(email: Email) -> EmailMultiAlternatives:
    """Return the message of an e-mail, which always has the same Message-ID; replies go to support.

    Marked as sent by a program (RFC 3834), so that out-of-office replies don't answer it. Raises ValueError for an
    address or header that can't be written, and what the template engine raises.
    """
    said = letter(email)
    made = EmailMultiAlternatives(
        subject=said.subject,
        body=said.text,
        to=[email.to],
        reply_to=[settings.SUPPORT_EMAIL],
        headers={"Message-ID": email.message_id, "Auto-Submitted": "auto-generated"},
    )
    made.attach_alternative(said.html, "text/html")
    made.message()  # writes the headers, so that a bad one shows here and not while the mail server listens
    return made


def _render(email: Email, part: str, *, escaped: bool) -> str:
    template = engines["django"].engine.get_template(f"email/{email.template}.{part}")  # type: ignore[attr-defined] # Django's own backend
    site = {
        "panel": settings.PANEL_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "site_url": settings.SITE_URL,
    }
    return str(template.render(Context({**email.context, **site}, autoescape=escaped)))
