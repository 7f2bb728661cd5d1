"""What customers and staff read about refunds of orders, in text and in HTML."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings as configured

from panel.accounts.models import User
from panel.notifications import refund_letters
from panel.notifications.outbox import NewEmail
from tests.factories import make_customer, make_staff
from tests.notifications import samples
from tests.notifications.letters import AT
from tests.notifications.reading import said, words

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
# template: key, subject, and sentences that text and HTML both hold
TOLD = {
    "request_received": (
        "request:5:received",
        "We received your request for a refund of order #12",
        [
            "It takes too long",
            "3.00 USD: a person looks at it.",
            "by Sunday, November 22, 2026, 12:00 UTC , hardly before Saturday, November 21, 2026, 12:00 UTC.",
        ],
    ),
    "refund_in_review": (
        "request:5:in_review",
        "Order #12: a person decides about your refund",
        ["has ended, and a person decides about your refund.", "Our answer comes by Sunday, November 22, 2026, 12:00"],
    ),
    "request_question": (
        "request:5:question:31",
        "Order #12: we have a question about your refund",
        ["Which link? The first or the second?", "Please answer on the page of the request"],
    ),
    "request_approved": (
        "request:5:approved",
        "3.00 USD is back on your balance: your request about order #12 was approved",
        ["Why: It took too long.", "Your balance is now 40.50 USD , and your promotional balance 1.00 USD."],
    ),
    "request_declined": (
        "request:5:declined",
        "Order #12: your request for a refund was declined",
        ["Why: The order was completed. We checked the page.", "a person will read it"],
    ),
    "order_refunded": (
        "decision:9:refunded",
        "63.00 USD is back on your balance for 21 orders",
        ["Your balance is now 1,240.50 USD , and your promotional balance 1.00 USD.", "and 1 more"],
    ),
}


def plain(text: str) -> str:
    """Return a text on one line, without the blank that the end of a mark leaves before commas and full stops."""
    return " ".join(text.replace(" ,", ",").replace(" .", ".").split())


@pytest.mark.parametrize("template", TOLD)
def test_each_says_what_happened_and_what_happens_next(template: str) -> None:
    [email] = [one for one in samples.about_refunds(make_customer("maria")) if one.template == template]
    key, subject, sentences = TOLD[template]

    letter = said(email)

    assert (email.key, letter.subject) == (key, subject)
    assert letter.text.startswith("Hello Maria,\n\n")
    for sentence in sentences:
        assert plain(sentence) in plain(letter.text)
        assert plain(sentence) in plain(words(letter.html))
    assert str(email.context["url"]).startswith(f"{configured.SITE_URL}/orders/")
    assert str(email.context["url"]) in letter.text
    assert f'href="{email.context["url"]}"' in letter.html
    assert "\n\n\n" not in letter.text


def test_there_is_a_test_of_the_words_of_each() -> None:
    assert {email.template for email in samples.about_refunds(make_customer())} == set(TOLD)


def test_says_by_when_the_answer_comes_in_the_time_zone_of_the_customer() -> None:
    maria, tom = make_customer("maria"), make_customer("tom")
    maria.time_zone, tom.time_zone = "Europe/Berlin", "America/Sao_Paulo"

    berlin, sao_paulo = (said(in_review(person)) for person in (maria, tom))

    assert "Our answer comes by Sunday, November 22, 2026, 13:00 CET, and we write" in berlin.text
    assert "Our answer comes by Sunday, November 22, 2026, 09:00 UTC-03:00, and we write" in sao_paulo.text


def in_review(customer: User) -> NewEmail:
    return refund_letters.refund_in_review(
        customer=customer,
        request_number=customer.pk,
        order_number=12,
        sentence="A person looks at it.",
        due_from=AT + 2 * DAY,
        due_at=AT + 2 * DAY,
        url="/",
    )


def test_names_what_the_policy_proposes_once() -> None:
    received = [
        said(
            refund_letters.request_received(
                customer=make_customer(),
                request_number=number,
                order_number=12,
                cause="It takes too long",
                proposal=Decimal(proposal),
                sentence=sentence,
                due_from=AT + DAY,
                due_at=AT + 2 * DAY,
                url="/",
            )
        ).text
        for number, (proposal, sentence) in enumerate(
            [("3", "Up to 3.00 USD: a person looks at it."), ("3", "A person looks at it."), ("0", "Nothing is left.")]
        )
    ]

    assert [text.count("3.00 USD") for text in received] == [1, 1, 0]
    assert "That would be: 3.00 USD" in received[1]
    assert "That would be" not in received[0] + received[2]


def test_a_settlement_of_one_order_says_why_without_a_list() -> None:
    one = said(samples.refunded(make_customer(), 1, promo=None))

    assert one.subject == "3.00 USD is back on your balance for order #100"
    assert one.text.count("Order #") == 0
    assert samples.SENTENCE in one.text
    assert samples.SENTENCE in words(one.html)
    assert "promotional" not in one.text + one.html


@pytest.mark.parametrize(
    ("number", "listed", "more"), [(2, 2, ""), (20, 20, ""), (21, 20, "and 1 more"), (1500, 20, "and 1,480 more")]
)
def test_a_settlement_of_many_lists_twenty_and_counts_the_others(number: int, listed: int, more: str) -> None:
    letter = said(samples.refunded(make_customer(), number))

    assert (letter.text.count("- Order #"), letter.html.count("<li>Order #")) == (listed, listed)
    assert f"for {number:,} orders" in letter.subject
    for text in (letter.text, words(letter.html)):
        assert (more in text) if more else ("more" not in text.replace("nothing more", ""))


def test_a_question_is_told_as_it_was_written_and_can_not_be_markup() -> None:
    email = refund_letters.request_question(
        customer=make_customer(),
        request_number=5,
        order_number=12,
        question_number=1,
        text='<img src="x">\nYours, "Grace"',
        url="/",
    )

    letter = said(email)

    assert '<img src="x">\nYours, "Grace"' in letter.text
    assert "<img" not in letter.html
    assert "&lt;img src=&quot;x&quot;&gt;<br>Yours" in letter.html


def test_each_question_is_a_letter_of_its_own() -> None:
    maria = make_customer()

    keys = {
        refund_letters.request_question(
            customer=maria, request_number=5, order_number=12, question_number=number, text="Which link?", url="/"
        ).key
        for number in (1, 2)
    }

    assert keys == {"request:5:question:1", "request:5:question:2"}


def test_the_digest_says_what_is_late_and_links_what_is_urgent() -> None:
    grace = make_staff("grace")

    email = samples.digest(grace)
    letter = said(email)

    page = f"{configured.SITE_URL}/admin/refunds/refundrequest/5/change/"
    assert email.key == f"digest:2026-11-20:{grace.pk}"
    assert letter.subject == "Refund desk, Friday, November 20, 2026: 2 overdue, 3 due soon"
    assert f"- Refund request 5, order 12, overdue: {page}\n" in letter.text
    assert f'href="{page}"' in letter.html
    for text in (letter.text, words(letter.html)):
        assert "9 refund requests are open." in text
        assert "1 refund waits for a second person." in text


def test_the_digest_of_a_quiet_morning_says_that_nothing_is_late() -> None:
    letter = said(samples.digest(make_staff(), overdue=0, due_soon=0, urgent=[]))

    assert letter.subject.endswith(": nothing is late")
    assert "most urgent" not in letter.text + letter.html
