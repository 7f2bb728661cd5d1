"""Writing e-mails: with the transaction that causes them or not at all, and each thing once."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from panel import embedded
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, NotFound
from panel.notifications import outbox
from panel.notifications.models import Email, EmailState
from panel.notifications.outbox import NotFailed
from tests.factories import make_customer, make_staff
from tests.notifications.letters import AT, put, receipt
from tests.notifications.processes import process_environment

pytestmark = pytest.mark.django_db


def test_writes_a_row_that_is_due_at_once() -> None:
    maria = make_customer("maria")

    [email] = put(receipt(maria))

    assert (email.key, email.to, email.customer_id) == ("deposit:12:receipt", maria.email, maria.pk)
    assert (email.state, email.created_at, email.due_at, email.attempts) == (EmailState.PENDING, AT, AT, 0)
    assert email.context["amount"] == "50.00 USD"
    assert email.message_id.endswith("@127.0.0.1>")


def test_writes_any_number_in_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    maria = make_customer()
    emails = [receipt(maria, number) for number in range(500)]

    with transaction.atomic(), django_assert_num_queries(1):
        outbox.put(emails, at=AT)

    assert Email.objects.count() == 500
    assert Email.objects.values("message_id").distinct().count() == 500


def test_the_same_key_again_is_left_out(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    maria, tom = make_customer("maria"), make_customer("tom")
    [first] = put(receipt(maria))

    with django_capture_on_commit_callbacks():
        outbox.put([receipt(tom), receipt(tom), receipt(maria, 13)], at=AT)

    assert list(Email.objects.order_by("pk").values_list("key", "to")) == [
        ("deposit:12:receipt", maria.email),
        ("deposit:13:receipt", maria.email),
    ]
    assert Email.objects.get(key=first.key).context == first.context


def test_nothing_to_write_starts_nothing(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        outbox.put([], at=AT)

    assert callbacks == []


@pytest.mark.django_db(transaction=True)
def test_refuses_to_write_outside_of_a_transaction() -> None:
    maria = make_customer()

    with pytest.raises(TransactionManagementError, match="inside the caller's transaction"):
        outbox.put([receipt(maria)], at=AT)

    assert not Email.objects.exists()


def test_what_is_rolled_back_is_neither_kept_nor_sent(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    maria = make_customer()

    with django_capture_on_commit_callbacks() as callbacks:
        with transaction.atomic():
            outbox.put([receipt(maria)], at=AT)
            transaction.set_rollback(True)
        outbox.put([receipt(maria, 13)], at=AT)

    assert list(Email.objects.values_list("key", flat=True)) == ["deposit:13:receipt"]
    assert len(callbacks) == 1


PUT = """
import time
import django
django.setup()
from django.db import transaction
from panel.accounts.models import User
from panel.notifications import outbox
from tests.notifications.letters import AT, receipt
started = time.monotonic()
with transaction.atomic():
    outbox.put([receipt(User.objects.get(), 12)], at=AT)
print("went on" if time.monotonic() - started < 3 else "was kept waiting")
"""


def put_elsewhere(tmp_path: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Put an e-mail in a process of its own, as a web process would."""
    command = [sys.executable, "-c", PUT]
    environment = {**process_environment(tmp_path), **variables}
    return subprocess.run(command, env=environment, cwd=configured.BASE_DIR, capture_output=True, text=True, check=True)


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_neither_fails_the_caller_nor_keeps_it_waiting(closed_port: int, tmp_path: Path) -> None:
    make_customer()

    done = put_elsewhere(tmp_path, REDIS_URL=f"redis://127.0.0.1:{closed_port}/0")

    assert done.stdout == "went on\n"
    assert "outbox_waits_for_the_sweep" in done.stderr
    assert list(Email.objects.values_list("key", "state")) == [("deposit:12:receipt", "pending")]


@pytest.mark.django_db(transaction=True)
def test_the_commit_starts_the_sending_task_on_the_broker_of_the_panel(tmp_path: Path) -> None:
    make_customer()

    done = put_elsewhere(tmp_path)

    assert done.stdout == "went on\n"
    queue = embedded.broker_options(tmp_path)["data_folder_out"]
    [message] = [path.read_text() for path in Path(str(queue)).iterdir() if path.is_file()]
    assert json.loads(message)["headers"]["task"] == "panel.notifications.tasks.send_due"


def failed(email: Email) -> Email:
    Email.objects.filter(pk=email.pk).update(state=EmailState.FAILED, due_at=None, attempts=14, error="Refused.")
    return Email.objects.get(pk=email.pk)


def test_staff_send_a_failed_one_again_as_it_was(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    email = failed(put(receipt(make_customer()))[0])
    later = AT + timedelta(days=2)

    with django_capture_on_commit_callbacks() as callbacks:
        outbox.send_again(email_id=email.pk, staff=make_staff(), at=later)

    again = Email.objects.get(pk=email.pk)
    assert (again.state, again.due_at, again.attempts) == (EmailState.PENDING, later, 0)
    assert (again.message_id, again.context) == (email.message_id, email.context)
    assert len(callbacks) == 1


def test_refuses_to_send_again_what_has_not_failed_is_unknown_or_by_somebody_who_is_not_staff() -> None:
    maria = make_customer()
    waiting, broken = put(receipt(maria), receipt(maria, 13))
    failed(broken)

    with pytest.raises(NotFailed, match="waiting to be sent"):
        outbox.send_again(email_id=waiting.pk, staff=make_staff(), at=AT)
    with pytest.raises(NotFound):
        outbox.send_again(email_id=0, staff=make_staff(), at=AT)
    with pytest.raises(Forbidden):
        outbox.send_again(email_id=broken.pk, staff=maria, at=AT)

    assert Email.objects.get(pk=broken.pk).state == EmailState.FAILED


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("email_state_known", {"state": "lost", "due_at": None}),
        ("email_due_until_finished", {"due_at": None}),
        ("email_due_until_finished", {"state": "failed", "error": "x"}),
        ("email_sent_says_when", {"state": "sent", "due_at": None}),
        ("email_sent_says_when", {"sent_at": AT}),
        ("email_sending_is_claimed", {"state": "sending"}),
        ("email_failed_says_why", {"state": "failed", "due_at": None}),
    ],
)
def test_database_refuses_a_row_that_makes_no_sense(constraint: str, columns: dict[str, object]) -> None:
    [email] = put(receipt(make_customer()))

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Email.objects.filter(pk=email.pk).update(**columns)


@pytest.mark.parametrize(
    "columns", [{"to": "tom@example.com"}, {"context": {}}, {"key": "other"}, {"message_id": "<a>"}]
)
def test_database_refuses_to_change_what_an_email_says(columns: dict[str, object]) -> None:
    [email] = put(receipt(make_customer()))

    with pytest.raises(DatabaseError, match="Cannot update rows"), transaction.atomic():
        Email.objects.filter(pk=email.pk).update(**columns)


def erase(person: User) -> None:
    """Delete a person and nothing else, as somebody with a database prompt would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_user WHERE id = %s", [person.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_database_refuses_to_delete_an_email_or_the_person_it_went_to() -> None:
    maria = make_customer()
    [email] = put(receipt(maria))

    with pytest.raises(DatabaseError, match="Cannot delete rows"), transaction.atomic():
        email.delete()
    with pytest.raises(IntegrityError, match="notifications_email"):
        erase(maria)

    assert Email.objects.filter(pk=email.pk, customer=maria).exists()
