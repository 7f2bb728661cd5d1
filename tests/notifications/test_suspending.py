"""An account is suspended together with the letter that says so."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as configured
from django.db import IntegrityError
from pytest_django import DjangoCaptureOnCommitCallbacks

from panel.accounts.models import User
from panel.kernel.errors import NotFound, Refused
from panel.notifications import rendering, suspending
from panel.notifications.models import Email
from tests.admin.pages import action, signed_in, submit
from tests.concurrency.racing import race
from tests.factories import make_customer, make_staff
from tests.notifications import samples
from tests.notifications.reading import said, words

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told() -> list[str]:
    return list(Email.objects.order_by("pk").values_list("template", flat=True))


def test_suspends_and_says_why_in_the_customers_time() -> None:
    maria = make_customer("maria")
    User.objects.filter(pk=maria.pk).update(time_zone="Europe/Berlin")

    suspending.suspend(customer_id=maria.pk, reason=" A payment is disputed. ", at=AT)

    maria.refresh_from_db()
    assert (maria.suspended_at, maria.suspension_reason) == (AT, "A payment is disputed.")
    [email] = Email.objects.all()
    assert (email.to, email.key) == (maria.email, f"suspension:{maria.pk}:{AT.isoformat()}")
    letter = rendering.letter(email)
    assert letter.subject == "Your account is suspended"
    assert "Your account is suspended since Friday, November 20, 2026, 13:00 CET.\n" in letter.text
    assert "Why: A payment is disputed.\n" in letter.text


def test_both_letters_say_what_works_and_what_to_do_in_text_and_html() -> None:
    suspended, lifted = (said(email) for email in samples.about_accounts(make_customer("maria")))

    for text in (suspended.text, words(suspended.html)):
        assert "Ordering, adding funds, withdrawing and API keys are switched off" in text
        assert "reply to this e-mail, and a person sorts it out with you" in text
    for text in (lifted.text, words(lifted.html)):
        assert "Your account is open again" in text
        assert "Ordering, adding funds, withdrawing and your API keys work as before." in text
    for letter in (suspended, lifted):
        assert f'href="{configured.SITE_URL}/balance/"' in letter.html


def test_a_second_suspension_changes_the_reason_and_is_not_told_again() -> None:
    maria = make_customer()
    suspending.suspend(customer_id=maria.pk, reason="A payment is disputed.", at=AT)

    suspending.suspend(customer_id=maria.pk, reason="Two payments are disputed.", at=AT + HOUR)

    maria.refresh_from_db()
    assert (maria.suspended_at, maria.suspension_reason) == (AT, "Two payments are disputed.")
    assert told() == ["account_suspended"]


def test_lifting_is_told_once_and_the_next_suspension_is_another_one() -> None:
    maria = make_customer()
    suspending.suspend(customer_id=maria.pk, reason="A payment is disputed.", at=AT)

    suspending.lift(customer_id=maria.pk, at=AT + HOUR)
    suspending.lift(customer_id=maria.pk, at=AT + HOUR)
    suspending.suspend(customer_id=maria.pk, reason="Again.", at=AT + 2 * HOUR)

    maria.refresh_from_db()
    assert maria.is_suspended
    assert told() == ["account_suspended", "suspension_lifted", "account_suspended"]


def test_without_a_reason_nobody_is_suspended_and_nothing_is_queued(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    maria = make_customer()

    with django_capture_on_commit_callbacks() as callbacks:
        with pytest.raises(Refused, match="Say why"):
            suspending.suspend(customer_id=maria.pk, reason="  ", at=AT)
        with pytest.raises(NotFound):
            suspending.suspend(customer_id=maria.pk + 1000, reason="Fraud.", at=AT)

    maria.refresh_from_db()
    assert not maria.is_suspended
    assert (told(), callbacks) == ([], [])


def test_an_inactive_account_is_suspended_without_a_letter() -> None:
    maria = make_customer()
    User.objects.filter(pk=maria.pk).update(is_active=False)

    suspending.suspend(customer_id=maria.pk, reason="Fraud.", at=AT)

    maria.refresh_from_db()
    assert maria.is_suspended
    assert told() == []


@pytest.mark.django_db(transaction=True)
def test_a_suspension_whose_letter_can_not_be_written_is_none() -> None:
    maria = make_customer()
    User.objects.filter(pk=maria.pk).update(email="")

    with pytest.raises(IntegrityError, match="email_is_addressed"):
        suspending.suspend(customer_id=maria.pk, reason="Fraud.", at=AT)

    maria.refresh_from_db()
    assert not maria.is_suspended


@pytest.mark.django_db(transaction=True)
def test_two_people_who_suspend_at_once_write_one_letter() -> None:
    maria = make_customer()

    def suspend(second: int) -> None:
        suspending.suspend(customer_id=maria.pk, reason="Fraud.", at=AT + timedelta(seconds=second))

    race([lambda second=second: suspend(second) for second in range(4)])  # type: ignore[misc] # its default binds it

    assert told() == ["account_suspended"]


def test_staff_suspend_and_lift_with_a_letter() -> None:
    maria, client = make_customer(), signed_in(make_staff())

    submit(client, action("accounts_user", "suspend", maria.pk), {"reason": "Chargeback."})
    submit(client, action("accounts_user", "lift", maria.pk))

    assert told() == ["account_suspended", "suspension_lifted"]
    assert set(Email.objects.values_list("to", flat=True)) == {maria.email}
