"""Files and sizes of the form for a refund request: what is taken, what is refused, and in which words."""

from io import BytesIO

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from panel.accounts.models import User
from refunds.models import RefundFile, RefundRequest
from refunds.uploads import MOST_BYTES
from tests.factories.desk import ask_for_refund, partly_delivered
from tests.refunds.desk.ground import nothing_moves
from tests.refunds.test_uploads import PDF, SVG, drawn
from tests.web import asking, pages

pytestmark = pytest.mark.django_db

HTML = b"<!doctype html><script>alert(1)</script>"


def test_takes_pictures_and_pdfs_by_their_content(browser: Client, ada: User) -> None:
    sent = asking.files(("screen.exe", asking.png()), ("photo.jpg", drawn("JPEG")), ("bill", PDF))

    answer = asking.ask(browser, partly_delivered(ada), files=sent)

    kept = RefundFile.objects.order_by("position").values_list("position", "name", "content_type")
    assert list(kept) == [
        (1, "screen.png", "image/png"),
        (2, "photo.jpg", "image/jpeg"),
        (3, "bill.pdf", "application/pdf"),
    ]
    page = browser.get(answer["Location"])
    number = RefundRequest.objects.get().pk
    assert [link for link in pages.links(page) if "/files/" in link] == [
        f"/refunds/{number}/files/{position}/" for position in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("page.png", HTML, "“page.png” is neither an image (PNG, JPEG, WebP, GIF) nor a PDF, whatever its name says."),
        ("drawing.svg", SVG, "“drawing.svg” is neither an image"),
        ("half.png", asking.png()[:40], "“half.png” is damaged or incomplete"),
        ("nothing.png", b"", "“nothing.png” is empty."),
        ("../../etc/pass wd.png", b"x", "“pass wd.png” is neither"),
        ("large.png", asking.png() + b"\0" * MOST_BYTES, "“large.png” is larger than 5 MB."),
    ],
)
def test_a_file_that_is_refused_is_named_beside_the_field(
    browser: Client, ada: User, name: str, content: bytes, said: str
) -> None:
    order = partly_delivered(ada)

    with nothing_moves():
        answer = asking.ask(browser, order, files=asking.files((name, content)))

    assert answer.status_code == 422
    assert pages.element(answer, "files-error").startswith(said)
    assert asking.SAID in pages.text(answer)
    assert "please choose them again" in pages.text(answer)


def test_a_fourth_file_is_refused(browser: Client, ada: User) -> None:
    order = partly_delivered(ada)
    sent = asking.files(*[(f"{number}.png", asking.png()) for number in range(4)])

    with nothing_moves():
        answer = asking.ask(browser, order, files=sent)

    assert answer.status_code == 422
    assert pages.element(answer, "files-error") == "Send 3 files at most."


def test_far_too_many_files_are_refused_in_words(browser: Client, ada: User) -> None:
    order = partly_delivered(ada)
    sent = asking.files(*[(f"{number}.png", b"x") for number in range(150)])

    with nothing_moves():
        answer = asking.ask(browser, order, files=sent)

    assert answer.status_code == 422
    assert pages.element(answer, "files-error").startswith("This is far more than 3 files of up to 5 MB each")


def test_a_form_far_too_large_is_refused_before_it_is_taken_apart(browser: Client, ada: User) -> None:
    order = partly_delivered(ada)
    sent = SimpleUploadedFile("film.png", b"\0" * (18 * 1024 * 1024))

    with nothing_moves():
        answer = asking.ask(browser, order, files=[sent])

    assert answer.status_code == 422
    assert pages.element(answer, "files-error").startswith("This is far more than 3 files of up to 5 MB each")


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600"])
def test_a_description_of_a_megabyte_is_answered_beside_the_field(browser: Client, ada: User, letter: str) -> None:
    order = partly_delivered(ada)

    for length in (900_000 // len(letter.encode()), 1_000_000, 1_048_576):
        with nothing_moves():
            answer = asking.ask(browser, order, description=letter * length)

        assert answer.status_code == 422
        assert "4,000" in pages.element(answer, "description-error")


def test_a_message_of_a_megabyte_is_answered_in_words(browser: Client, ada: User) -> None:
    request = ask_for_refund(partly_delivered(ada))

    for path, field in (("message", "text"), ("expedite", "reason")):
        for length, said in ((200_000, "At most "), (1_048_576, "far too long"), (3_000_000, "far too long")):
            with nothing_moves():
                answer = browser.post(f"/refunds/{request.pk}/{path}/", {field: "\u00e9" * length})

            assert answer.status_code == 422
            assert said in pages.text(answer)
            assert f"Refund request {request.pk}" in pages.text(answer)


def test_a_forged_message_that_is_too_large_is_no_way_around_the_check_of_forms(ada: User) -> None:
    request = ask_for_refund(partly_delivered(ada))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)

    with nothing_moves():
        plain = strict.post(f"/refunds/{request.pk}/message/", {"text": "Hello"})
        large = strict.post(f"/refunds/{request.pk}/message/", {"text": "x" * 2_500_000})

    assert (plain.status_code, large.status_code) == (403, 422)


def test_a_strangers_order_is_not_told_apart_by_a_large_form(browser: Client) -> None:
    foreign = partly_delivered()
    large = b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

    answers = set()
    for number in (foreign.pk, 999_999):
        sent = browser.post(
            f"{asking.NEW}?order={number}", BytesIO(large), content_type="application/x-www-form-urlencoded"
        )
        answers.add((sent.status_code, pages.text(sent)))

    assert len(answers) == 1
    assert {status for status, _ in answers} == {404}
