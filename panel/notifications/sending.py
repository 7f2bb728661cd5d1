"""Sending the outbox: claim, call the mail server with no transaction open, record.

An e-mail is claimed under its row's lock, so two senders never hold the same one. A sender that died leaves its claim,
which runs out; then the e-mail is sent again under the same Message-ID. So is one whose answer was lost: it may have
been taken, and mailboxes fold the copy.
"""

import smtplib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.core import mail
from django.core.mail.backends import filebased
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F

from panel.notifications import rendering
from panel.notifications.models import Email, EmailState

log = structlog.get_logger()

# A claim outlasts the time in which its sender begins e-mails by more than one e-mail can take (EMAIL_TIMEOUT for each
# answer of the mail server), so it never runs out under a sender that lives.
CLAIM: Final = timedelta(minutes=5)
BEGINS_WITHIN: Final = timedelta(seconds=90)
FIRST_DELAY: Final = timedelta(minutes=1)
LONGEST_DELAY: Final = timedelta(hours=4)
MOST_ATTEMPTS: Final = 14  # over about a day
_PERMANENT: Final = range(500, 600)  # RFC 5321, 4.2.1: the same request is not to be repeated


def send_due(*, limit: int, at: datetime) -> int:
    """Claim up to `limit` e-mails that are due at `at`, longest due first, and send them; return how many were claimed.

    All go over one connection to the mail server. What can't be sent now is tried again after 1, 2, 4, … minutes, at
    most 4 hours, and has failed after 14 attempts, or at once if its address is refused for good or it can't be
    rendered. One that fails doesn't stop the others.
    """
    server = mail.get_connection()
    claimed = _claim(limit, at)
    if not claimed:
        return 0
    started = time.monotonic()

    def now() -> datetime:
        return at + timedelta(seconds=time.monotonic() - started)

    try:
        _send(server, claimed, now)
    finally:
        _hang_up(server)
    return len(claimed)


def _claim(limit: int, at: datetime) -> list[Email]:
    with transaction.atomic(durable=True):
        due = Email.objects.filter(due_at__lte=at).order_by("due_at", "pk")
        numbers = list(due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:limit])
        if not numbers:
            return []
        Email.objects.filter(pk__in=numbers).update(
            state=EmailState.SENDING, claimed_at=at, due_at=at + CLAIM, attempts=F("attempts") + 1
        )
        return list(Email.objects.filter(pk__in=numbers).order_by("pk"))


def _send(server: BaseEmailBackend, emails: Sequence[Email], now: Callable[[], datetime]) -> None:
    begins_until = now() + BEGINS_WITHIN
    for place, email in enumerate(emails):
        if now() > begins_until:
            _give_back(emails[place:], now())
            return
        if email.attempts > MOST_ATTEMPTS:
            _fail(email, "Its senders died each time, before they could say what happened.")
            continue
        try:
            message = rendering.message(email)
        except Exception as error:  # noqa: BLE001 - any fault of one template or row; the others of the batch are sent
            _fail(email, _told(error))
            continue
        try:
            _dial(server)
        except OSError as error:
            for waiting in emails[place:]:
                _try_later(waiting, error, now())
            return
        try:
            server.send_messages([message])
        except Exception as error:  # noqa: BLE001 - as above; mail backends have errors of their own
            _record_refusal(email, error, now())
            _hang_up(server)  # whatever state the connection is in, the next e-mail gets a new one
        else:
            _record_sent(email, now())


def _dial(server: BaseEmailBackend) -> None:
    """Connect, unless connected already. Backends that write files have no connection; theirs would open a log."""
    if not isinstance(server, filebased.EmailBackend):
        server.open()


def _hang_up(server: BaseEmailBackend) -> None:
    with suppress(OSError):
        server.close()


def _record_sent(email: Email, at: datetime) -> None:
    """Record that the mail server took it, even if the claim has run out meanwhile: nobody has to send it again."""
    unsent = Email.objects.filter(pk=email.pk).exclude(state=EmailState.SENT)
    unsent.update(state=EmailState.SENT, sent_at=at, due_at=None, error="")


def _record_refusal(email: Email, error: Exception, at: datetime) -> None:
    refused_for_good = isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        code in _PERMANENT for code, _reason in error.recipients.values()
    )
    if refused_for_good or isinstance(error, ValueError):
        _fail(email, _told(error))
    else:
        _try_later(email, error, at)


def _try_later(email: Email, error: Exception, at: datetime) -> None:
    if email.attempts >= MOST_ATTEMPTS:
        _fail(email, _told(error))
        return
    delay = min(FIRST_DELAY * 2 ** (email.attempts - 1), LONGEST_DELAY)
    _record_unsent(email, state=EmailState.PENDING, due_at=at + delay, error=_told(error))
    log.warning("email_not_sent", email=email.pk, attempts=email.attempts, error=_told(error))


def _fail(email: Email, reason: str) -> None:
    _record_unsent(email, state=EmailState.FAILED, due_at=None, error=reason)
    log.error("email_failed", email=email.pk, attempts=email.attempts, error=reason)


def _give_back(emails: Sequence[Email], at: datetime) -> None:
    """Leave what was never begun to the next sender; it does not count as an attempt."""
    for email in emails:
        _record_unsent(email, state=EmailState.PENDING, due_at=at, attempts=F("attempts") - 1)


def _record_unsent(email: Email, **columns: object) -> None:
    """Record an outcome under the claim that it belongs to; a later claim or a sent e-mail is left alone."""
    mine = Email.objects.filter(
        pk=email.pk, state=EmailState.SENDING, claimed_at=email.claimed_at, attempts=email.attempts
    )
    mine.update(**columns)


def _told(error: Exception) -> str:
    """Word an error for staff, with the answer of the mail server; without NUL, which a row can't hold."""
    return f"{type(error).__name__}: {error}".replace("\0", "")[:500]
