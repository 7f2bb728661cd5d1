"""The demo's tickets: one in each state, and nothing twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from panel.support.models import SavedReply, Ticket, TicketMessage, TicketState
from tests.demo.loading import load

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payments")]


def test_loads_tickets_in_every_state_with_promises_still_to_keep_and_replies_once() -> None:
    load()
    before = (Ticket.objects.count(), TicketMessage.objects.count(), SavedReply.objects.count())

    load()

    assert (Ticket.objects.count(), TicketMessage.objects.count(), SavedReply.objects.count()) == before
    waiting = Ticket.objects.filter(state=TicketState.OPEN)
    assert {ticket.customer.email for ticket in waiting} == {"ada@example.com", "dora@example.com"}
    assert Ticket.objects.get(state=TicketState.ANSWERED).customer.email == "ada@example.com"
    assert Ticket.objects.get(state=TicketState.CLOSED).closed_by == Ticket.objects.earliest("opened_at").customer
    about = waiting.get(customer__email="ada@example.com").order
    assert about is not None
    assert about.status == "in_progress"
    assert waiting.filter(due_at__range=(timezone.now(), timezone.now() + timedelta(days=1))).count() == 2
    assert {*TicketMessage.objects.values_list("kind", flat=True)} == {"customer", "staff", "note"}
    for reply in SavedReply.objects.all():
        reply.full_clean()
