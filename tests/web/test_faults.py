import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from tests.web import pages

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def _breaks(_request: HttpRequest) -> HttpResponse:
    message = "the secret inside"
    raise RuntimeError(message)


def _forbids(_request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def _suspects(_request: HttpRequest) -> HttpResponse:
    message = "the secret inside"
    raise SuspiciousOperation(message)


urlpatterns = [
    path("breaks/", _breaks),
    path("forbids/", _forbids),
    path("suspects/", _suspects),
    path("", include("panel.urls")),
]


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nowhere/", 404, "There is no such page"),
        ("/orders/0x1/", 404, "There is no such page"),
        ("/forbids/", 403, "This is not allowed"),
        ("/suspects/", 400, "This request makes no sense"),
        ("/breaks/", 500, "Something broke on our side"),
    ],
)
def test_faults_have_a_page_of_ours_that_tells_nothing_of_the_inside(address: str, status: int, words: str) -> None:
    response = Client(raise_request_exception=False).get(address)

    assert response.status_code == status
    assert words in pages.text(response)
    assert "secret" not in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_a_form_without_its_token_changes_nothing_and_says_so() -> None:
    strict = Client(enforce_csrf_checks=True)

    response = strict.post("/accounts/login/", {"login": "a@example.net", "password": "x"})

    assert response.status_code == 403
    assert "Nothing was changed." in pages.text(response)


@override_settings(ALLOWED_HOSTS=["panel.example.com"])
def test_a_forged_host_is_a_bad_request() -> None:
    response = Client(raise_request_exception=False).get("/", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert "evil.example" not in response.content.decode()
