"""Several people at one ticket at the same moment, and one form that is sent several times at once."""

from functools import partial
from uuid import uuid4

import pytest

from panel.support import access, answering, handling
from panel.support.models import Ticket, TicketMessage, TicketState
from panel.support.tickets import MOST_OPEN, TooMany
from tests.concurrency.racing import of, race
from tests.factories import AT, make_customer, make_staff
from tests.support.asking import answer, ask, letters_to, reply
from tests.support.asking import texts as said

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_form_sent_five_times_at_once_opens_one_ticket_and_writes_one_letter() -> None:
    ada, key = make_customer("ada"), uuid4()

    opened = race([partial(ask, ada, key=key)] * 5)

    assert len(of(Ticket, opened)) == 5
    assert {ticket.pk for ticket in opened} == {Ticket.objects.get().pk}
    assert said(opened[0]) == [("customer", "It has not moved since Friday.")]
    assert letters_to(ada) == ["ticket_received"]


def test_the_limit_holds_when_many_forms_come_at_once() -> None:
    ada = make_customer("ada")
    for number in range(MOST_OPEN - 2):
        ask(ada, subject=f"Question {number}")

    opened = race([partial(ask, ada, subject=f"At once {number}") for number in range(5)])

    assert (len(of(Ticket, opened)), len(of(TooMany, opened))) == (2, 3)
    assert Ticket.objects.count() == MOST_OPEN
    assert len(letters_to(ada)) == MOST_OPEN


def test_a_reply_sent_several_times_at_once_is_added_once() -> None:
    ticket, key = ask(make_customer("ada")), uuid4()
    answer(ticket, make_staff())

    sent = race([partial(reply, ticket, key=key)] * 4)

    assert {message.pk for message in of(TicketMessage, sent)} == {TicketMessage.objects.get(key=key).pk}
    assert len(of(TicketMessage, sent)) == 4


def test_of_two_answers_at_once_one_is_sent() -> None:
    ticket, grace, hiro = ask(make_customer("ada")), make_staff("grace"), make_staff("hiro")
    send = partial(answering.answer, ticket_id=ticket.pk, seen=access.latest(ticket), at=AT)

    sent = race([partial(send, staff=grace, text="Yes."), partial(send, staff=hiro, text="No.")])

    assert (len(of(TicketMessage, sent)), len(of(access.NotSeen, sent))) == (1, 1)
    ticket.refresh_from_db()
    assert ticket.assignee == of(TicketMessage, sent)[0].author
    assert letters_to(ticket.customer) == ["ticket_received", "ticket_answered"]


def test_of_an_answer_and_a_close_at_once_one_counts_and_the_other_is_told_so() -> None:
    grace, hiro = make_staff("grace"), make_staff("hiro")

    for _ in range(4):
        ticket = ask(make_customer("ada"))
        seen = access.latest(ticket)
        answered, closed = race(
            [
                partial(answering.answer, ticket_id=ticket.pk, staff=grace, text="Yes.", seen=seen, at=AT),
                partial(handling.close, ticket_id=ticket.pk, staff=hiro, seen=seen, at=AT),
            ]
        )

        ticket.refresh_from_db()
        if isinstance(answered, TicketMessage):
            assert isinstance(closed, access.NotSeen)
            assert (ticket.state, letters_to(ticket.customer)[1:]) == (TicketState.ANSWERED, ["ticket_answered"])
        else:
            assert isinstance(answered, answering.Closed)
            assert (ticket.state, ticket.closed_by, len(said(ticket))) == (TicketState.CLOSED, hiro, 1)
            assert letters_to(ticket.customer) == ["ticket_received"]


def test_a_reply_against_a_close_is_never_overlooked() -> None:
    grace = make_staff("grace")

    for _ in range(4):
        ticket = ask(make_customer("ada"))
        seen = access.latest(ticket)
        replied, closed = race(
            [
                partial(reply, ticket, "Wait!"),
                partial(handling.close, ticket_id=ticket.pk, staff=grace, seen=seen, at=AT),
            ]
        )

        ticket.refresh_from_db()
        assert isinstance(replied, TicketMessage)
        assert isinstance(closed, Ticket | access.NotSeen)
        assert (ticket.state, said(ticket)[-1]) == (TicketState.OPEN, ("customer", "Wait!"))


def test_of_two_who_claim_at_once_one_has_it() -> None:
    ticket, grace, hiro = ask(make_customer("ada")), make_staff("grace"), make_staff("hiro")

    claims = race([partial(handling.claim, ticket_id=ticket.pk, staff=person) for person in (grace, hiro)])

    assert (len(of(Ticket, claims)), len(of(handling.Taken, claims))) == (1, 1)
    ticket.refresh_from_db()
    assert ticket.assignee == of(Ticket, claims)[0].assignee
