"""Tickets and saved replies as staff see them, and what they do about them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from panel.accounts.models import User
from panel.notifications.models import Email
from panel.support import answering, handling
from panel.support.models import SavedReply, Ticket, TicketKind, TicketMessage
from refunds.models import RefundRequest
from tests.admin.pages import action, clerk, detail, hidden_of, listing, said, signed_in, submit, text_of
from tests.factories import AT, HOUR, make_customer, make_service, make_staff, place_order
from tests.support.asking import TEXT, answer, ask, close, letters_to, reply

pytestmark = pytest.mark.django_db

MODEL = "support_ticket"
AGENT = ("support.view_ticket", "support.change_ticket")


def shown(client: Client, **query: object) -> list[Ticket]:
    return list(client.get(listing(MODEL, **query)).context["cl"].result_list)


def buttons(client: Client, ticket: Ticket) -> list[str]:
    page = client.get(detail(MODEL, ticket.pk))
    return [button["title"] for button in page.context["actions_detail"]]


class TestQueue:
    @time_machine.travel(AT + timedelta(hours=25), tick=False)
    def test_shows_what_waits_by_when_it_is_due_and_the_rest_under_tabs(self) -> None:
        ada, grace = make_customer("ada"), make_staff("grace")
        later, late, answered, closed = (ask(ada, at=at) for at in (AT + 10 * HOUR, AT, AT + HOUR, AT + HOUR))
        answer(answered, grace)
        close(closed, grace)
        handling.claim(ticket_id=later.pk, staff=grace)
        client = signed_in(grace)

        assert shown(client) == [late, later]
        assert shown(client, show="mine") == [later]
        assert shown(client, show="unassigned") == [late]
        assert shown(client, show="overdue") == [late]
        assert shown(client, show="answered") == [answered]
        assert shown(client, show="closed") == [closed]
        assert shown(client, show="all") == [closed, answered, late, later]
        page = text_of(client.get(listing(MODEL)))
        assert "Overdue by 1\xa0hour" in page
        assert "in 9\xa0hours" in page
        assert "?show=unassigned" in page

    def test_finds_by_number_order_and_address(self) -> None:
        ada, ben = make_customer("ada", funds="50"), make_customer("ben")
        order = place_order(ada, make_service())
        hers, his = ask(ada, order_id=order.pk), ask(ben)
        client = signed_in(make_staff())

        assert hers in shown(client, q=str(order.pk))
        assert shown(client, q=f" {ada.email.upper()}") == [hers]
        assert his in shown(client, q=f"#{his.pk}")
        assert shown(client, q="nobody") == []

    def test_opens_in_a_number_of_queries_that_does_not_grow(self) -> None:
        client, ada = signed_in(make_staff()), make_customer("ada", funds="500")

        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(listing(MODEL))
            return len(queries)

        ask(ada, order_id=place_order(ada, make_service()).pk)
        first = count()
        for number in range(15):
            handling.assign(ticket_id=ask(make_customer(f"customer{number}")).pk, to=make_staff(), staff=make_staff())

        assert count() == first
        assert first < 15

    @time_machine.travel(AT + timedelta(hours=25), tick=False)
    def test_the_sidebar_counts_what_is_overdue_first(self) -> None:
        client = signed_in(clerk(*AGENT))
        ask(make_customer("ada"), at=AT + 20 * HOUR)

        def badge() -> Any:
            [group] = client.get("/admin/").context["sidebar_navigation"]
            return group["items"][0]["badge"]

        assert badge() == "1"
        ask(make_customer("ben"), at=AT)
        assert badge() == "1 overdue"


class TestPage:
    def test_tells_the_conversation_escaped_with_its_lines_the_customer_and_the_order(self) -> None:
        ada, grace = make_customer("ada", funds="50"), make_staff("grace")
        order = place_order(ada, make_service())
        ticket = ask(ada, order_id=order.pk, text="<script>alert(1)</script>\nsecond line")
        answering.note(ticket_id=ticket.pk, staff=grace, text="Asked the provider.", at=AT)
        other = ask(ada, subject="An older question")
        client = signed_in(grace)

        page = text_of(client.get(detail(MODEL, ticket.pk)))

        assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second line" in page
        assert "<script>alert(1)" not in page
        assert "Asked the provider." in page
        assert f'href="/admin/accounts/user/{ada.pk}/change/"' in page
        assert f'href="/admin/orders/order/{order.pk}/change/"' in page
        assert f'href="/admin/support/ticket/{other.pk}/change/"' in page
        assert "An older question" in page

    def test_offers_what_fits_the_state(self) -> None:
        ticket, grace = ask(make_customer("ada")), make_staff("grace")
        client = signed_in(grace)

        assert buttons(client, ticket) == ["Answer…", "Note…", "Claim…", "Assign…", "Refund request…", "Close…"]
        handling.claim(ticket_id=ticket.pk, staff=grace)
        assert buttons(client, ticket) == ["Answer…", "Note…", "Assign…", "Refund request…", "Close…"]
        close(ticket, grace)
        assert buttons(client, ticket) == ["Note…", "Open again…"]
        assert buttons(client, ask(grace)) == []
        assert buttons(signed_in(clerk("support.view_ticket")), ticket) == []
        agent = signed_in(clerk(*AGENT))
        assert buttons(agent, ask(make_customer("ben"))) == ["Answer…", "Note…", "Claim…", "Assign…", "Close…"]


class TestActing:
    def test_answers_and_notes_it_in_the_history(self) -> None:
        ticket, grace = ask(make_customer("ada")), make_staff("grace")
        client = signed_in(grace)

        page = said(client, submit(client, action(MODEL, "answer", ticket.pk), {"text": "It is under way.\r\nSoon."}))

        ticket.refresh_from_db()
        assert f"The answer to {ticket.customer} is sent." in page
        assert (ticket.state, ticket.assignee) == ("answered", grace)
        assert TicketMessage.objects.latest("pk").text == "It is under way.\nSoon."
        assert letters_to(ticket.customer) == ["ticket_received", "ticket_answered"]

    def test_sending_an_answer_twice_or_across_a_message_keeps_what_was_typed_and_shows_what_is_new(self) -> None:
        ticket, client = ask(make_customer("ada")), signed_in(make_staff())
        address = action(MODEL, "answer", ticket.pk)
        carried = hidden_of(client.get(address))
        reply(ticket, "It has arrived!")

        refused = client.post(address, {**carried, "text": "It is lost."})

        assert "Somebody has written meanwhile." in text_of(refused)
        assert "It has arrived!" in text_of(refused)
        assert "It is lost.</textarea>" in text_of(refused)
        assert letters_to(ticket.customer) == ["ticket_received"]
        again = {**hidden_of(refused), "text": "Good."}
        assert client.post(address, again).status_code == 302
        assert "Somebody has written meanwhile." in text_of(client.post(address, again))
        assert letters_to(ticket.customer) == ["ticket_received", "ticket_answered"]

    @pytest.mark.parametrize("last", ["", "x", "9" * 40, "٣", "-1"])
    def test_a_forged_field_is_refused_in_words(self, last: str) -> None:
        ticket, client = ask(make_customer("ada")), signed_in(make_staff())

        refused = client.post(action(MODEL, "answer", ticket.pk), {"_asked": "1", "_last": last, "text": "Hm."})

        assert "Somebody has written meanwhile." in text_of(refused)
        assert letters_to(ticket.customer) == ["ticket_received"]

    @pytest.mark.parametrize("text", ["", "a\0b", "x" * 4001], ids=["nothing", "nul", "long"])
    def test_an_answer_that_can_not_be_sent_says_why_beside_its_field(self, text: str) -> None:
        ticket, client = ask(make_customer("ada")), signed_in(make_staff())

        refused = submit(client, action(MODEL, "answer", ticket.pk), {"text": text})

        assert "text" in refused.context["form"].errors
        assert letters_to(ticket.customer) == ["ticket_received"]

    def test_a_saved_reply_begins_the_answer_with_the_customers_facts(self) -> None:
        ada = make_customer("ada", funds="50")
        ada.name = "{order} <Ada>"
        ada.save(update_fields=["name"])
        order = place_order(ada, make_service())
        text = "Hello {name}, order {order} is under way. {panel}"
        slow = SavedReply.objects.create(title="Slow", kind=TicketKind.ORDER, text=text)
        client = signed_in(make_staff())
        address = action(MODEL, "answer", ask(ada, order_id=order.pk).pk)
        choice = f"{address}?reply={slow.pk}"

        assert f'href="{choice}"' in text_of(client.get(address))
        form = client.get(choice).context["form"]

        assert form["text"].value() == f"Hello {{order}} <Ada>, order {order.pk} is under way. Makegood"
        said(client, submit(client, choice, {"text": form["text"].value()}))
        assert Email.objects.get(template="ticket_answered").context["text"].startswith("Hello {order} <Ada>, order")

    def test_a_saved_reply_about_an_order_needs_one(self) -> None:
        slow = SavedReply.objects.create(title="Slow", text="Order {order} is under way.")
        address = action(MODEL, "answer", ask(make_customer("ada")).pk)

        page = signed_in(make_staff()).get(f"{address}?reply={slow.pk}")

        assert "the ticket is about none" in text_of(page)
        assert page.context["form"]["text"].value() == ""

    @pytest.mark.parametrize("choice", ["", "x", "9" * 40, "999999", "٣"])
    def test_a_saved_reply_that_is_not_there_begins_nothing(self, choice: str) -> None:
        address = action(MODEL, "answer", ask(make_customer("ada")).pk)

        page = signed_in(make_staff()).get(f"{address}?reply={choice}")

        assert page.status_code == 200
        assert page.context["form"]["text"].value() == ""

    def test_replies_for_such_tickets_come_first(self) -> None:
        for title, kind in (("A", TicketKind.PAYMENT), ("B", ""), ("C", TicketKind.ORDER)):
            SavedReply.objects.create(title=f"Reply {title}", kind=kind, text="Hello")
        page = text_of(signed_in(make_staff()).get(action(MODEL, "answer", ask(make_customer("ada")).pk)))

        places = [page.index(f"Reply {title}") for title in "CBA"]
        assert places == sorted(places)

    def test_notes_claims_assigns_closes_and_opens_again(self) -> None:
        ticket, grace, agent = ask(make_customer("ada")), make_staff("grace"), clerk(*AGENT)
        client = signed_in(grace)

        def do(name: str, given: dict[str, object] | None = None) -> str:
            page = said(client, submit(client, action(MODEL, name, ticket.pk), given))
            ticket.refresh_from_db()
            return page

        def holder() -> User | None:
            found: User | None = ticket.assignee
            return found

        assert "The note is kept." in do("note", {"text": "Asked the provider."})
        assert f"Ticket {ticket.pk} is yours." in do("claim")
        assert holder() == grace
        assert f"is assigned to {agent}." in do("assign", {"assignee": agent.pk})
        assert holder() == agent
        assert "is back in the queue." in do("assign", {"assignee": ""})
        assert holder() is None
        assert f"Ticket {ticket.pk} is closed." in do("close")
        assert (ticket.state, ticket.closed_by) == ("closed", grace)
        assert "is open again." in do("reopen")
        assert ticket.state == "open"
        assert letters_to(ticket.customer) == ["ticket_received"]

    def test_turns_into_a_refund_request_with_what_was_written(self) -> None:
        ada = make_customer("ada", funds="50")
        order = place_order(ada, make_service())
        ticket, client = ask(ada, order_id=order.pk, text="<b>Stop</b> it."), signed_in(make_staff())
        address = action(MODEL, "refund", ticket.pk)

        form = client.get(address)
        assert "&lt;b&gt;Stop&lt;/b&gt; it." in text_of(form)
        assert "order" not in form.context["form"].fields
        assert "cause" in submit(client, address, {"cause": "rumor"}).context["form"].errors
        page = said(client, submit(client, address, {"cause": "change_of_mind"}))

        ticket.refresh_from_db()
        request = RefundRequest.objects.get()
        assert (ticket.refund_request, request.order, request.description) == (request, order, "<b>Stop</b> it.")
        assert f"Refund request {request.pk} about order {order.pk} is open." in page
        assert f'href="/admin/refunds/refundrequest/{request.pk}/change/"' in page
        assert "Refund request…" not in buttons(client, ticket)
        again = client.post(address, {"_asked": "1", "cause": "change_of_mind"})
        assert f"Request {request.pk} was opened from this ticket." in text_of(again)

    def test_a_ticket_without_an_order_is_asked_for_one(self) -> None:
        ada = make_customer("ada", funds="50")
        order = place_order(ada, make_service())
        theirs = place_order(make_customer("ben", funds="50"), make_service())
        ticket, client = ask(ada), signed_in(make_staff())
        address = action(MODEL, "refund", ticket.pk)

        refused = submit(client, address, {"cause": "change_of_mind", "order": theirs.pk})
        assert "order" in refused.context["form"].errors
        said(client, submit(client, address, {"cause": "change_of_mind", "order": order.pk}))

        ticket.refresh_from_db()
        assert ticket.order == RefundRequest.objects.get().order == order

    def test_is_not_closed_across_a_message_that_the_page_did_not_show(self) -> None:
        ticket, client = ask(make_customer("ada")), signed_in(make_staff())
        address = action(MODEL, "close", ticket.pk)
        carried = hidden_of(client.get(address))
        reply(ticket, "Wait, one more thing.")

        refused = client.post(address, carried)

        ticket.refresh_from_db()
        assert "Wait, one more thing." in text_of(refused)
        assert ticket.state == "open"

    def test_only_the_permission_opens_the_actions(self) -> None:
        ticket = ask(make_customer("ada"))
        names = ("answer", "note", "claim", "assign", "refund", "close", "reopen")

        for person in (clerk("support.view_ticket"), clerk("support.change_savedreply")):
            for name in names:
                address = action(MODEL, name, ticket.pk)
                assert signed_in(person).get(address).status_code == 403
                assert signed_in(person).post(address, {"_asked": "1", "text": "Yes."}).status_code == 403
        agent = signed_in(clerk(*AGENT))
        for name in names:
            assert agent.get(action(MODEL, name, ticket.pk)).status_code == 200

        assert TicketMessage.objects.count() == 1

    def test_nobody_answers_an_own_ticket_by_a_hand_made_request(self) -> None:
        grace = make_staff("grace")
        ticket = ask(grace)

        refused = submit(signed_in(grace), action(MODEL, "answer", ticket.pk), {"text": "Yes, at once."})

        assert "Nobody handles a ticket of an own account." in text_of(refused)
        assert list(TicketMessage.objects.values_list("text", flat=True)) == [TEXT]


class TestSavedReplies:
    @staticmethod
    def _send(person: User, text: str, title: str = "Hello") -> Any:
        return signed_in(person).post("/admin/support/savedreply/add/", {"title": title, "kind": "", "text": text})

    def test_are_written_by_those_who_may(self) -> None:
        editor = clerk("support.add_savedreply", "support.change_savedreply")

        assert self._send(clerk(*AGENT), "Hello {name}").status_code == 403
        assert self._send(editor, "Hello {name}, {panel} on order {order}").status_code == 302

        assert SavedReply.objects.get().text == "Hello {name}, {panel} on order {order}"

    @pytest.mark.parametrize(
        ("text", "unknown"),
        [("Hello {nme}", "{nme}"), ("{ name }", "{ name }"), ("{}", "{}"), ("{name.password}", "{name.password}")],
    )
    def test_placeholders_that_stand_for_nothing_are_refused(self, text: str, unknown: str) -> None:
        refused = self._send(make_staff(), text)

        assert refused.status_code == 200
        assert f"{unknown} stands for nothing. You can use {{name}}, {{order}}, {{panel}}." in text_of(refused)
        assert not SavedReply.objects.exists()

    def test_have_titles_of_their_own(self) -> None:
        grace = make_staff()
        self._send(grace, "Hello", "Greeting")

        assert "There is a saved reply with this title." in text_of(self._send(grace, "Hi", "GREETING"))

        assert SavedReply.objects.count() == 1
