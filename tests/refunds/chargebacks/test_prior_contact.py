"""Without prior contact: decided from tickets and refund requests about the payment or the orders that it paid for."""

from datetime import timedelta

import pytest

from billing.models import Deposit
from orders.models import OrderStatus
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from panel.support.models import TicketKind
from refunds import prior_contact
from tests.factories import AT, disputed, make_customer, make_service, make_staff, move, pay_in, place_order
from tests.factories.desk import ask_for_refund
from tests.support.asking import answer, ask

pytestmark = pytest.mark.django_db

DISPUTED = AT + timedelta(days=3)
HOUR = timedelta(hours=1)


@pytest.fixture
def ada() -> User:
    return make_customer()


@pytest.fixture
def deposit(payments: PaymentsSandbox, ada: User) -> Deposit:
    return pay_in(ada, payments, "50")


def test_silence_is_no_contact(deposit: Deposit) -> None:
    assert prior_contact.of(deposit, before=DISPUTED) is None


def test_a_ticket_about_a_payment_is_contact(ada: User, deposit: Deposit) -> None:
    ticket = ask(ada, kind=TicketKind.PAYMENT, subject="What is this charge?", at=AT + HOUR)

    assert prior_contact.of(deposit, before=DISPUTED) == f"Ticket {ticket.pk}, 2 November 2026: What is this charge?"


def test_a_ticket_about_an_order_that_it_paid_for_is_contact(ada: User, deposit: Deposit) -> None:
    order = place_order(ada, make_service(rate="10"))
    ask(ada, order_id=order.pk, at=AT + HOUR)

    assert prior_contact.of(deposit, before=DISPUTED) is not None


def test_a_ticket_about_an_order_that_another_payment_paid_for_is_none(
    ada: User, deposit: Deposit, payments: PaymentsSandbox
) -> None:
    place_order(ada, make_service(rate="50"))
    later = pay_in(ada, payments, "20", at=AT + HOUR)
    other = place_order(ada, make_service(rate="10"), at=AT + HOUR)
    ask(ada, order_id=other.pk, at=AT + 2 * HOUR)

    assert prior_contact.of(deposit, before=DISPUTED) is None
    assert prior_contact.of(later, before=DISPUTED) is not None


@pytest.mark.parametrize("kind", [TicketKind.OTHER, TicketKind.ORDER])
def test_a_ticket_about_something_else_is_none(ada: User, deposit: Deposit, kind: TicketKind) -> None:
    ask(ada, kind=kind, subject="Do you have stickers?", at=AT + HOUR)

    assert prior_contact.of(deposit, before=DISPUTED) is None


def test_what_was_written_before_the_payment_or_after_the_dispute_is_none(ada: User, deposit: Deposit) -> None:
    ask(ada, kind=TicketKind.PAYMENT, at=AT - HOUR)
    ask(ada, kind=TicketKind.PAYMENT, at=DISPUTED)

    assert prior_contact.of(deposit, before=DISPUTED) is None


def test_what_staff_wrote_is_none_but_an_answer_to_them_is(ada: User, deposit: Deposit) -> None:
    ticket = ask(ada, kind=TicketKind.PAYMENT, at=AT - HOUR)
    answer(ticket, make_staff(), at=AT + HOUR)

    assert prior_contact.of(deposit, before=DISPUTED) is None


def test_a_refund_request_about_an_order_that_it_paid_for_is_contact(ada: User, deposit: Deposit) -> None:
    order = place_order(ada, make_service(rate="10"))
    move(order, OrderStatus.IN_PROGRESS)
    request = ask_for_refund(order, at=AT + HOUR)

    assert prior_contact.of(deposit, before=DISPUTED) == (
        f"Refund request {request.pk} about order {order.pk}, 2 November 2026"
    )


def test_the_dispute_keeps_what_was_found(deposit: Deposit, payments: PaymentsSandbox) -> None:
    before = disputed(payments, deposit, cents=100)
    assert (before.contacted, before.contact_note) == (
        False,
        "Nothing was written to us about the payment or its orders before.",
    )
