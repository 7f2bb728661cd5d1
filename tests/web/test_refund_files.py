"""Files of refund requests: who gets them, and how a browser is told to treat them."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from panel.accounts.models import User
from refunds.models import RefundRequest
from refunds.uploads import Upload
from tests.factories import make_customer, make_staff
from tests.factories.desk import ask_for_refund, partly_delivered
from tests.web import asking, pages

pytestmark = pytest.mark.django_db

PNG = asking.png()


@pytest.fixture
def evidence(ada: User) -> RefundRequest:
    """Ada's request with one picture."""
    return ask_for_refund(partly_delivered(ada), files=(Upload('sc"reen; ü.png', PNG),))


def path(request: RefundRequest, position: int = 1) -> str:
    return f"/refunds/{request.pk}/files/{position}/"


def colleague(*codenames: str) -> User:
    staff = make_staff("ida")
    staff.is_superuser = False
    staff.save(update_fields=["is_superuser"])
    staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return staff


def test_its_owner_gets_it_to_save_and_no_browser_runs_it(browser: Client, evidence: RefundRequest) -> None:
    answer = browser.get(path(evidence))

    assert answer.status_code == 200
    assert answer.content == PNG
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''sc%22reen%3B%20%C3%BC.png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "private, no-store"


def test_staff_who_may_see_requests_get_it(client: Client, evidence: RefundRequest) -> None:
    client.force_login(colleague("view_refundrequest"))

    assert client.get(path(evidence)).content == PNG


def test_to_everybody_else_it_looks_like_none(client: Client, evidence: RefundRequest) -> None:
    former = colleague("view_refundrequest")
    former.is_staff = False
    former.save(update_fields=["is_staff"])
    answers = set()

    for reader in (make_customer("ben"), colleague("change_refundrequest"), former):
        client.force_login(reader)
        for address in (path(evidence), path(evidence, 2), path(evidence, 99999999999999999999), "/refunds/0/files/1/"):
            answer = client.get(address)
            answers.add((answer.status_code, "Staff" in pages.text(answer), len(answer.content)))

    assert {status for status, _, _ in answers} == {404}
    assert len(answers) <= 2  # staff have one more link in the header, on every page


def test_a_place_without_a_file_is_missing_for_its_owner_too(browser: Client, evidence: RefundRequest) -> None:
    assert [browser.get(path(evidence, position)).status_code for position in (0, 2, 3, 40_000)] == [404] * 4


def test_nothing_is_sent_to_it(browser: Client, evidence: RefundRequest) -> None:
    assert browser.post(path(evidence)).status_code == 405
    assert browser.delete(path(evidence)).status_code == 405


def test_the_page_names_it_as_text(browser: Client, ada: User) -> None:
    request = ask_for_refund(partly_delivered(ada), files=(Upload("<img src=x onerror=alert(1)>.png", PNG),))

    page = browser.get(f"/refunds/{request.pk}/")

    assert b"<img" not in page.content
    assert "<img src=x onerror=alert(1)>.png" in pages.text(page)
