"""What staff see of the outbox and may do with it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from panel.notifications.models import Email, EmailState
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.factories import make_customer, make_staff
from tests.notifications.letters import AT, put, receipt, unknown

pytestmark = pytest.mark.django_db

MODEL = "notifications_email"


def make_failed(email: Email) -> Email:
    Email.objects.filter(pk=email.pk).update(state=EmailState.FAILED, due_at=None, attempts=14, error="Refused.")
    return Email.objects.get(pk=email.pk)


def make_sent(email: Email) -> Email:
    Email.objects.filter(pk=email.pk).update(state=EmailState.SENT, due_at=None, attempts=1, sent_at=AT)
    return Email.objects.get(pk=email.pk)


def test_lists_by_state_and_finds_by_address() -> None:
    ada, maria, tom = (make_customer(name) for name in ("ada", "maria", "tom"))
    waiting, failed, sent = put(receipt(ada, 1), receipt(maria, 2), receipt(tom, 3))
    make_failed(failed)
    make_sent(sent)
    client = signed_in(make_staff())

    def found(**query: object) -> list[Email]:
        return list(client.get(listing(MODEL, **query)).context["cl"].result_list)

    assert found() == [sent, failed, waiting]
    assert found(state="waiting") == [waiting]
    assert found(state="failed") == [failed]
    assert found(state="sent") == [sent]
    assert found(q=f" {maria.email.upper()} ") == [failed]
    assert found(q="maria") == []


def test_shows_what_an_email_says_with_its_html_shut_off_from_the_page() -> None:
    maria = make_customer("maria")
    maria.name = "<script>alert(1)</script>"
    [email] = put(receipt(maria))

    page = text_of(signed_in(make_staff()).get(detail(MODEL, email.pk)))

    assert '<iframe sandbox="" srcdoc="&lt;!DOCTYPE html&gt;' in page
    assert "50.00 USD is on your balance" in page
    assert "Hello &amp;lt;script&amp;gt;alert(1)" in page
    assert "Hello &lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_shows_why_an_email_can_not_be_rendered() -> None:
    [email] = put(unknown(make_customer()))

    page = text_of(signed_in(make_staff()).get(detail(MODEL, email.pk)))

    assert "It can&#x27;t be rendered: TemplateDoesNotExist: email/no_such.subject" in page


def test_a_failed_email_is_sent_again_by_a_button_that_others_do_not_have() -> None:
    failed, waiting = put(receipt(make_customer(), 1), receipt(make_customer(), 2))
    make_failed(failed)
    client = signed_in(make_staff())

    assert action(MODEL, "send_again", failed.pk) in text_of(client.get(detail(MODEL, failed.pk)))
    assert action(MODEL, "send_again", waiting.pk) not in text_of(client.get(detail(MODEL, waiting.pk)))
    page = said(client, submit(client, action(MODEL, "send_again", failed.pk)))

    assert f"The e-mail to {failed.to} is sent again." in page
    assert Email.objects.get(pk=failed.pk).state == EmailState.PENDING


def test_who_may_only_look_can_not_send_again() -> None:
    [failed] = put(receipt(make_customer()))
    make_failed(failed)
    client = signed_in(clerk("notifications.view_email"))

    assert client.get(detail(MODEL, failed.pk)).status_code == 200
    assert client.post(action(MODEL, "send_again", failed.pk), {"_asked": "1"}).status_code == 403
    assert Email.objects.get(pk=failed.pk).state == EmailState.FAILED


def test_nobody_adds_changes_or_deletes_an_email() -> None:
    [email] = put(receipt(make_customer()))
    client = signed_in(make_staff())

    assert client.post(f"/admin/notifications/email/{email.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post("/admin/notifications/email/add/", {}).status_code == 403
    assert client.post(detail(MODEL, email.pk), {"to": "tom@example.com"}).status_code == 403
    assert Email.objects.get(pk=email.pk).to == email.to


def test_a_longer_list_takes_no_more_queries() -> None:
    maria = make_customer()
    client = signed_in(make_staff())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(listing(MODEL))
        return len(captured)

    put(receipt(maria, 0))
    before = queries()
    put(*(receipt(maria, number) for number in range(1, 20)))

    assert queries() == before <= 12
