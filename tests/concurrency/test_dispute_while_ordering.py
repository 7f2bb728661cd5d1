"""A dispute shuts the account of a customer who orders without a pause, at once and with nothing left pending."""

from threading import Event, Thread

import pytest
from django.db import connection

from billing.models import Dispute
from orders.models import Order, OrderStatus
from panel.accounts.models import User
from panel.accounts.suspension import AccountSuspended
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import disputed, make_customer, make_service, pay_in, place_order

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_dispute_gets_through_while_orders_are_placed_without_a_pause(payments: PaymentsSandbox) -> None:
    ada = make_customer(funds="500")
    deposit, service, ordering, refused = pay_in(ada, payments, "50"), make_service(rate="0.01"), Event(), Event()

    def order_until_refused(customer: User) -> None:
        try:
            while True:
                place_order(customer, service)
                ordering.set()
        except AccountSuspended:
            refused.set()
        finally:
            connection.close()

    customers = [Thread(target=order_until_refused, args=(User.objects.get(pk=ada.pk),)) for _ in range(2)]
    for customer in customers:
        customer.start()
    assert ordering.wait(20)

    dispute = disputed(payments, deposit)

    for customer in customers:
        customer.join(20)
    assert refused.is_set()
    assert Dispute.objects.get().secured == dispute.amount
    assert not Order.objects.filter(status=OrderStatus.PENDING).exists()
    assert Order.objects.filter(status=OrderStatus.CANCELED).exists()
    ada.refresh_from_db()
    assert ada.is_suspended
