"""A row that somebody else holds makes a sentence, and the page can be sent again."""

import pytest

from orders.models import OrderStatus
from tests.admin.holding import held_by_somebody
from tests.admin.pages import action, signed_in, submit, text_of
from tests.factories import make_customer, make_service, make_staff, place_order


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_can_not_be_had_is_told_and_nothing_moves() -> None:
    order = place_order(make_customer(funds="50"), make_service())
    client, address = signed_in(make_staff()), action("orders_order", "start", order.pk)

    with held_by_somebody(order):
        answer = submit(client, address)

    assert "The panel is busy, please try again." in text_of(answer)
    order.refresh_from_db()
    assert order.status == OrderStatus.PENDING
    assert submit(client, address).status_code == 302
