"""The customer's tickets and the contact page."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from orders.models import Cause
from panel.accounts import suspension
from panel.accounts.models import User
from panel.support import answering, refunding
from panel.support.models import Ticket, TicketMessage, TicketState
from panel.support.queries import PAGE_SIZE, RECENT_ORDERS
from refunds.models import PolicyVersion
from tests.factories import AT, make_customer, make_service, make_staff, place_order
from tests.support.asking import answer, ask, close, letters_to, texts
from tests.web import pages

pytestmark = pytest.mark.django_db

NEW = "/support/new/"


def draft(**typed: object) -> dict[str, object]:
    """A filled form."""
    return {"kind": "order", "subject": "Where is it?", "text": "It has not moved.", "key": str(uuid4()), **typed}


def chosen(page: Any) -> list[str]:
    """The options that the form shows as chosen."""
    return [part.split('"')[0] for part in page.content.decode().split('<option value="')[1:] if " selected>" in part]


class TestWriting:
    def test_opens_a_ticket_and_shows_it(self, browser: Client, ada: User) -> None:
        order = place_order(ada, make_service())
        form = browser.get(NEW)

        sent = browser.post(NEW, draft(order=order.pk, key=pages.hidden(form, "key")), follow=True)

        ticket = Ticket.objects.get()
        assert sent.redirect_chain == [(f"/support/{ticket.pk}/", 302)]
        assert (ticket.customer, ticket.order, ticket.kind, ticket.subject) == (ada, order, "order", "Where is it?")
        said = pages.text(sent)
        assert "We have your message." in said
        assert "Where is it? Waiting for us" in said
        assert "It has not moved." in said
        assert f"/orders/{order.pk}/" in pages.links(sent)
        assert letters_to(ada) == ["ticket_received"]

    def test_the_form_begins_as_its_address_says(self, browser: Client, ada: User) -> None:
        order = place_order(ada, make_service())

        page = browser.get(f"{NEW}?order={order.pk}&kind=refund")

        assert chosen(page) == ["refund", str(order.pk)]
        assert chosen(browser.get(f"{NEW}?order=x'%22&kind=rumor")) == []

    def test_the_same_form_twice_opens_one_ticket(self, browser: Client, ada: User) -> None:
        sent = draft()

        first, again = browser.post(NEW, sent), browser.post(NEW, sent)

        assert first["Location"] == again["Location"] == f"/support/{Ticket.objects.get().pk}/"
        assert letters_to(ada) == ["ticket_received"]

    def test_a_form_sent_before_with_other_words_asks_to_be_sent_again(self, browser: Client) -> None:
        sent = draft()
        browser.post(NEW, sent)

        refused = browser.post(NEW, {**sent, "text": "And another thing."})

        assert refused.status_code == 409
        assert "This form was sent before." in pages.text(refused)
        assert "And another thing." in pages.text(refused)
        again = {**sent, "text": "And another thing.", "key": pages.hidden(refused, "key")}
        assert browser.post(NEW, again).status_code == 302
        assert Ticket.objects.count() == 2

    @pytest.mark.parametrize("key", ["", "nonsense", "0"])
    def test_a_form_without_its_key_is_shown_again(self, browser: Client, key: str) -> None:
        refused = browser.post(NEW, draft(key=key))

        assert refused.status_code == 409
        assert "It has not moved." in pages.text(refused)
        assert not Ticket.objects.exists()

    @pytest.mark.parametrize(
        ("typed", "field", "why"),
        [
            ({"kind": ""}, "kind", "Please choose what it is about."),
            ({"kind": "rumor"}, "kind", "Please choose what it is about."),
            ({"subject": " "}, "subject", "Please write something."),
            ({"subject": "x" * 121}, "subject", "At most 120 characters, please: this has 121."),
            ({"text": ""}, "text", "Please write something."),
            ({"text": "a\0b"}, "text", "This holds a character that is no text. Please type it again."),
            ({"text": "x" * 4001}, "text", "At most 4,000 characters, please: this has 4,001."),
            ({"text": "x" * 900_000}, "text", "At most 4,000 characters, please: this has 900,000."),
        ],
        ids=lambda value: ascii(value)[:24],
    )
    def test_says_beside_the_field_what_is_wrong(
        self, browser: Client, typed: dict[str, object], field: str, why: str
    ) -> None:
        refused = browser.post(NEW, draft(**typed))

        assert refused.status_code == 422
        assert pages.element(refused, f"{field}-error") == why
        assert not Ticket.objects.exists()

    def test_more_than_a_megabyte_is_refused_before_it_is_read(self, browser: Client) -> None:
        assert browser.post(NEW, draft(text="x" * 1_000_001)).status_code == 400

        assert not Ticket.objects.exists()

    def test_an_order_of_somebody_else_is_answered_exactly_like_none(self, browser: Client, ada: User) -> None:
        place_order(ada, make_service())
        theirs = place_order(make_customer("ben", funds="50"), make_service())
        form = draft()

        refused = browser.post(NEW, {**form, "order": theirs.pk})
        unknown = browser.post(NEW, {**form, "order": theirs.pk + 1_000_000})

        assert refused.status_code == unknown.status_code == 422
        assert pages.element(refused, "order-error") == "You have no order with this number."
        assert pages.text(refused) == pages.text(unknown)
        assert not Ticket.objects.exists()

    def test_a_link_to_an_order_of_somebody_else_shows_nothing_of_it(self, browser: Client, ada: User) -> None:
        place_order(ada, make_service())
        theirs = place_order(make_customer("ben", funds="50"), make_service())

        shown = browser.get(f"{NEW}?order={theirs.pk}")
        unknown = browser.get(f"{NEW}?order={theirs.pk + 1_000_000}")

        assert pages.text(shown) == pages.text(unknown)
        assert theirs.service_name not in pages.text(shown)

    def test_older_orders_are_named_by_number(self, browser: Client, ada: User) -> None:
        oldest, *_, latest = [place_order(ada, make_service(), quantity=100) for _ in range(RECENT_ORDERS + 1)]
        form = browser.get(NEW)
        assert 'name="number"' in form.content.decode()
        assert f'value="{oldest.pk}"' not in form.content.decode()

        both = browser.post(NEW, draft(order=latest.pk, number=oldest.pk))
        assert pages.element(both, "number-error") == "Choose an order or write its number, not both."
        words = browser.post(NEW, draft(number="the first"))
        assert pages.element(words, "number-error") == "An order's number has digits only, such as 1234."
        missing = browser.post(NEW, draft(number="999999999"))
        assert pages.element(missing, "number-error") == "You have no order with this number."
        assert not Ticket.objects.exists()
        assert browser.post(NEW, draft(number=f"#{oldest.pk}")).status_code == 302

        assert Ticket.objects.get().order == oldest

    def test_the_suspended_may_write(self, browser: Client, ada: User) -> None:
        suspension.suspend(user=ada, reason="A payment is being checked.", at=AT)

        assert f"{NEW}?kind=payment" in pages.links(browser.get("/orders/"))
        assert browser.post(NEW, draft()).status_code == 302

        assert Ticket.objects.get().customer == ada


class TestConversation:
    def test_shows_answers_and_never_notes(self, browser: Client, ada: User) -> None:
        ticket, grace = ask(ada, text="<script>alert(1)</script>\nsecond line"), make_staff("grace")
        answering.note(ticket_id=ticket.pk, staff=grace, text="He complains a lot.", at=AT)
        answer(ticket, grace, "It is <b>under way</b>.")

        page = browser.get(f"/support/{ticket.pk}/")

        markup = page.content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second line" in markup
        assert "It is &lt;b&gt;under way&lt;/b&gt;." in markup
        assert "<script>alert(1)" not in markup
        assert "He complains" not in markup
        assert grace.email not in markup
        assert "Makegood support" in pages.text(page)
        assert "Answered" in pages.text(page)

    def test_a_reply_waits_for_us_again_once(self, browser: Client, ada: User) -> None:
        ticket = ask(ada)
        answer(ticket, make_staff())
        key = pages.hidden(browser.get(f"/support/{ticket.pk}/"), "key")

        for _ in range(2):
            sent = browser.post(f"/support/{ticket.pk}/reply/", {"text": "No.\r\nIt is not.", "key": key}, follow=True)

        ticket.refresh_from_db()
        assert (ticket.state, texts(ticket)[-1], len(texts(ticket))) == ("open", ("customer", "No.\nIt is not."), 3)
        assert "Waiting for us" in pages.text(sent)

    @pytest.mark.parametrize(
        ("given", "status", "why"),
        [
            ({"text": " "}, 422, "Please write something."),
            ({"text": "x" * 4001}, 422, "At most 4,000 characters, please: this has 4,001."),
            ({"text": "a\0b"}, 422, "This holds a character that is no text. Please type it again."),
            ({"text": "Hm.", "key": "x"}, 409, "Please send the form once more."),
        ],
        ids=["nothing", "long", "nul", "no-key"],
    )
    def test_a_reply_that_can_not_be_kept_says_why(
        self, browser: Client, ada: User, given: dict[str, str], status: int, why: str
    ) -> None:
        ticket = ask(ada)

        refused = browser.post(f"/support/{ticket.pk}/reply/", {"key": str(uuid4()), **given})

        assert refused.status_code == status
        assert pages.element(refused, "text-error") == why
        assert len(texts(ticket)) == 1

    def test_a_reply_sent_before_with_other_words_asks_to_be_sent_again(self, browser: Client, ada: User) -> None:
        ticket, key = ask(ada), str(uuid4())
        browser.post(f"/support/{ticket.pk}/reply/", {"text": "One.", "key": key})

        refused = browser.post(f"/support/{ticket.pk}/reply/", {"text": "Two.", "key": key})

        assert refused.status_code == 409
        assert pages.hidden(refused, "key") != key
        assert "Two." in pages.text(refused)
        assert len(texts(ticket)) == 2

    def test_is_settled_by_the_customer_and_opened_again_by_writing(self, browser: Client, ada: User) -> None:
        ticket = ask(ada)

        settled = browser.post(f"/support/{ticket.pk}/settle/", follow=True)
        ticket.refresh_from_db()
        assert (ticket.state, ticket.closed_by) == (TicketState.CLOSED, ada)
        assert "The ticket is closed. If you write in it, it is open again." in pages.text(settled)
        assert "close it" not in pages.text(settled)
        browser.post(f"/support/{ticket.pk}/reply/", {"text": "It is back.", "key": str(uuid4())})

        ticket.refresh_from_db()
        assert ticket.state == TicketState.OPEN

    def test_tells_the_promise_and_admits_being_late(self, browser: Client, ada: User) -> None:
        ticket = ask(ada)

        with time_machine.travel(AT + timedelta(hours=23), tick=False):
            browser.force_login(ada)
            on_time = pages.text(browser.get(f"/support/{ticket.pk}/"))
        with time_machine.travel(AT + timedelta(hours=25), tick=False):
            browser.force_login(ada)
            late = pages.text(browser.get(f"/support/{ticket.pk}/"))

        assert "Answer by 3 Nov 2026, 12:00 UTC" in on_time
        assert "We are late" not in on_time
        assert "We are late with our answer, and we are sorry." in late

    def test_leads_to_the_refund_request_that_came_of_it(self, browser: Client, ada: User) -> None:
        order = place_order(ada, make_service())
        ticket = ask(ada, order_id=order.pk)
        request = refunding.turn_into_request(
            ticket_id=ticket.pk, order_id=None, cause=Cause.CHANGE_OF_MIND, staff=make_staff(), at=AT
        )

        assert f"/refunds/{request.pk}/" in pages.links(browser.get(f"/support/{ticket.pk}/"))

    def test_nobody_else_reads_writes_or_settles_it(self, browser: Client) -> None:
        theirs = ask(make_customer("ben"))
        given = {"text": "Me too.", "key": str(uuid4())}

        for number in (theirs.pk, theirs.pk + 1000):
            assert browser.get(f"/support/{number}/").status_code == 404
            assert browser.post(f"/support/{number}/reply/", given).status_code == 404
            assert browser.post(f"/support/{number}/settle/").status_code == 404

        theirs.refresh_from_db()
        assert (theirs.state, TicketMessage.objects.count()) == ("open", 1)

    def test_a_long_conversation_takes_no_more_queries(
        self, browser: Client, ada: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = ask(ada)
        TicketMessage.objects.bulk_create(
            TicketMessage(ticket=ticket, kind="customer", author=ada, text=f"Message {number}.", at=AT)
            for number in range(100)
        )

        with django_assert_max_num_queries(6):
            page = browser.get(f"/support/{ticket.pk}/")

        said = pages.text(page)
        assert said.index("Message 0.") < said.index("Message 99.")


class TestList:
    def test_shows_own_tickets_newest_first_in_pages(self, browser: Client, ada: User) -> None:
        grace = make_staff()
        tickets = []
        for number in range(PAGE_SIZE + 2):
            tickets.append(ask(ada, subject=f"Question no. {number}."))
            close(tickets[-1], grace)
        ask(make_customer("ben"), subject="A question of Ben")

        first = browser.get("/support/")
        second = browser.get(f"/support/?before={tickets[2].pk}")

        said = pages.text(first)
        assert said.index(f"Question no. {PAGE_SIZE + 1}.") < said.index("Question no. 2.")
        assert "Question no. 1." not in said
        assert "Ben" not in said
        assert f"/support/?before={tickets[2].pk}" in pages.links(first)
        assert "Question no. 1." in pages.text(second)
        assert "Question no. 2." not in pages.text(second)

    def test_says_how_to_begin(self, browser: Client) -> None:
        page = browser.get("/support/")

        assert "You have not written to us yet." in pages.text(page)
        assert NEW in pages.links(page)
        assert "There are no older tickets." in pages.text(browser.get("/support/?before=1"))

    @pytest.mark.parametrize("address", ["/support/", NEW, "/support/1/"])
    def test_asks_to_sign_in(self, client: Client, address: str) -> None:
        answered = client.get(address)

        assert answered.status_code == 302
        assert answered["Location"].startswith("/accounts/login/")

    def test_the_conversation_is_kept_by_no_cache(self, browser: Client, ada: User) -> None:
        for address in ("/support/", NEW, f"/support/{ask(ada).pk}/"):
            assert "no-store" in browser.get(address)["Cache-Control"]


class TestContact:
    def test_says_how_we_are_reached_and_how_soon_we_answer(self, client: Client, settings: Settings) -> None:
        settings.SUPPORT_HOURS = "Monday to Friday, 9:00 to 17:00 UTC"
        settings.SUPPORT_ADDRESS = "Makegood Ltd\n1 <Main> Street"

        page = client.get("/contact/")

        said = pages.text(page)
        assert "We aim to answer within 24 hours." in said
        assert "Monday to Friday, 9:00 to 17:00 UTC" in said
        assert "Makegood Ltd<br>1 &lt;Main&gt; Street" in page.content.decode()
        assert f"mailto:{settings.SUPPORT_EMAIL}" in pages.links(page)
        assert f"/accounts/login/?next={NEW}" in pages.links(page)

    def test_promises_what_the_policy_in_force_does(self, client: Client, credit_only_policy: PolicyVersion) -> None:
        assert credit_only_policy.policy.contact.response_hours == 72

        assert "We aim to answer within 72 hours." in pages.text(client.get("/contact/"))

    def test_leaves_out_what_is_not_set(self, browser: Client) -> None:
        page = browser.get("/contact/")

        assert "By post" not in pages.text(page)
        assert "Hours" not in pages.text(page)
        assert NEW in pages.links(page)

    def test_is_linked_from_everywhere(self, client: Client, ada: User) -> None:
        assert "/contact/" in pages.links(client.get("/"))
        client.force_login(ada)

        assert {"/contact/", "/support/"} <= set(pages.links(client.get("/")))
