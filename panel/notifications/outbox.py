"""The outbox: a use case puts its e-mails here in its own transaction; they are sent once that is committed.

What is rolled back is never sent, and what is committed is sent even if the process dies right afterwards.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import connection, transaction

from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, NotFound
from panel.notifications import tasks
from panel.notifications.models import Email, EmailState

log = structlog.get_logger()


class NotFailed(Conflict):
    """Only an e-mail that has failed is sent again by hand."""

    code = "email_not_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmail:
    """One e-mail to write; the modules of letters make them.

    Attributes:
        key: what it is about, such as `deposit:12:receipt`; a key is sent once, whatever else is asked under it later.
        to: the address.
        customer_id: whose e-mail it is; None when it is not to a customer.
        template: the name of `templates/email/<name>.{subject,txt,html}`.
        context: what the template needs; amounts and dates are formatted already.
    """

    key: str
    to: str
    customer_id: int | None
    template: str
    context: Mapping[str, str | Sequence[str]]


def put(emails: Sequence[NewEmail], *, at: datetime) -> None:
    """Write e-mails in the caller's transaction, to be sent after its commit; those whose key exists are left out.

    One statement, whatever the number. A broker that is down is no reason to fail: the sweep sends them later.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("e-mails are written inside the caller's transaction")
    if not emails:
        return
    Email.objects.bulk_create(
        [
            Email(
                key=email.key,
                to=email.to,
                customer_id=email.customer_id,
                template=email.template,
                context=dict(email.context),
                message_id=_message_id(email.key),
                created_at=at,
                due_at=at,
            )
            for email in emails
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(_start_sending)


def send_again(*, email_id: int, staff: User, at: datetime) -> None:
    """Let a failed e-mail be tried anew, as staff decided; its content and Message-ID stay.

    Raises Forbidden, NotFound, NotFailed.
    """
    if not staff.is_staff:
        raise Forbidden("E-mails are sent again by staff.")
    with transaction.atomic(durable=True):
        email = Email.objects.select_for_update(no_key=True).filter(pk=email_id).first()
        if email is None:
            raise NotFound("There is no such e-mail.")
        if email.state != EmailState.FAILED:
            raise NotFailed(f"This e-mail is not failed: {email.get_state_display().lower()}.")
        email.state = EmailState.PENDING
        email.due_at = at
        email.attempts = 0
        email.save(update_fields=["state", "due_at", "attempts"])
        transaction.on_commit(_start_sending)


def send_chosen_again(*, email_ids: Collection[int], staff: User, at: datetime) -> int:
    """Let the failed ones of these be tried anew, after an outage for instance; return how many that were.

    Those that are not failed, because somebody was first, are left alone. Raises Forbidden.
    """
    if not staff.is_staff:
        raise Forbidden("E-mails are sent again by staff.")
    with transaction.atomic(durable=True):
        failed = Email.objects.filter(pk__in=email_ids, state=EmailState.FAILED)
        again = failed.update(state=EmailState.PENDING, due_at=at, attempts=0)
        if again:
            transaction.on_commit(_start_sending)
    return again


def _message_id(key: str) -> str:
    """Return the same Message-ID for the same key at the same site: mailboxes fold a copy sent after a crash."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    return f"<{digest}@{urlsplit(settings.SITE_URL).hostname}>"


def _start_sending() -> None:
    try:
        tasks.send_due.apply_async(retry=False)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the broker, the caller's work is committed
        log.warning("outbox_waits_for_the_sweep", error=f"{type(error).__name__}: {error}")
