"""What customers do with tickets: open, write more, say that it is settled."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from panel.accounts import suspension
from panel.kernel import texts
from panel.notifications.models import Email
from panel.support import tickets
from panel.support.access import NoSuchTicket
from panel.support.models import Ticket, TicketKind, TicketMessage, TicketState
from panel.support.models.ticket import LONGEST_SUBJECT, LONGEST_TEXT
from panel.support.tickets import MOST_MESSAGES, MOST_OPEN, NoSuchOrder, SentBefore, TooMany
from refunds import publishing
from refunds.models import PolicyVersion
from tests.factories import AT, HOUR, make_customer, make_service, make_staff, place_order
from tests.support.asking import SUBJECT, TEXT, answer, ask, close, letters_to, reply
from tests.support.asking import texts as said

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


class TestOpening:
    def test_keeps_what_was_asked_and_confirms_it_by_e_mail_with_the_promise(self) -> None:
        ada = make_customer("ada", funds="50")
        order = place_order(ada, make_service())

        ticket = ask(ada, order_id=order.pk)

        ticket.refresh_from_db()
        assert (ticket.customer, ticket.kind, ticket.subject, ticket.order) == (ada, "order", SUBJECT, order)
        assert (ticket.state, ticket.opened_at, ticket.due_at, ticket.assignee) == ("open", AT, AT + DAY, None)
        assert said(ticket) == [("customer", TEXT)]
        email = Email.objects.get(template="ticket_received")
        assert (email.to, email.key) == (ada.email, f"ticket:{ticket.pk}:received")
        assert email.context["answer_by"].startswith("Tuesday, November 3, 2026, 12:00")

    def test_promises_what_the_policy_in_force_says(self, credit_only_policy: PolicyVersion) -> None:
        assert credit_only_policy.policy.contact.response_hours == 72

        assert ask(make_customer()).due_at == AT + 3 * DAY

    def test_the_same_form_again_opens_nothing_more(self) -> None:
        ada, key = make_customer("ada"), uuid4()

        first, again = ask(ada, key=key), ask(ada, key=key, at=AT + HOUR)

        assert first == again
        assert said(first) == [("customer", TEXT)]
        assert letters_to(ada) == ["ticket_received"]

    @pytest.mark.parametrize(
        "other", [{"text": "Another thing."}, {"subject": "Else"}, {"kind": TicketKind.OTHER}], ids=str
    )
    def test_the_same_form_with_other_words_is_refused(self, other: dict[str, object]) -> None:
        ada, key = make_customer("ada"), uuid4()
        ask(ada, key=key)

        with pytest.raises(SentBefore):
            ask(ada, key=key, **other)  # type: ignore[arg-type] # one of the parameters

        assert Ticket.objects.count() == TicketMessage.objects.count() == 1
        assert letters_to(ada) == ["ticket_received"]

    def test_the_form_of_somebody_else_is_refused(self) -> None:
        ada, ben, key = make_customer("ada"), make_customer("ben"), uuid4()
        ask(ada, key=key)

        with pytest.raises(SentBefore):
            ask(ben, key=key)

        assert Ticket.objects.get().customer == ada
        assert letters_to(ben) == []

    def test_an_order_of_somebody_else_is_answered_like_none(self) -> None:
        ada, ben = make_customer("ada"), make_customer("ben", funds="50")
        order = place_order(ben, make_service())
        answers = []

        for number in (order.pk, order.pk + 1_000_000, 10**18 - 1):
            with pytest.raises(NoSuchOrder) as refusal:
                ask(ada, order_id=number)
            answers.append((type(refusal.value), refusal.value.message, refusal.value.field))

        assert answers == [(NoSuchOrder, "You have no order with this number.", "order")] * 3
        assert not Ticket.objects.exists()
        assert letters_to(ada) == []

    @pytest.mark.parametrize(
        ("field", "given", "why"),
        [
            ("text", "", "Please write something."),
            ("text", " \r\n\t\u200b", "Please write something."),
            ("text", "a\0b", "a character that is no text"),
            ("text", "\ud800", "a character that is no text"),
            ("text", "x" * (LONGEST_TEXT + 1), "At most 4,000 characters, please: this has 4,001."),
            ("text", "x" * 1_000_000, "At most 4,000 characters"),
            ("subject", "\n", "Please write something."),
            ("subject", "a\0b", "a character that is no text"),
            ("subject", "x" * (LONGEST_SUBJECT + 1), "At most 120 characters, please: this has 121."),
        ],
        ids=lambda value: ascii(value)[:20],
    )
    def test_refuses_what_can_not_be_kept(self, field: str, given: str, why: str) -> None:
        ada = make_customer("ada")

        with pytest.raises(texts.BadText, match=why) as refusal:
            ask(ada, **{field: given})  # type: ignore[arg-type] # subject or text

        assert refusal.value.field == field
        assert not Ticket.objects.exists()
        assert letters_to(ada) == []

    def test_keeps_lines_and_markup_as_typed_and_subjects_on_one_line(self) -> None:
        ticket = ask(
            make_customer(), subject=" Two\r\nlines \u202eand a turn ", text="<b>First</b>\r\nsec\u202eond\x1b\rthird\n"
        )

        assert ticket.subject == "Two lines and a turn"
        assert said(ticket) == [("customer", "<b>First</b>\nsecond\nthird")]

    def test_holds_the_longest_text_and_subject(self) -> None:
        ticket = ask(make_customer(), subject="\U0001f600" * LONGEST_SUBJECT, text="\u00e9" * LONGEST_TEXT)

        assert said(ticket) == [("customer", "\u00e9" * LONGEST_TEXT)]

    def test_stops_at_so_many_that_wait(self) -> None:
        ada, ben = make_customer("ada"), make_customer("ben")
        for number in range(MOST_OPEN):
            last = ask(ada, subject=f"Question {number}")

        with pytest.raises(TooMany, match="20 tickets of yours wait"):
            ask(ada)

        assert Ticket.objects.filter(customer=ada).count() == MOST_OPEN
        ask(ben)
        answer(last, make_staff())
        ask(ada)

    def test_suspended_customers_may_write(self) -> None:
        dora = make_customer("dora")
        suspension.suspend(user=dora, reason="A payment is being checked.", at=AT)

        assert ask(dora).state == TicketState.OPEN

    def test_says_so_when_no_policy_is_in_force(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE refunds_policyversion CASCADE")

        with pytest.raises(publishing.NoPolicyInForce):
            ask(make_customer())

        assert not Ticket.objects.exists()
        publishing.publish_first(at=AT)


class TestReplying:
    def test_a_reply_to_an_answer_waits_for_staff_again(self) -> None:
        ticket = ask(make_customer("ada"))
        answer(ticket, make_staff(), at=AT + HOUR)

        reply(ticket, "No, it is not.", at=AT + 5 * HOUR)

        ticket.refresh_from_db()
        assert (ticket.state, ticket.due_at) == ("open", AT + 5 * HOUR + DAY)
        assert [text for _kind, text in said(ticket)] == [TEXT, "It is under way.", "No, it is not."]

    def test_what_is_added_while_it_waits_does_not_put_the_answer_off(self) -> None:
        ticket = ask(make_customer("ada"))

        reply(ticket, at=AT + 20 * HOUR)

        ticket.refresh_from_db()
        assert ticket.due_at == AT + DAY

    def test_a_reply_opens_a_closed_ticket_again(self) -> None:
        ticket, grace = ask(make_customer("ada")), make_staff()
        close(ticket, grace, at=AT + HOUR)

        reply(ticket, at=AT + 2 * HOUR)

        ticket.refresh_from_db()
        assert (ticket.state, ticket.due_at) == ("open", AT + 2 * HOUR + DAY)
        assert (ticket.closed_at, ticket.closed_by) == (None, None)

    def test_the_same_form_again_adds_nothing_more_even_after_an_answer(self) -> None:
        ticket, key = ask(make_customer("ada")), uuid4()
        first = reply(ticket, key=key)
        answer(ticket, make_staff())

        assert reply(ticket, key=key) == first

        ticket.refresh_from_db()
        assert ticket.state == TicketState.ANSWERED
        assert len(said(ticket)) == 3

    def test_the_same_form_with_other_words_is_refused(self) -> None:
        ticket, key = ask(make_customer("ada")), uuid4()
        reply(ticket, key=key)

        with pytest.raises(SentBefore):
            reply(ticket, "Something else.", key=key)

        assert len(said(ticket)) == 2

    def test_nobody_writes_in_the_ticket_of_another(self) -> None:
        ticket, ben = ask(make_customer("ada")), make_customer("ben")
        answers = set()

        for number in (ticket.pk, ticket.pk + 1000):
            with pytest.raises(NoSuchTicket) as refusal:
                tickets.reply(ticket_id=number, customer=ben, text="Me too.", key=uuid4(), at=AT)
            answers.add(refusal.value.message)

        assert answers == {"You have no such ticket."}
        assert len(said(ticket)) == 1

    @pytest.mark.parametrize("text", ["", "a\0b", "x" * (LONGEST_TEXT + 1)], ids=["nothing", "nul", "long"])
    def test_refuses_what_can_not_be_kept_and_leaves_the_ticket_as_it_was(self, text: str) -> None:
        ticket = ask(make_customer("ada"))
        answer(ticket, make_staff())

        with pytest.raises(texts.BadText):
            reply(ticket, text)

        ticket.refresh_from_db()
        assert ticket.state == TicketState.ANSWERED
        assert len(said(ticket)) == 2

    def test_a_conversation_ends_somewhere(self) -> None:
        ticket = ask(make_customer("ada"))
        TicketMessage.objects.bulk_create(
            TicketMessage(ticket=ticket, kind="customer", author=ticket.customer, text=f"{number}", at=AT)
            for number in range(MOST_MESSAGES - 1)
        )

        with pytest.raises(TooMany, match="Please open a new ticket"):
            reply(ticket)

        assert len(said(ticket)) == MOST_MESSAGES


class TestSettling:
    def test_closes_in_the_customers_name_and_only_once(self) -> None:
        ticket = ask(make_customer("ada"))

        for at in (AT + HOUR, AT + 2 * HOUR):
            tickets.settle(ticket_id=ticket.pk, customer=ticket.customer, at=at)

        ticket.refresh_from_db()
        assert (ticket.state, ticket.due_at) == ("closed", None)
        assert (ticket.closed_by, ticket.closed_at) == (ticket.customer, AT + HOUR)

    def test_nobody_settles_the_ticket_of_another(self) -> None:
        ticket = ask(make_customer("ada"))

        with pytest.raises(NoSuchTicket):
            tickets.settle(ticket_id=ticket.pk, customer=make_customer("ben"), at=AT)

        ticket.refresh_from_db()
        assert ticket.state == TicketState.OPEN
