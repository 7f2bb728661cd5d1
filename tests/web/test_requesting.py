"""The form for a refund request, and what becomes of it when it is sent."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from orders.models import Cause, OrderStatus
from panel.accounts.models import User
from panel.notifications.models import Email
from refunds.models import Decision, RefundRequest, RefundRequestEvent, RequestState
from tests.factories import AT, make_customer, move
from tests.factories.desk import (
    ask_for_refund,
    completed,
    decline,
    make_agent,
    partly_delivered,
    publish_paying_for_errors,
    started,
)
from tests.refunds.desk.ground import nothing_moves
from tests.web import asking, pages

pytestmark = pytest.mark.django_db

ASKED_BY_HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """It is November 2, noon in UTC, 7 in the morning in New York."""
    with time_machine.travel(AT, tick=False):
        yield


class TestTheForm:
    def test_shows_the_order_and_the_causes_that_fit_it(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)

        said = pages.text(asking.form_page(browser, order))

        assert f"Order {order.pk} Partial" in said
        assert "Not delivered 400 Charged 10.00 USD Refunded so far 4.00 USD" in said
        assert "Less was delivered than ordered" in said
        assert "I don't want it any more" not in said

    def test_quotes_at_once_when_the_address_names_the_cause(self, browser: Client, ada: User) -> None:
        page = asking.form_page(browser, started(ada, remains=400), "platform_delay")

        assert 'value="platform_delay" required checked' in page.content.decode()
        assert "Proposed refund 4.00 USD" in pages.text(page)

    def test_lets_choose_an_order_when_none_is_named(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)
        foreign = partly_delivered()

        links = pages.links(browser.get(asking.NEW))

        assert f"/refunds/new/?order={order.pk}" in links
        assert f"/refunds/new/?order={foreign.pk}" not in links

    @pytest.mark.parametrize("number", ["abc", "-1", "1e9", "\x00", "9" * 40, "\u0661"])
    def test_a_number_that_is_none_is_said_beside_the_field(self, browser: Client, number: str) -> None:
        page = browser.get(asking.NEW, {"order": number})

        assert page.status_code == 422
        assert pages.element(page, "order-error") == "An order's number has digits only, such as 1234."

    def test_leads_to_the_request_that_is_open(self, browser: Client, ada: User) -> None:
        request = ask_for_refund(partly_delivered(ada))

        page = browser.get(asking.NEW, {"order": request.order_id}, follow=True)

        assert page.redirect_chain == [(f"/refunds/{request.pk}/", 302)]
        assert f"Request {request.pk} about this order is open already." in pages.text(page)

    def test_another_customers_order_looks_like_none(self, browser: Client, ada: User) -> None:
        own, foreign = partly_delivered(ada), partly_delivered(make_customer("ben", funds="50"))
        form = asking.form_of(browser, own)

        answers = set()
        for number in (foreign.pk, 999_999, 999_999_999_999_999_999):
            for answer in (
                browser.get(asking.NEW, {"order": number}),
                browser.get(f"{asking.QUOTE}?order={number}&cause=dropped", headers=ASKED_BY_HTMX),
                browser.post(f"{asking.NEW}?order={number}", form),
            ):
                answers.add((answer.status_code, pages.text(answer)))

        assert {status for status, _ in answers} == {404}
        assert len(answers) == 1
        assert not RefundRequest.objects.exists()

    def test_a_visitor_is_sent_to_sign_in(self, client: Client) -> None:
        for answer in (client.get(f"{asking.NEW}?order=1"), client.post(f"{asking.NEW}?order=1")):
            assert answer["Location"] == "/accounts/login/?next=/refunds/new/%3Forder%3D1"

    def test_a_forged_form_is_refused(self, ada: User) -> None:
        order = partly_delivered(ada)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(ada)

        with nothing_moves():
            answer = asking.send(strict, order, asking.form_of(strict, order))

        assert answer.status_code == 403


class TestSending:
    def test_opens_a_request_that_a_person_looks_at(self, browser: Client, ada: User) -> None:
        order = started(ada, remains=400)

        answer = asking.ask(browser, order, "platform_delay", description="  Since a week,\r\nnothing.  ")

        request = RefundRequest.objects.get()
        assert answer["Location"] == f"/refunds/{request.pk}/"
        assert (request.order, request.customer, request.cause) == (order, ada, Cause.PLATFORM_DELAY)
        assert (request.state, request.description) == (RequestState.OPEN, "Since a week,\nnothing.")
        assert "We have your request. A person looks at it" in pages.text(browser.get(answer["Location"]))

    def test_shows_what_was_settled_at_once(self, browser: Client, ada: User) -> None:
        publish_paying_for_errors()
        order = partly_delivered(ada)

        answer = asking.ask(browser, order, "system_error")

        order.refresh_from_db()
        assert order.refunded == order.charge
        said = pages.text(browser.get(answer["Location"]))
        assert "6.00 USD is on your balance." in said
        assert "Approved" in said
        assert "Credited 6.00 USD" in said
        assert "Add a message" not in said

    @pytest.mark.usefixtures("credit_only_policy")
    def test_shows_what_was_declined_at_once_and_points_to_support(self, browser: Client, ada: User) -> None:
        order = completed(ada)

        answer = asking.ask(browser, order, "dropped")

        page = browser.get(answer["Location"])
        assert RefundRequest.objects.get().state == RequestState.DECLINED
        assert "By the policy of this order nothing is refunded" in pages.text(page)
        assert f"/support/new/?order={order.pk}&kind=refund" in pages.links(page)

    def test_the_same_form_sent_twice_opens_one_request(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)
        form = asking.form_of(browser, order)
        first = asking.send(browser, order, form)

        with nothing_moves():
            again = asking.send(browser, order, form)

        request = RefundRequest.objects.get()
        assert first["Location"] == again["Location"] == f"/refunds/{request.pk}/"
        said = pages.text(browser.get(f"/refunds/{request.pk}/"))
        assert f"Request {request.pk} was sent already; nothing was sent again." in said

    def test_a_form_that_another_customer_sent_opens_nothing(self, browser: Client, ada: User) -> None:
        ben = make_customer("ben", funds="50")
        theirs = ask_for_refund(partly_delivered(ben))
        order = partly_delivered(ada)

        with nothing_moves():
            answer = asking.ask(browser, order, key=str(theirs.key))

        assert answer.status_code == 409
        assert "Please send the form once more." in pages.text(answer)
        assert pages.hidden(answer, "key") != str(theirs.key)

    def test_a_second_one_while_one_is_open_is_refused_with_its_number(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)
        form = asking.form_of(browser, order)
        request = ask_for_refund(order)

        with nothing_moves():
            answer = asking.send(browser, order, form)

        assert answer.status_code == 409
        assert f"Request {request.pk} about this order is open already." in pages.text(answer)
        assert f"/refunds/{request.pk}/" in pages.links(answer)
        assert asking.SAID in pages.text(answer)

    def test_a_quote_that_changed_is_shown_again_before_anything_is_sent(self, browser: Client, ada: User) -> None:
        order = started(ada, remains=400)
        form = asking.form_of(browser, order, "dropped")
        move(order, OrderStatus.PARTIAL, remains=250, cause=Cause.CANNOT_COMPLETE)

        with nothing_moves():
            answer = asking.send(browser, order, form)

        assert answer.status_code == 409
        said = pages.text(answer)
        assert "What the policy says about this has changed. Please read it again." in said
        assert "please choose them again: browsers forget them" in said
        assert asking.SAID in said
        assert pages.hidden(answer, "seen") != form["seen"]
        form["seen"] = pages.hidden(answer, "seen")
        assert asking.send(browser, order, form).status_code == 302

    def test_without_scripts_the_quote_is_read_first(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)
        form = asking.form_of(browser, order)

        with nothing_moves():
            checked = asking.send(browser, order, form, seen="", check="1")
            unread = asking.send(browser, order, form, seen="")

        for answer in (checked, unread):
            assert answer.status_code == 200
            assert "Proposed refund 0.00 USD" in pages.text(answer)
            assert (pages.hidden(answer, "seen"), pages.hidden(answer, "key")) == (form["seen"], form["key"])
        assert "Please read what the policy says, then send it." in pages.text(unread)

    def test_what_was_declined_before_is_refused_in_words(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)
        declined = ask_for_refund(order, Cause.DROPPED)
        decline(declined, make_agent())

        with nothing_moves():
            answer = asking.ask(browser, order, "dropped")

        assert answer.status_code == 422
        assert f"Request {declined.pk} asked the same and was declined" in pages.text(answer)
        assert f"/support/new/?order={order.pk}&kind=refund" in pages.links(answer)

    @pytest.mark.parametrize(("chosen", "kept"), [("", "Asia/Tokyo"), ("Europe/Paris", "Europe/Paris")])
    def test_the_letter_says_the_times_in_the_zone_of_the_page(
        self, browser: Client, ada: User, chosen: str, kept: str
    ) -> None:
        User.objects.filter(pk=ada.pk).update(time_zone=chosen)
        browser.cookies["time_zone"] = "Asia/Tokyo"

        asking.ask(browser, partly_delivered(ada))

        assert User.objects.get(pk=ada.pk).time_zone == kept
        due = Email.objects.get(template="request_received").context["due_at"]
        assert due.endswith({"Asia/Tokyo": "JST", "Europe/Paris": "CET"}[kept])

    @pytest.mark.parametrize(
        ("changed", "where", "said"),
        [
            ({"cause": None}, "cause-error", "Choose what is wrong with the order."),
            ({"cause": "nonsense"}, "cause-error", "Choose what is wrong with the order."),
            ({"cause": "not_started"}, "cause-error", "Choose a cause that fits the order as it stands now."),
            ({"description": None}, "description-error", "Say in a few words what is wrong with the order."),
            ({"description": " \r\n\t"}, "description-error", "Say in a few words what is wrong with the order."),
            (
                {"description": "a\0b"},
                "description-error",
                "This holds a character that is no text. Please type it again.",
            ),
            ({"description": "x" * 4001}, "description-error", "At most 4,000 characters, please: this has 4,001."),
        ],
    )
    def test_a_fault_is_said_beside_its_field(
        self, browser: Client, ada: User, changed: dict[str, str | None], where: str, said: str
    ) -> None:
        order = partly_delivered(ada)
        form = asking.form_of(browser, order)

        with nothing_moves():
            answer = asking.send(browser, order, form, **changed)

        assert answer.status_code == 422
        assert pages.element(answer, where) == said

    @pytest.mark.parametrize("key", [None, "", "nonsense", "\0", "9" * 5000])
    def test_a_form_without_its_key_is_sent_once_more(self, browser: Client, ada: User, key: str | None) -> None:
        order = partly_delivered(ada)

        with nothing_moves():
            answer = asking.ask(browser, order, key=key)

        assert answer.status_code == 409
        assert pages.hidden(answer, "key") != key

    @pytest.mark.parametrize("field", ["cause", "description", "seen", "key", "order", "files", "check", "unknown"])
    def test_no_input_is_a_fault(self, browser: Client, ada: User, field: str) -> None:
        order = partly_delivered(ada)
        form = asking.form_of(browser, order)

        for text in ("", "\ud7ff\ufffe", "' OR 1=1 --", "\x00", "9" * 60, "<b>", "\u202e", "%s"):
            answer = asking.send(browser, order, {**form, field: text})
            assert answer.status_code in {200, 302, 409, 422}

    def test_a_suspended_customer_may_ask(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)
        ada.suspended_at = AT
        ada.suspension_reason = "A payment is disputed."
        ada.save(update_fields=["suspended_at", "suspension_reason"])

        answer = asking.ask(browser, order)

        assert answer.status_code == 302
        assert RefundRequest.objects.get().state == RequestState.OPEN

    def test_what_people_write_is_shown_as_text(self, browser: Client, ada: User) -> None:
        answer = asking.ask(browser, partly_delivered(ada), description="<script>alert(1)</script>\n<b>Two</b> & more")

        page = browser.get(answer["Location"])
        assert b"<script>alert" not in page.content
        assert "<script>alert(1)</script> <b>Two</b> & more" in pages.text(page).replace("<br>", " ")
        assert b"&lt;/script&gt;<br>&lt;b&gt;" in page.content

    def test_the_form_of_one_order_does_not_open_one_about_another(self, browser: Client, ada: User) -> None:
        first, second = partly_delivered(ada), partly_delivered(ada)
        form = asking.form_of(browser, first)

        with nothing_moves():
            answer = asking.send(browser, second, form)

        assert answer.status_code == 409
        assert not Decision.objects.filter(order=second, state="awaiting_review").exists()
        assert not RefundRequestEvent.objects.exists()

    def test_a_fresh_key_is_given_to_every_form(self, browser: Client, ada: User) -> None:
        order = partly_delivered(ada)

        keys = {asking.form_of(browser, order)["key"] for _ in range(3)}

        assert len(keys) == 3
