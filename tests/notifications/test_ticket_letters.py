"""What customers read about their tickets, in text and in HTML."""

from typing import Any

import pytest
from django.conf import settings as configured

from panel.notifications import ticket_letters
from tests.factories import make_customer
from tests.notifications.letters import AT
from tests.notifications.reading import said, words

pytestmark = pytest.mark.django_db

PAGE = "/support/4/"


def about(**changes: Any) -> dict[str, Any]:
    maria = make_customer("maria")
    maria.time_zone = "Europe/Berlin"
    return {"customer": maria, "ticket_number": 4, "subject": "My link", "text": "One.\n\nTwo\nthree.", **changes}


def test_the_receipt_of_a_ticket_repeats_it_and_promises_an_answer_by_the_customers_clock() -> None:
    letter = said(ticket_letters.ticket_received(**about(), answer_by=AT, url=PAGE))

    assert letter.subject == "We have your message: My link"
    promise = "We have your message and answer it by Friday, November 20, 2026, 13:00 CET"
    assert letter.text.startswith(f"Hello Maria,\n\n{promise}")
    assert "\n\nMy link\n\nOne.\n\nTwo\nthree.\n\n" in letter.text
    assert f"{configured.SITE_URL}{PAGE}" in letter.text
    assert promise in words(letter.html)
    assert "<p>One.</p>\n\n<p>Two<br>three.</p>" in letter.html
    assert f'href="{configured.SITE_URL}{PAGE}"' in letter.html


def test_an_answer_is_sent_whole_and_leads_to_the_page_for_a_reply() -> None:
    email = ticket_letters.ticket_answered(**about(), message_number=31, url=PAGE)
    letter = said(email)

    assert email.key == "ticket:4:message:31"
    assert letter.subject == "Our answer: My link"
    assert "We have answered your ticket #4, “My link”:\n\nOne.\n\nTwo\nthree.\n\n" in letter.text
    assert "We have answered your ticket #4, “My link”." in words(letter.html)
    assert "<p>One.</p>\n\n<p>Two<br>three.</p>" in letter.html
    assert f"{configured.SITE_URL}{PAGE}" in letter.text
    assert f'href="{configured.SITE_URL}{PAGE}"' in letter.html


def test_markup_is_quoted_and_no_subject_makes_a_header() -> None:
    odd = about(subject='<i>"Hi"</i>\r\nBcc: all@example.com', text="<script>alert(1)</script> & {{ name }}")

    for email in (
        ticket_letters.ticket_received(**odd, answer_by=AT, url=PAGE),
        ticket_letters.ticket_answered(**{**odd, "ticket_number": 5}, message_number=31, url=PAGE),
    ):
        letter = said(email)

        assert "\n" not in letter.subject
        assert "<script>alert(1)</script> & {{ name }}" in letter.text
        assert "<script>" not in letter.html
        assert "<i>" not in letter.html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{ name }}" in letter.html
