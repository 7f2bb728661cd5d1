"""A ticket becomes a refund request: what is carried over, who may, and what happens when it breaks in between."""

from functools import partial

import pytest

from billing.models import Transfer
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, Refused
from panel.support import answering, refunding
from panel.support.models import Ticket
from refunds.desk import opening
from refunds.models import RefundRequest
from tests.admin.pages import clerk
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, make_customer, make_service, make_staff, move, place_order
from tests.support.asking import answer, ask, letters_to, reply

AGENT = ("support.change_ticket", "refunds.open_refundrequest")


def stalled(name: str = "ada") -> Order:
    """An order that its provider has begun and that does not move."""
    order = place_order(make_customer(name, funds="50"), make_service())
    move(order, OrderStatus.IN_PROGRESS)
    return order


def turn(ticket: Ticket, staff: User, *, order_id: int | None = None, cause: Cause = Cause.CANNOT_COMPLETE) -> object:
    return refunding.turn_into_request(ticket_id=ticket.pk, order_id=order_id, cause=cause, staff=staff, at=AT + HOUR)


@pytest.mark.django_db
class TestTurning:
    def test_carries_over_order_cause_and_what_was_written_before_the_first_answer(self) -> None:
        order, hiro = stalled(), make_staff("hiro")
        ticket = ask(order.customer, order_id=order.pk, text="It has stopped.")
        answering.note(ticket_id=ticket.pk, staff=hiro, text="He is right.", at=AT)
        reply(ticket, "And I want my money back.")
        answer(ticket, hiro, "We look into it.")
        reply(ticket, "Thank you.")

        turn(ticket, hiro)

        request = RefundRequest.objects.get()
        ticket.refresh_from_db()
        assert (request.order, request.customer, request.cause) == (order, order.customer, Cause.CANNOT_COMPLETE)
        assert request.description == "It has stopped.\n\nAnd I want my money back."
        assert (request.origin, request.opened_by, request.opened_at) == ("staff", hiro, AT + HOUR)
        assert (ticket.refund_request, ticket.state) == (request, "open")

    def test_a_ticket_without_an_order_gets_the_one_that_is_named(self) -> None:
        order, ticket_of_ben = stalled(), ask(make_customer("ben"))
        ticket, grace = ask(order.customer), make_staff()

        for wrong in (None, order.pk + 1000):
            with pytest.raises(Refused, match="no order with this number"):
                turn(ticket, grace, order_id=wrong)
        with pytest.raises(Refused, match="no order with this number"):
            turn(ticket_of_ben, grace, order_id=order.pk)
        assert not RefundRequest.objects.exists()
        turn(ticket, grace, order_id=order.pk)

        ticket.refresh_from_db()
        assert (ticket.order, ticket.refund_request) == (order, RefundRequest.objects.get())

    def test_a_ticket_keeps_the_order_that_it_names(self) -> None:
        order, grace = stalled(), make_staff()
        other = place_order(order.customer, make_service())
        ticket = ask(order.customer, order_id=order.pk)

        turn(ticket, grace, order_id=other.pk)

        assert RefundRequest.objects.get().order == order

    def test_happens_once(self) -> None:
        order, grace = stalled(), make_staff()
        ticket = ask(order.customer, order_id=order.pk)
        turn(ticket, grace)
        letters = letters_to(order.customer)

        with pytest.raises(refunding.AlreadyTurned):
            turn(ticket, grace)

        assert RefundRequest.objects.count() == 1
        assert letters_to(order.customer) == letters

    def test_a_cause_that_does_not_fit_is_refused_and_nothing_is_linked(self) -> None:
        order = stalled()
        ticket = ask(order.customer, order_id=order.pk)

        with pytest.raises(opening.CauseUnfit):
            turn(ticket, make_staff(), cause=Cause.NOT_STARTED)

        ticket.refresh_from_db()
        assert ticket.refund_request is None
        assert not RefundRequest.objects.exists()
        assert letters_to(order.customer) == ["ticket_received"]

    def test_an_order_with_an_open_request_is_refused(self) -> None:
        order, grace = stalled(), make_staff()
        ticket = ask(order.customer, order_id=order.pk)
        opened = opening.open_by_staff(
            staff=grace, order_id=order.pk, cause=Cause.CANNOT_COMPLETE, description="He phoned.", at=AT
        )

        with pytest.raises(opening.AlreadyOpen, match=f"Request {opened.pk} about this order is open already"):
            turn(ticket, grace)

        ticket.refresh_from_db()
        assert ticket.refund_request is None

    def test_doing_it_again_after_the_process_died_in_between_links_what_was_opened(self) -> None:
        order, grace = stalled(), make_staff()
        ticket = ask(order.customer, order_id=order.pk)
        left = opening.open_by_staff(
            staff=grace,
            order_id=order.pk,
            cause=Cause.CANNOT_COMPLETE,
            description=refunding.words(ticket),
            at=AT,
        )

        assert turn(ticket, grace) == left

        ticket.refresh_from_db()
        assert ticket.refund_request == left

    def test_needs_both_permissions_and_another_account(self) -> None:
        order, grace = stalled(), make_staff("grace")
        ticket = ask(order.customer, order_id=order.pk)
        own = ask(grace)

        for person in (clerk(), clerk(AGENT[0]), clerk(AGENT[1]), order.customer):
            with pytest.raises(Forbidden):
                turn(ticket, person)
        with pytest.raises(Forbidden):
            turn(own, grace, order_id=order.pk)
        assert not RefundRequest.objects.exists()
        assert Transfer.objects.filter(order_ref=order.pk, kind="order_refund").count() == 0
        turn(ticket, clerk(*AGENT))

        assert RefundRequest.objects.count() == 1

    def test_a_very_long_first_message_fits(self) -> None:
        order = stalled()
        ticket = ask(order.customer, order_id=order.pk, text="x" * 4000)
        reply(ticket, "y" * 4000)

        turn(ticket, make_staff())

        assert RefundRequest.objects.get().description == "x" * 4000


@pytest.mark.django_db(transaction=True)
def test_of_two_who_turn_it_at_once_one_opens_a_request() -> None:
    order, grace, hiro = stalled(), make_staff("grace"), make_staff("hiro")
    ticket = ask(order.customer, order_id=order.pk)

    turned = race([partial(turn, ticket, person) for person in (grace, hiro)])

    assert len(of(RefundRequest, turned)) == 1
    assert len(of(opening.AlreadyOpen, turned)) + len(of(refunding.AlreadyTurned, turned)) == 1
    ticket.refresh_from_db()
    assert ticket.refund_request == RefundRequest.objects.get()
