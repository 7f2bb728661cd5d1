"""What each e-mail says, in its three renderings."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as configured
from django.template import engines
from pytest_django import Settings

from panel.notifications import letters, rendering
from panel.notifications.models import Email
from tests.factories import make_customer
from tests.notifications import samples
from tests.notifications.letters import VISA, every, put, receipt
from tests.notifications.reading import said, words

pytestmark = pytest.mark.django_db

KINDS = {
    "deposit_receipt": ("deposit:12:receipt", "Paid: Friday, November 20, 2026, 12:00 UTC"),
    "deposit_failed": ("deposit:13:failed", f"1,234.50 USD by {VISA} did not arrive"),
    "withdrawal_scheduled": (
        "withdrawal:7:scheduled",
        "1,234.50 USD will be sent by Friday, November 27, 2026, and should reach you by Friday, December 11, 2026.",
    ),
    "withdrawal_arranging": ("withdrawal:7:arranging", "Nothing is sent before you agree to it on the page."),
    "withdrawal_in_review": ("withdrawal:7:in_review", "it is sent by Friday, November 27, 2026."),
    "withdrawal_declined": ("withdrawal:7:declined", "Why: The payment is under dispute."),
    "withdrawal_canceled": ("withdrawal:7:canceled", "is back on your balance: your withdrawal was canceled"),
    "withdrawal_paid": (
        "withdrawal:7:paid",
        f"- 1,000.00 USD to {VISA}, reference 74537604221431003881\n- 234.50 USD to bank account ending in 3000\n",
    ),
    "withdrawal_failed": ("withdrawal:7:leg:2:failed", f"1,234.50 USD did not reach {VISA}"),
    "alternative_proposed": ("withdrawal:7:leg:2:alternative:1", "We can send it to bank account ending in 3000"),
}
# These say the method; the others are about an amount whose methods the page lists.
METHODS = {
    "deposit_receipt": VISA,
    "deposit_failed": VISA,
    "withdrawal_scheduled": VISA,
    "withdrawal_paid": VISA,
    "withdrawal_failed": VISA,
    "alternative_proposed": "bank account ending in 3000",
}


@pytest.mark.parametrize("template", KINDS)
def test_each_says_amount_method_and_where_to_look_in_subject_text_and_html(template: str) -> None:
    [email] = [email for email in every(make_customer("maria")) if email.template == template]
    key, sentence = KINDS[template]

    letter = said(email)

    assert email.key == key
    assert letter.subject.startswith("1,234.50 USD")
    assert "\n" not in letter.subject
    assert letter.text.startswith("Hello Maria,\n\n1,234.50 USD ")
    assert sentence in letter.text
    html = words(letter.html)
    for expected in ("Hello Maria,", "1,234.50 USD", METHODS.get(template, ""), configured.SUPPORT_EMAIL):
        assert expected in letter.text
        assert expected in html
    assert f'href="{email.context["url"]}"' in letter.html
    assert str(email.context["url"]) in letter.text
    assert str(email.context["url"]).startswith(f"{configured.SITE_URL}/balance/")
    assert "\n\n\n" not in letter.text


def test_there_is_a_function_for_each_template_and_a_sample_for_each_function() -> None:
    folder = configured.BASE_DIR / "templates" / "email"
    templates = {path.stem for path in folder.iterdir()} - {"base"}

    assert templates == {email.template for email in samples.of_every_kind(make_customer())}
    assert {email.template for email in every(make_customer())} == set(KINDS)
    assert all((folder / f"{name}.{part}").is_file() for name in templates for part in ("subject", "txt", "html"))


def test_no_template_asks_for_what_its_letter_does_not_give(monkeypatch: pytest.MonkeyPatch) -> None:
    emails = put(*samples.of_every_kind(make_customer("maria")))
    monkeypatch.setattr(engines["django"].engine, "string_if_invalid", "<missing %s>")  # type: ignore[attr-defined]

    for email in emails:
        letter = rendering.letter(email)

        assert "missing" not in letter.subject + letter.text + letter.html


def test_what_people_wrote_is_escaped_in_html_and_left_as_it_is_in_text() -> None:
    maria = make_customer("maria")
    maria.name = "<b>O'Neil</b> & Co"
    email = letters.withdrawal_declined(
        customer=maria,
        withdrawal_number=7,
        amount=Decimal(20),
        reason='<img src="x"> & "quotes"',
        url='/balance/?a=1&b="2"',
    )

    letter = said(email)

    assert "Hello <b>O'Neil</b> & Co," in letter.text
    assert 'Why: <img src="x"> & "quotes"' in letter.text
    assert "<img" not in letter.html
    assert "<b>O" not in letter.html
    assert 'href="http://127.0.0.1:8000/balance/?a=1&amp;b=&quot;2&quot;"' in letter.html


def test_nothing_breaks_the_subject_into_two_lines() -> None:
    email = receipt(make_customer())
    bad = {**email.context, "amount": "5.00 USD\r\nBcc: everybody@example.com"}

    message = rendering.message(Email(to=email.to, template=email.template, context=bad, message_id="<a@example.com>"))

    assert message.subject == "5.00 USD Bcc: everybody@example.com is on your balance"
    assert message.message()["Bcc"] is None


def test_receipt_says_so_when_something_else_arrived_than_was_asked() -> None:
    maria = make_customer()

    other, same = said(receipt(maria, 1, amount="48.75")), said(receipt(maria, 2, amount="50.000000"))

    assert "You had entered 50.00 USD. 48.75 USD is what arrived" in other.text
    assert "You had entered 50.00 USD. 48.75 USD is what arrived" in words(other.html)
    assert "You had entered" not in same.text + same.html


def test_promised_days_say_whose_they_are() -> None:
    maria = make_customer()
    maria.time_zone = "Asia/Tokyo"
    promised = [email for email in every(maria) if "reckoning" in email.context]

    assert {email.template for email in promised} == {"withdrawal_scheduled", "withdrawal_in_review", "withdrawal_paid"}
    for email in promised:
        letter = said(email)
        for text in (letter.text, words(letter.html)):
            assert "Business days are those of the US calendar, in the time zone UTC." in text


def test_a_failed_withdrawal_links_its_own_page_and_the_one_that_says_the_way_out() -> None:
    email = letters.withdrawal_failed(
        customer=make_customer(),
        withdrawal_number=7,
        leg=1,
        amount=Decimal(20),
        method=VISA,
        reason="",
        url="/balance/withdrawals/7/",
        way_out="/balance/withdraw/",
    )

    letter = said(email)

    assert "what you can do with it now: http://127.0.0.1:8000/balance/withdraw/\n" in letter.text
    assert "Withdrawal #7: http://127.0.0.1:8000/balance/withdrawals/7/" in letter.text
    assert 'href="http://127.0.0.1:8000/balance/withdraw/"' in letter.html
    assert 'href="http://127.0.0.1:8000/balance/withdrawals/7/"' in letter.html
    assert "What we were told" not in letter.text + letter.html


def test_a_part_that_is_arranged_is_told_without_a_date() -> None:
    review: dict[str, Any] = {"customer": make_customer(), "amount": Decimal(50), "reason": "Large.", "url": "/"}
    friday = date(2026, 11, 27)

    some = said(letters.withdrawal_in_review(**review, withdrawal_number=1, send_by=friday, arranged=Decimal(20)))
    whole = said(letters.withdrawal_in_review(**review, withdrawal_number=2, send_by=None, arranged=Decimal(50)))

    for text in (some.text, words(some.html)):
        assert "the part that goes back to your payments is sent by Friday, November 27, 2026. 20.00 USD of it" in text
    for text in (whole.text, words(whole.html)):
        assert "if everything is in order, support arranges another way with you." in text
        assert "sent by" not in text


def test_a_confirmation_sends_people_to_their_bank_only_with_a_reference() -> None:
    paid: dict[str, Any] = {
        "customer": make_customer(),
        "amount": Decimal(20),
        "returned": Decimal(0),
        "bank_by": date(2026, 12, 11),
        "url": "/",
    }

    known = said(letters.withdrawal_paid(**paid, withdrawal_number=1, parts=[(Decimal(20), VISA, "745")]))
    unknown = said(letters.withdrawal_paid(**paid, withdrawal_number=2, parts=[(Decimal(20), VISA, "")]))

    for text in (known.text, words(known.html)):
        assert f"20.00 USD to {VISA}, reference 745" in text
        assert "your bank or card company can find it by the reference above" in text
        assert "back on your balance" not in text
    assert "reference" not in unknown.text + unknown.html


def test_instants_are_told_in_the_time_zone_of_the_panel(settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"

    assert receipt(make_customer()).context["paid_at"] == "Friday, November 20, 2026, 07:00 EST"


def test_a_person_without_a_name_is_greeted_all_the_same() -> None:
    maria = make_customer()
    maria.name = ""

    letter = said(receipt(maria))

    assert letter.text.startswith("Hello,\n")
    assert "Hello," in words(letter.html)


def test_another_proposal_is_another_email() -> None:
    proposal: dict[str, Any] = {
        "customer": make_customer(),
        "withdrawal_number": 7,
        "leg": 2,
        "amount": Decimal(20),
        "destination": "bank",
        "url": "/",
    }

    first, second = letters.alternative_proposed(**proposal), letters.alternative_proposed(**proposal, proposal=2)

    assert (first.key, second.key) == ("withdrawal:7:leg:2:alternative:1", "withdrawal:7:leg:2:alternative:2")


def test_message_is_marked_as_automatic_answers_go_to_support_and_nothing_is_fetched_from_elsewhere() -> None:
    [email] = put(receipt(make_customer()))

    message = rendering.message(email)

    written = message.message()
    assert written["Auto-Submitted"] == "auto-generated"
    assert written["Message-ID"] == email.message_id
    assert written["Reply-To"] == configured.SUPPORT_EMAIL
    assert written["From"] == configured.DEFAULT_FROM_EMAIL
    assert [part.get_content_type() for part in written.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    html = rendering.letter(email).html
    assert not any(word in html for word in ("<img", "<script", "<link", "url(", "@import"))
