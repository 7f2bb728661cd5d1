"""What staff write: answers that reach the customer, notes that don't."""

from collections.abc import Callable
from functools import partial

import pytest

from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Forbidden
from panel.notifications.models import Email
from panel.support import access, answering, handling
from panel.support.access import NoSuchTicket
from panel.support.models import Ticket, TicketState
from tests.admin.pages import clerk
from tests.factories import AT, HOUR, make_customer, make_staff
from tests.support.asking import SUBJECT, TEXT, answer, ask, close, letters_to, reply
from tests.support.asking import texts as said

pytestmark = pytest.mark.django_db


def attempts(ticket: Ticket, staff: User) -> list[Callable[[], object]]:
    """Everything that staff can do with a ticket."""
    number = ticket.pk
    return [
        partial(answering.answer, ticket_id=number, staff=staff, text="Yes.", seen=access.latest(ticket), at=AT),
        partial(answering.note, ticket_id=number, staff=staff, text="Hm.", at=AT),
        partial(handling.claim, ticket_id=number, staff=staff),
        partial(handling.assign, ticket_id=number, to=None, staff=staff),
        partial(handling.close, ticket_id=number, staff=staff, seen=access.latest(ticket), at=AT),
        partial(handling.reopen, ticket_id=number, staff=staff, at=AT),
    ]


def test_an_answer_waits_for_the_customer_and_is_sent_to_him_in_full() -> None:
    ada, grace = make_customer("ada"), make_staff("grace")
    ticket = ask(ada)

    done = answer(ticket, grace, "It is under way.\nSorry for the wait.", at=AT + HOUR)

    ticket.refresh_from_db()
    assert (ticket.state, ticket.due_at, ticket.assignee) == ("answered", None, grace)
    assert said(ticket) == [("customer", TEXT), ("staff", "It is under way.\nSorry for the wait.")]
    email = Email.objects.get(template="ticket_answered")
    assert (email.to, email.key) == (ada.email, f"ticket:{ticket.pk}:message:{done.pk}")
    assert email.context["text"] == "It is under way.\nSorry for the wait."
    assert email.context["subject"] == SUBJECT
    assert str(email.context["url"]).endswith(f"/support/{ticket.pk}/")


def test_a_second_answer_is_a_second_letter_and_leaves_the_ticket_with_its_holder() -> None:
    ticket, grace, hiro = ask(make_customer("ada")), make_staff("grace"), make_staff("hiro")
    answer(ticket, grace)

    answer(ticket, hiro, "One more thing.")

    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee) == (TicketState.ANSWERED, grace)
    assert letters_to(ticket.customer) == ["ticket_received", "ticket_answered", "ticket_answered"]


def test_an_answer_sent_twice_or_across_a_message_is_refused() -> None:
    ticket, grace = ask(make_customer("ada")), make_staff()
    seen = access.latest(ticket)
    send = partial(answering.answer, ticket_id=ticket.pk, staff=grace, text="Yes.", at=AT)
    send(seen=seen)

    with pytest.raises(access.NotSeen):
        send(seen=seen)
    seen = access.latest(ticket)
    reply(ticket, "Another question.")
    with pytest.raises(access.NotSeen, match="read the conversation"):
        send(seen=seen)

    ticket.refresh_from_db()
    assert ticket.state == TicketState.OPEN
    assert said(ticket) == [("customer", TEXT), ("staff", "Yes."), ("customer", "Another question.")]
    assert letters_to(ticket.customer) == ["ticket_received", "ticket_answered"]


def test_a_note_neither_answers_nor_writes_to_the_customer_nor_stands_in_the_way_of_an_answer() -> None:
    ticket, grace = ask(make_customer("ada")), make_staff()
    seen = access.latest(ticket)

    answering.note(ticket_id=ticket.pk, staff=grace, text="Asked the provider.", at=AT)

    ticket.refresh_from_db()
    assert (ticket.state, ticket.due_at is None, ticket.assignee) == ("open", False, None)
    assert letters_to(ticket.customer) == ["ticket_received"]
    answering.answer(ticket_id=ticket.pk, staff=grace, text="Soon.", seen=seen, at=AT)
    assert [kind for kind, _text in said(ticket)] == ["customer", "note", "staff"]


def test_a_closed_ticket_is_not_answered() -> None:
    ticket, grace = ask(make_customer("ada")), make_staff()
    close(ticket, grace, at=AT)

    with pytest.raises(answering.Closed):
        answer(ticket, grace)

    assert len(said(ticket)) == 1
    assert letters_to(ticket.customer) == ["ticket_received"]


def test_who_can_not_sign_in_any_more_gets_no_letter() -> None:
    ticket = ask(make_customer("ada"))
    User.objects.filter(pk=ticket.customer_id).update(is_active=False)

    answer(ticket, make_staff())

    assert letters_to(ticket.customer) == ["ticket_received"]


@pytest.mark.parametrize("text", [" ", "a\0b", "x" * 4001], ids=["nothing", "nul", "long"])
def test_refuses_what_can_not_be_kept(text: str) -> None:
    ticket, grace = ask(make_customer("ada")), make_staff()

    with pytest.raises(texts.BadText):
        answer(ticket, grace, text)
    with pytest.raises(texts.BadText):
        answering.note(ticket_id=ticket.pk, staff=grace, text=text, at=AT)

    assert len(said(ticket)) == 1


def test_only_staff_with_the_permission_do_anything() -> None:
    ticket = ask(make_customer("ada"))
    powerless = [
        clerk(),
        clerk("support.view_ticket"),
        make_customer("ben"),
        User.objects.create_user("gone@staff.example.com", is_staff=True, is_superuser=True, is_active=False),
    ]

    for person in powerless:
        for attempt in attempts(ticket, person):
            with pytest.raises(Forbidden, match="permission"):
                attempt()

    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee, said(ticket)) == ("open", None, [("customer", TEXT)])
    assert letters_to(ticket.customer) == ["ticket_received"]


def test_a_customer_given_the_permission_without_being_staff_does_nothing() -> None:
    ticket, ben = ask(make_customer("ada")), make_customer("ben")
    ben.user_permissions.set(clerk("support.change_ticket").user_permissions.all())

    for attempt in attempts(ticket, User.objects.get(pk=ben.pk)):
        with pytest.raises(Forbidden):
            attempt()

    assert len(said(ticket)) == 1


def test_nobody_handles_a_ticket_of_an_own_account() -> None:
    grace = make_staff("grace")
    ticket = ask(grace)

    for attempt in attempts(ticket, grace):
        with pytest.raises(Forbidden, match="own account"):
            attempt()

    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee, len(said(ticket))) == ("open", None, 1)


def test_a_clerk_with_the_permission_answers() -> None:
    ticket = ask(make_customer("ada"))

    answer(ticket, clerk("support.change_ticket"))

    ticket.refresh_from_db()
    assert ticket.state == TicketState.ANSWERED


def test_a_ticket_that_is_not_there_is_not_answered() -> None:
    with pytest.raises(NoSuchTicket):
        answering.answer(ticket_id=1_000_000, staff=make_staff(), text="Yes.", seen=1, at=AT)
