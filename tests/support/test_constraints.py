"""What the database itself refuses about tickets, whoever writes."""

from typing import Any

import pytest

from orders.models import Cause
from panel.support import refunding
from panel.support.models import SavedReply, Ticket, TicketMessage
from tests.billing.refusing import copy_of, refusal
from tests.factories import AT, make_customer, make_service, make_staff, place_order
from tests.support.asking import answer, ask

pytestmark = pytest.mark.django_db

TICKETS, MESSAGES, REPLIES = "support_ticket", "support_ticketmessage", "support_savedreply"


def world() -> dict[str, int]:
    """Ada asked about her order, and Grace answered a second question; Ben has an order too."""
    ada, ben, grace = make_customer("ada", funds="50"), make_customer("ben", funds="50"), make_staff("grace")
    hers, other, his = (place_order(person, make_service()) for person in (ada, ada, ben))
    asked, answered = ask(ada, order_id=hers.pk), ask(ada)
    said = answer(answered, grace)
    turned = ask(ada, order_id=other.pk)
    request = refunding.turn_into_request(
        ticket_id=turned.pk, order_id=None, cause=Cause.CHANGE_OF_MIND, staff=grace, at=AT
    )
    reply = SavedReply.objects.create(title="Hello", text="Hello {name}")
    return {
        "asked": asked.pk,
        "answered": answered.pk,
        "ada": ada.pk,
        "grace": grace.pk,
        "hers": hers.pk,
        "other": other.pk,
        "his": his.pk,
        "question": TicketMessage.objects.get(ticket=asked).pk,
        "answer": said.pk,
        "reply": reply.pk,
        "turned": turned.pk,
        "request": request.pk,
    }


def changed(table: str, row: str, change: str) -> str:
    return f"UPDATE {table} SET {change} WHERE id = %({row})s"  # noqa: S608 - constants


def deleted(table: str, row: str) -> str:
    return f"DELETE FROM {table} WHERE id = %({row})s"  # noqa: S608 - constants


def message(**columns: str) -> str:
    return copy_of(MESSAGES, "question", **{"key": "gen_random_uuid()", **columns})


# Constraint -> the statement that it refuses, or a function that makes it.
CHECKS: dict[str, Any] = {
    "ticket_kind_known": lambda: copy_of(TICKETS, "asked", key="gen_random_uuid()", kind="'rumor'"),
    "ticket_state_known": changed(TICKETS, "asked", "state = 'lost', due_at = NULL"),
    "ticket_has_a_subject": lambda: copy_of(TICKETS, "asked", key="gen_random_uuid()", subject="''"),
    "ticket_due_while_it_waits_for_staff": changed(TICKETS, "asked", "due_at = NULL"),
    "ticket_closed_by_somebody": changed(TICKETS, "asked", "state = 'closed', due_at = NULL, closed_at = now()"),
    "ticket_not_assigned_to_its_customer": changed(TICKETS, "asked", "assignee_id = %(ada)s"),
    "ticket_message_kind_known": lambda: message(kind="'rumor'", author_id="%(grace)s"),
    "ticket_message_says_something": lambda: message(text="''"),
    "saved_reply_kind_known": changed(REPLIES, "reply", "kind = 'rumor'"),
    "saved_reply_says_something": changed(REPLIES, "reply", "text = ''"),
    "saved_reply_titled_once": lambda: copy_of(REPLIES, "reply", title="'HELLO'"),
}
TRIGGERS: list[tuple[str, Any]] = [
    ("a ticket keeps its order and its request", changed(TICKETS, "asked", "order_id = %(other)s")),
    ("a ticket is about an order of its customer", changed(TICKETS, "answered", "order_id = %(his)s")),
    ("a ticket leads to a request about its order", changed(TICKETS, "asked", "refund_request_id = %(request)s")),
    ("a ticket is about an order of its customer", changed(TICKETS, "answered", "refund_request_id = %(request)s")),
    ("a ticket keeps its order and its request", changed(TICKETS, "turned", "refund_request_id = NULL")),
    ("a customer writes as the customer", lambda: message(author_id="%(grace)s")),
    ("staff about others", lambda: message(kind="'staff'")),
    ("Cannot delete rows from support_ticket", deleted(TICKETS, "asked")),
    ("Cannot update or delete rows from support_ticketmessage", changed(MESSAGES, "answer", "text = 'Never said.'")),
    ("Cannot update or delete rows from support_ticketmessage", deleted(MESSAGES, "answer")),
]


@pytest.mark.parametrize("name", CHECKS)
def test_refuses_by_the_constraint(name: str) -> None:
    ids, statement = world(), CHECKS[name]

    said = refusal(statement() if callable(statement) else statement, ids)

    assert said.constraint_name == name


@pytest.mark.parametrize(("words", "statement"), TRIGGERS)
def test_refuses_by_the_trigger(words: str, statement: Any) -> None:
    ids = world()

    said = refusal(statement() if callable(statement) else statement, ids)

    assert words in said.message_primary


@pytest.mark.parametrize(
    "change",
    ["subject = 'Else'", "kind = 'other'", "customer_id = %(grace)s", "opened_at = now()", "key = gen_random_uuid()"],
)
def test_what_was_asked_stays_as_it_was(change: str) -> None:
    ids = world()

    said = refusal(changed(TICKETS, "answered", change), ids)

    assert "annot update" in said.message_primary


def test_every_check_of_the_models_is_tried() -> None:
    declared = {
        constraint.name for model in (Ticket, TicketMessage, SavedReply) for constraint in model._meta.constraints
    }

    assert declared == set(CHECKS)


def test_an_order_can_be_named_once_it_is_known() -> None:
    ids = world()

    Ticket.objects.filter(pk=ids["answered"]).update(order=ids["other"])

    assert Ticket.objects.get(pk=ids["answered"]).order_id == ids["other"]
    assert Ticket.objects.get(pk=ids["answered"]).opened_at == AT
