"""What staff do with tickets beside writing: take, give, close, open again."""

from datetime import timedelta

import pytest

from panel.accounts.models import User
from panel.kernel.errors import Refused
from panel.support import access, handling, queries
from panel.support.models import TicketState
from tests.admin.pages import clerk
from tests.factories import AT, HOUR, make_customer, make_staff
from tests.support.asking import ask, close, reply

pytestmark = pytest.mark.django_db


def test_the_first_to_claim_has_it() -> None:
    ticket, grace, hiro = ask(make_customer("ada")), make_staff("grace"), make_staff("hiro")

    for _ in range(2):
        handling.claim(ticket_id=ticket.pk, staff=grace)
    with pytest.raises(handling.Taken, match=grace.email):
        handling.claim(ticket_id=ticket.pk, staff=hiro)

    ticket.refresh_from_db()
    assert ticket.assignee == grace


def test_is_given_to_a_colleague_and_back_to_the_queue() -> None:
    ticket, grace, agent = ask(make_customer("ada")), make_staff("grace"), clerk("support.change_ticket")

    handling.assign(ticket_id=ticket.pk, to=agent, staff=grace)
    ticket.refresh_from_db()
    assert ticket.assignee == agent
    handling.assign(ticket_id=ticket.pk, to=None, staff=grace)

    ticket.refresh_from_db()
    assert ticket.assignee is None


def test_is_not_given_to_those_who_can_not_handle_it() -> None:
    ada, grace = make_staff("ada"), make_staff("grace")
    ticket = ask(ada)
    gone = make_staff("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)

    for person in (ada, make_customer("ben"), clerk("support.view_ticket"), User.objects.get(pk=gone.pk)):
        with pytest.raises(Refused) as refusal:
            handling.assign(ticket_id=ticket.pk, to=person, staff=grace)
        assert refusal.value.field == "assignee"

    ticket.refresh_from_db()
    assert ticket.assignee is None


def test_closes_once_and_says_who_and_when() -> None:
    ticket, grace, hiro = ask(make_customer("ada")), make_staff("grace"), make_staff("hiro")
    close(ticket, grace, at=AT + HOUR)

    with pytest.raises(handling.AlreadySo):
        close(ticket, hiro, at=AT + 2 * HOUR)

    ticket.refresh_from_db()
    assert (ticket.state, ticket.due_at) == ("closed", None)
    assert (ticket.closed_by, ticket.closed_at) == (grace, AT + HOUR)


def test_is_not_closed_across_a_message_that_nobody_has_read() -> None:
    ticket, grace = ask(make_customer("ada")), make_staff("grace")
    seen = access.latest(ticket)
    reply(ticket, "One more thing.")

    with pytest.raises(access.NotSeen):
        handling.close(ticket_id=ticket.pk, staff=grace, seen=seen, at=AT)

    ticket.refresh_from_db()
    assert ticket.state == TicketState.OPEN


def test_opens_again_with_a_new_promise() -> None:
    ticket, grace = ask(make_customer("ada")), make_staff("grace")
    with pytest.raises(handling.AlreadySo):
        handling.reopen(ticket_id=ticket.pk, staff=grace, at=AT)
    close(ticket, grace, at=AT)

    handling.reopen(ticket_id=ticket.pk, staff=grace, at=AT + HOUR)

    ticket.refresh_from_db()
    assert (ticket.state, ticket.due_at) == (TicketState.OPEN, AT + HOUR + timedelta(hours=24))
    assert (ticket.closed_by, ticket.closed_at) == (None, None)


def test_lists_those_to_whom_it_can_be_given_once_each() -> None:
    grace, agent, both = make_staff("grace"), clerk("support.change_ticket"), make_staff("both")
    both.user_permissions.set(agent.user_permissions.all())
    make_customer("ben")
    clerk("support.view_ticket", "billing.change_deposit")
    User.objects.filter(pk=make_staff("gone").pk).update(is_active=False)

    assert {person.pk for person in queries.who_may_handle()} == {grace.pk, agent.pk, both.pk}
    assert len(queries.who_may_handle()) == 3
