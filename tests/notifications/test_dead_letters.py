"""The e-mails that were given up, as staff find them and send them again, one or many."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.admin import helpers
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from panel.kernel.errors import Forbidden
from panel.notifications import outbox
from panel.notifications.admin import emails
from panel.notifications.models import Email, EmailState
from tests.admin.pages import clerk, hidden_of, listing, said, signed_in, text_of
from tests.factories import make_customer, make_staff
from tests.notifications.letters import AT, put, receipt

pytestmark = pytest.mark.django_db

MODEL = "notifications_email"


def letters(number: int, *, failed: int) -> list[Email]:
    """This many e-mails, the first of which have failed."""
    maria = make_customer("maria")
    rows = put(*(receipt(maria, place) for place in range(number)))
    dead = [row.pk for row in rows[:failed]]
    Email.objects.filter(pk__in=dead).update(state=EmailState.FAILED, due_at=None, attempts=14, error="Refused.")
    return list(Email.objects.order_by("pk"))


def choose(client: Client, chosen: Sequence[Email], **more: str) -> Any:
    """Tick these in the list and choose the action."""
    ticked = {"action": "send_chosen_again", helpers.ACTION_CHECKBOX_NAME: [email.pk for email in chosen], **more}
    return client.post(listing(MODEL), ticked)


def states() -> list[str]:
    return list(Email.objects.order_by("pk").values_list("state", flat=True))


def test_the_list_has_a_tab_for_the_failed_ones() -> None:
    letters(3, failed=2)

    page = text_of(signed_in(make_staff()).get(listing(MODEL, state="failed")))

    assert f'href="{listing(MODEL, state="failed")}"' in page
    assert page.count("Refused.") == 2


def test_chosen_ones_that_failed_are_sent_again_after_a_look_at_them(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    rows, client = letters(4, failed=3), signed_in(make_staff())

    asked = choose(client, [rows[0], rows[1], rows[3]])
    assert "Send 2 e-mails again" in text_of(asked)
    assert states() == ["failed", "failed", "failed", "pending"]
    carried = {**hidden_of(asked), helpers.ACTION_CHECKBOX_NAME: [rows[0].pk, rows[1].pk]}
    with django_capture_on_commit_callbacks() as callbacks:
        page = said(client, client.post(listing(MODEL), carried))

    assert "2 e-mails are sent again." in page
    assert states() == ["pending", "pending", "failed", "pending"]
    assert len(callbacks) == 1
    again = Email.objects.get(pk=rows[0].pk)
    assert (again.attempts, again.message_id) == (0, rows[0].message_id)
    assert again.due_at is not None


def test_nothing_is_asked_when_none_of_the_chosen_has_failed() -> None:
    rows, client = letters(2, failed=1), signed_in(make_staff())

    page = said(client, choose(client, [rows[1]]))

    assert "None of these has failed." in page
    assert states() == ["failed", "pending"]


def test_who_may_only_look_is_not_offered_it_and_can_not_do_it() -> None:
    rows, client = letters(1, failed=1), signed_in(clerk("notifications.view_email"))

    assert "send_chosen_again" not in text_of(client.get(listing(MODEL)))
    choose(client, rows, _asked="1")

    assert states() == ["failed"]


def test_no_more_than_the_oldest_few_hundred_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emails, "MOST_AT_ONCE", 2)
    rows, client = letters(3, failed=3), signed_in(make_staff())

    choose(client, rows, _asked="1")

    assert states() == ["pending", "pending", "failed"]


def test_customers_send_nothing_again() -> None:
    rows = letters(1, failed=1)

    with pytest.raises(Forbidden):
        outbox.send_chosen_again(email_ids=[rows[0].pk], staff=make_customer(), at=AT)

    assert states() == ["failed"]


def test_what_somebody_else_has_sent_meanwhile_is_left_alone(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    rows, grace = letters(2, failed=1), make_staff()
    Email.objects.filter(pk=rows[0].pk).update(state=EmailState.SENT, sent_at=AT)

    with django_capture_on_commit_callbacks() as callbacks:
        number = outbox.send_chosen_again(email_ids=[row.pk for row in rows], staff=grace, at=AT)

    assert (number, states(), callbacks) == (0, ["sent", "pending"], [])
