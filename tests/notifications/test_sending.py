"""Sending over real SMTP: once, in one connection, and what becomes of an e-mail that is refused."""

import email
import email.policy
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from panel.accounts.models import User
from panel.notifications import sending, tasks
from panel.notifications.models import Email, EmailState
from tests.factories import make_customer
from tests.notifications.letters import AT, put, receipt, unknown
from tests.notifications.mail_server import MailServer

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CLOSE = timedelta(seconds=5)  # what a slow machine may take between claim and record


def state(row: Email) -> EmailState:
    return EmailState(Email.objects.get(pk=row.pk).state)


def three() -> tuple[list[User], list[Email]]:
    people = [make_customer(name) for name in ("ada", "maria", "tom")]
    return people, put(*(receipt(person, number) for number, person in enumerate(people)))


def test_sends_each_due_email_once_over_one_connection(mailbox: MailServer) -> None:
    people, rows = three()

    assert sending.send_due(limit=10, at=AT) == 3
    assert sending.send_due(limit=10, at=AT + HOUR) == 0

    assert mailbox.recipients == [person.email for person in people]
    assert mailbox.connections == 1
    for row, (_recipient, message) in zip(rows, mailbox.taken, strict=True):
        assert message["Message-ID"] == row.message_id
        assert message["Subject"] == "50.00 USD is on your balance"
        sent = Email.objects.get(pk=row.pk)
        assert (sent.state, sent.due_at, sent.attempts, sent.error) == (EmailState.SENT, None, 1, "")
        assert sent.sent_at is not None
        assert AT <= sent.sent_at < AT + CLOSE


@pytest.mark.usefixtures("mailbox")
def test_takes_the_longest_due_first_and_no_more_than_asked() -> None:
    maria = make_customer()
    put(receipt(maria, 1), at=AT + SECOND)
    put(receipt(maria, 2), at=AT)
    put(receipt(maria, 3), at=AT + HOUR)

    assert sending.send_due(limit=1, at=AT + MINUTE) == 1

    states = dict(Email.objects.values_list("key", "state"))
    assert states == {
        "deposit:1:receipt": EmailState.PENDING,
        "deposit:2:receipt": EmailState.SENT,
        "deposit:3:receipt": EmailState.PENDING,
    }


def test_an_email_that_does_not_render_fails_and_the_others_are_sent(mailbox: MailServer) -> None:
    ada, tom = make_customer("ada"), make_customer("tom")
    first, odd, last = put(receipt(ada, 1), unknown(tom), receipt(tom, 2))

    sending.send_due(limit=10, at=AT)

    assert mailbox.recipients == [ada.email, tom.email]
    assert mailbox.connections == 1
    assert (state(first), state(last)) == (EmailState.SENT, EmailState.SENT)
    broken = Email.objects.get(pk=odd.pk)
    assert (broken.state, broken.due_at) == (EmailState.FAILED, None)
    assert broken.error == "TemplateDoesNotExist: email/no_such.subject"


def test_a_header_that_can_not_be_written_fails_at_once(mailbox: MailServer) -> None:
    maria = make_customer()
    maria.email = "maria@example.com\r\nBcc: everybody@example.com"
    [odd] = put(receipt(maria))

    sending.send_due(limit=10, at=AT)

    assert mailbox.taken == []
    broken = Email.objects.get(pk=odd.pk)
    assert (broken.state, broken.error.partition(":")[0]) == (EmailState.FAILED, "BadHeaderError")


def test_an_address_refused_for_now_is_tried_again_later_and_the_others_are_sent(mailbox: MailServer) -> None:
    (ada, maria, tom), rows = three()
    mailbox.answers[maria.email] = "450 mailbox busy"

    sending.send_due(limit=10, at=AT)

    assert mailbox.recipients == [ada.email, tom.email]
    waiting = Email.objects.get(pk=rows[1].pk)
    assert (waiting.state, waiting.attempts) == (EmailState.PENDING, 1)
    assert "450" in waiting.error
    assert waiting.due_at is not None
    assert AT + MINUTE <= waiting.due_at < AT + MINUTE + CLOSE

    del mailbox.answers[maria.email]
    assert sending.send_due(limit=10, at=waiting.due_at) == 1
    assert mailbox.recipients == [ada.email, tom.email, maria.email]
    assert Email.objects.get(pk=rows[1].pk).error == ""


def test_an_address_refused_for_good_fails_at_once(mailbox: MailServer) -> None:
    (_ada, maria, _tom), rows = three()
    mailbox.answers[maria.email] = "550 no such mailbox"

    sending.send_due(limit=10, at=AT)

    assert [state(row) for row in rows] == [EmailState.SENT, EmailState.FAILED, EmailState.SENT]
    assert "no such mailbox" in Email.objects.get(pk=rows[1].pk).error


@pytest.mark.usefixtures("closed_port")
def test_delays_double_up_to_four_hours_and_the_fourteenth_failure_is_the_last() -> None:
    [row] = put(receipt(make_customer()))
    at, delays = AT, []

    while state(row) == EmailState.PENDING:
        assert sending.send_due(limit=10, at=at) == 1
        waiting = Email.objects.get(pk=row.pk)
        if waiting.due_at is not None:
            delays.append(round((waiting.due_at - at) / MINUTE))
            at = waiting.due_at

    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240, 240]
    given_up = Email.objects.get(pk=row.pk)
    assert (given_up.state, given_up.attempts) == (EmailState.FAILED, 14)
    assert given_up.error.startswith("ConnectionRefusedError")
    assert sending.send_due(limit=10, at=at + HOUR) == 0


def test_a_mail_server_that_takes_nobody_is_called_once_a_batch(mailbox: MailServer) -> None:
    _people, rows = three()
    mailbox.greeting = "421 too busy"

    sending.send_due(limit=10, at=AT)

    assert mailbox.connections == 1
    assert [state(row) for row in rows] == [EmailState.PENDING] * 3
    assert set(Email.objects.values_list("attempts", flat=True)) == {1}
    assert all("too busy" in error for error in Email.objects.values_list("error", flat=True))


def test_a_lost_answer_is_tried_again_under_the_same_message_id(mailbox: MailServer) -> None:
    (ada, maria, tom), rows = three()
    mailbox.hangs_up_on.add(maria.email)

    sending.send_due(limit=10, at=AT)
    assert [state(row) for row in rows] == [EmailState.SENT, EmailState.PENDING, EmailState.SENT]
    assert mailbox.connections == 2
    mailbox.hangs_up_on.clear()
    sending.send_due(limit=10, at=AT + HOUR)

    assert mailbox.recipients == [ada.email, maria.email, tom.email, maria.email]
    first, again = (message for recipient, message in mailbox.taken if recipient == maria.email)
    assert first["Message-ID"] == again["Message-ID"] == rows[1].message_id
    assert state(rows[1]) == EmailState.SENT


@pytest.mark.usefixtures("mailbox")
def test_a_dead_senders_email_is_taken_up_when_its_claim_has_run_out() -> None:
    [row] = put(receipt(make_customer()))
    assert [claimed.pk for claimed in sending._claim(10, AT)] == [row.pk]

    assert sending.send_due(limit=10, at=AT + sending.CLAIM - SECOND) == 0
    assert sending.send_due(limit=10, at=AT + sending.CLAIM) == 1

    taken_up = Email.objects.get(pk=row.pk)
    assert (taken_up.state, taken_up.attempts) == (EmailState.SENT, 2)


def test_an_email_whose_senders_always_die_is_given_up(mailbox: MailServer) -> None:
    [row] = put(receipt(make_customer()))
    at = AT
    for _ in range(sending.MOST_ATTEMPTS):
        assert sending._claim(10, at)
        at += sending.CLAIM

    assert sending.send_due(limit=10, at=at) == 1

    assert mailbox.taken == []
    assert Email.objects.get(pk=row.pk).error == "Its senders died each time, before they could say what happened."
    assert state(row) == EmailState.FAILED


def test_a_late_sender_neither_undoes_what_is_sent_nor_a_later_claim() -> None:
    [row] = put(receipt(make_customer()))
    [late] = sending._claim(10, AT)
    [second] = sending._claim(10, AT + sending.CLAIM)

    sending._fail(late, "too late")
    assert state(row) == EmailState.SENDING
    sending._try_later(late, OSError("too late"), AT + HOUR)
    assert state(row) == EmailState.SENDING
    sending._record_sent(second, AT + HOUR)
    sending._record_sent(late, AT + 2 * HOUR)
    sending._fail(second, "no")

    sent = Email.objects.get(pk=row.pk)
    assert (sent.state, sent.sent_at, sent.error) == (EmailState.SENT, AT + HOUR, "")


def test_a_slow_batch_hands_back_what_it_has_not_begun(mailbox: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (ada, _maria, _tom), rows = three()
    monkeypatch.setattr(sending, "BEGINS_WITHIN", timedelta(seconds=0.5))
    mailbox.seconds = 0.6

    sending.send_due(limit=10, at=AT)

    assert mailbox.recipients == [ada.email]
    assert [state(row) for row in rows] == [EmailState.SENT, EmailState.PENDING, EmailState.PENDING]
    for row in Email.objects.filter(state=EmailState.PENDING):
        assert row.attempts == 0
        assert row.due_at is not None
        assert AT < row.due_at < AT + CLOSE


class WatchingBackend(EmailBackend):
    """Notes whether a transaction is open when it is asked to send."""

    inside: ClassVar[list[bool]] = []

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        self.inside.append(connection.in_atomic_block)
        return super().send_messages(messages)


@pytest.mark.django_db(transaction=True)
def test_calls_the_mail_server_with_no_transaction_open(settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.WatchingBackend"
    put(receipt(make_customer()))
    WatchingBackend.inside.clear()

    sending.send_due(limit=10, at=AT)

    assert WatchingBackend.inside == [False]


def test_backend_of_the_demo_writes_one_file_an_email(folder: Path) -> None:
    people, rows = three()

    sending.send_due(limit=10, at=AT)

    written = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in folder.iterdir()]
    assert sorted(message["Message-ID"] for message in written) == sorted(row.message_id for row in rows)
    assert {path.suffix for path in folder.iterdir()} == {".eml"}
    assert {message["To"] for message in written} == {person.email for person in people}
    body = written[0].get_body(("plain",))
    assert body is not None
    assert "50.00 USD arrived and is on your balance" in body.get_content()


def test_task_sends_batch_after_batch(mailbox: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    three()

    tasks.send_due()

    assert len(mailbox.taken) == 3
    assert mailbox.connections == 2


@pytest.mark.usefixtures("mailbox")
def test_claim_reads_only_what_is_due() -> None:
    _people, _rows = three()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    with CaptureQueriesContext(connection) as queries:
        sending.send_due(limit=10, at=AT)

    [claim] = [query["sql"] for query in queries if "FOR NO KEY UPDATE SKIP LOCKED" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {claim}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "email_due" in plan
    assert len(queries) <= 10
