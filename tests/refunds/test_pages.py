"""The addresses that letters name are those of the pages."""

from django.urls import reverse

from refunds import pages


def test_letters_point_to_pages_that_there_are() -> None:
    assert reverse("orders") == pages.ORDERS
    assert pages.order(7) == reverse("order", args=[7])
    assert pages.refund_request(7) == reverse("refund-request", args=[7])
    assert pages.support(7) == f"{reverse('ticket-new')}?order=7&kind=refund"
