"""A Celery worker is killed while the mail server has a letter in its hands; two others take over."""

from collections import Counter
from pathlib import Path

import pytest
from celery import Celery
from django.db.models import F

from panel import embedded
from panel.notifications import sending
from panel.notifications.models import Email, EmailState
from panel.supervision import commands
from tests.chaos import processes
from tests.chaos.processes import Process, ended, kill, until
from tests.factories import make_customer
from tests.notifications import mail_server
from tests.notifications.letters import put, receipt
from tests.notifications.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("ada", "ben", "cleo", "dan", "eve", "finn", "gus", "hal")


def start_worker(var: Path, mailbox: MailServer) -> Process:
    """Start a Celery worker as the panel's own supervisor does, with this mail server."""
    return processes.start(commands.worker(concurrency=1), var, EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}")


def broker_in(var: Path) -> Celery:
    return Celery(
        set_as_current=False,
        broker="filesystem://localhost",
        broker_transport="panel.broker:Transport",
        broker_transport_options=embedded.broker_options(var),
    )


def test_letters_of_a_killed_worker_are_sent_by_others_and_those_it_sent_are_not_sent_again(tmp_path: Path) -> None:
    people = [make_customer(name) for name in NAMES]
    rows = put(*(receipt(person, number) for number, person in enumerate(people)))
    broker = broker_in(tmp_path)

    with mail_server.listening() as mailbox:
        mailbox.seconds = 0.5
        broker.send_task("panel.notifications.tasks.send_due")
        with ended(first := start_worker(tmp_path, mailbox)):
            until(lambda: Email.objects.filter(state=EmailState.SENT).count() >= 3)
            kill(first)
        recorded = set(Email.objects.filter(state=EmailState.SENT).values_list("to", flat=True))
        left = Email.objects.filter(state=EmailState.SENDING)
        assert left.count() == len(NAMES) - len(recorded) > 0
        mailbox.seconds = 0
        left.update(due_at=F("due_at") - sending.CLAIM)  # workers go by the real clock: the claim runs out
        with ended(second := start_worker(tmp_path, mailbox), third := start_worker(tmp_path, mailbox)):
            for _ in range(4):
                broker.send_task("panel.notifications.tasks.send_due")
            until(lambda: not Email.objects.exclude(state=EmailState.SENT).exists())
            assert (second.poll(), third.poll()) == (None, None)
        copies = Counter(mailbox.recipients)
        message_ids = {message["Message-ID"] for _recipient, message in mailbox.taken}

    assert set(copies) == {person.email for person in people}
    assert {to: copies[to] for to in recorded} == dict.fromkeys(recorded, 1)
    # The one that the mail server held when its sender died is there twice at most, as one and the same message.
    assert sorted(copies.values())[:-1] == [1] * (len(NAMES) - 1)
    assert max(copies.values()) <= 2
    assert message_ids == {row.message_id for row in rows}
    assert set(Email.objects.values_list("error", "due_at")) == {("", None)}
