"""A mail server that is away for a day delays e-mails; it loses none and repeats none."""

import itertools
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db.models import Min
from pytest_django import Settings

from panel.notifications import sending
from panel.notifications.models import Email, EmailState
from tests.factories import make_customer
from tests.notifications.letters import AT, put, receipt
from tests.notifications.mail_server import MailServer

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_a_day_without_mail_server_ends_with_each_letter_sent_once(
    mailbox: MailServer, closed_port: int, settings: Settings
) -> None:
    people = [make_customer(name) for name in ("ada", "maria", "tom")]
    written = {AT: people[0], AT + 5 * HOUR: people[1], AT + 23 * HOUR: people[2]}
    tries: dict[str, list[timedelta]] = {}
    settings.EMAIL_PORT = closed_port

    at = AT
    while at < AT + DAY:
        if at in written:
            put(receipt(written[at], len(tries)), at=at)
        for email in Email.objects.filter(due_at__lte=at):
            tries.setdefault(email.to, []).append(at - email.created_at)
        assert sending.send_due(limit=10, at=at) > 0
        at = min([next_due(), *(moment for moment in written if moment > at)])

    assert mailbox.taken == []
    assert set(Email.objects.values_list("state", flat=True)) == {EmailState.PENDING}
    waits = [
        round((later - earlier) / timedelta(minutes=1)) for earlier, later in itertools.pairwise(tries[people[0].email])
    ]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240]
    assert Counter(len(found) for found in tries.values()) == Counter([13, 12, 6])

    settings.EMAIL_PORT = mailbox.port
    while Email.objects.exclude(state=EmailState.SENT).exists():
        at = next_due()
        sending.send_due(limit=10, at=at)

    assert sorted(mailbox.recipients) == sorted(person.email for person in people)
    assert at <= AT + DAY + 4 * HOUR
    assert set(Email.objects.values_list("state", "error")) == {(EmailState.SENT, "")}


def next_due() -> datetime:
    due: datetime = Email.objects.aggregate(due=Min("due_at"))["due"]
    return due
