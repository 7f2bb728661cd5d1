"""Senders at the same moment, and senders that die: real connections, real processes."""

import email
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import transaction

from panel.notifications import outbox, sending
from panel.notifications.models import Email, EmailState
from tests.concurrency.racing import race
from tests.factories import make_customer
from tests.notifications.letters import AT, put, receipt
from tests.notifications.mail_server import MailServer
from tests.notifications.processes import process_environment

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_senders_at_once_send_each_email_once(mailbox: MailServer) -> None:
    people = [make_customer(f"person-{number}") for number in range(40)]
    put(*(receipt(person, number) for number, person in enumerate(people)))

    claimed = race([partial(sending.send_due, limit=25, at=AT)] * 4)

    assert sum(claimed) == 40, claimed
    assert sorted(mailbox.recipients) == sorted(person.email for person in people)
    assert set(Email.objects.values_list("state", "attempts")) == {(EmailState.SENT, 1)}


def test_the_same_thing_told_by_two_transactions_at_once_is_told_once() -> None:
    maria = make_customer()

    def tell() -> None:
        with transaction.atomic():
            outbox.put([receipt(maria)], at=AT)

    assert race([tell] * 8) == [None] * 8

    assert Email.objects.count() == 1


def test_what_is_rolled_back_is_never_sent(mailbox: MailServer) -> None:
    maria = make_customer()

    with transaction.atomic():
        outbox.put([receipt(maria)], at=AT)
        transaction.set_rollback(True)
    sending.send_due(limit=10, at=AT)

    assert mailbox.taken == []


def test_a_sender_killed_between_sending_and_recording_leaves_one_mail_in_a_mailbox(folder: Path) -> None:
    [row] = put(receipt(make_customer()))
    environment = process_environment(folder.parent)
    command = [sys.executable, "-m", "tests.notifications.dying", AT.isoformat()]
    died = subprocess.run(
        command, env=environment, cwd=configured.BASE_DIR, capture_output=True, text=True, check=False
    )

    assert died.returncode == -signal.SIGKILL, died.stderr
    assert Email.objects.get().state == EmailState.SENDING
    assert sending.send_due(limit=10, at=AT) == 0
    assert sending.send_due(limit=10, at=AT + sending.CLAIM) == 1
    assert Email.objects.get().state == EmailState.SENT
    files = [email.message_from_bytes(path.read_bytes()) for path in folder.iterdir()]
    assert [message["Message-ID"] for message in files] == [row.message_id] * 2
