from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing import ledger
from billing.models import CustomerAccount, House, TransferKind
from orders.models import Cause, OrderStatus
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import disputed, fund, make_customer, make_service, make_staff, move, pay_in, place_order
from tests.web import pages

pytestmark = pytest.mark.django_db


def test_tells_what_is_available_promotional_and_in_orders(browser: Client, ada: User) -> None:
    fund(ada, "1", account=CustomerAccount.PROMO)
    place_order(ada, make_service(rate="2.50"))

    said = pages.text(browser.get("/balance/"))

    assert "Available 48.50 USD" in said
    assert "Promotional 0.00 USD" in said
    assert "In orders 2.50 USD" in said


def test_each_line_is_in_words_and_links_its_order(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(rate="2.50"))
    move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)

    page = browser.get("/balance/")
    said = pages.text(page)

    assert f"Refund for order {order.pk} +1.00 USD 48.50 USD" in said
    assert f"Charge for order {order.pk} \u22122.50 USD 47.50 USD" in said
    assert "Credited by staff: opening balance +50.00 USD 50.00 USD" in said
    assert f"/orders/{order.pk}/" in pages.links(page)
    assert "In orders 0.00 USD" in said


def test_tells_what_a_dispute_holds_apart_from_what_is_on_its_way(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    deposit = pay_in(ada, payments, "30")
    order = place_order(ada, make_service(rate="65"))
    move(order, OrderStatus.COMPLETED, remains=0)
    disputed(payments, deposit)

    said = pages.text(browser.get("/balance/"))

    assert "Held 30.00 USD" in said
    assert "Owed 15.00 USD" in said
    assert "On its way back" not in said
    assert "Held for a payment dispute \u221215.00 USD 0.00 USD" in said


def test_shows_nothing_of_another_customer(browser: Client) -> None:
    ben = make_customer("ben", funds="77")
    foreign = place_order(ben, make_service())

    page = browser.get("/balance/")

    assert "77.00" not in pages.text(page)
    assert f"/orders/{foreign.pk}/" not in pages.links(page)


def test_an_empty_statement_says_what_to_do(client: Client) -> None:
    client.force_login(make_customer("ben"))

    assert "Nothing has moved on your balance yet." in pages.text(client.get("/balance/"))


@pytest.mark.parametrize("typed", ["", "1e9", "NaN", "-1", "\u0661\u0660", "\x00", "9" * 40, "0"])
def test_odd_page_numbers_are_no_fault(browser: Client, typed: str) -> None:
    assert browser.get("/balance/", {"before": typed}).status_code == 200


def test_pages_lead_on_and_back(browser: Client, ada: User) -> None:
    for _ in range(60):
        fund(ada, "1")

    first = browser.get("/balance/")
    older = next(link for link in pages.links(first) if "before=" in link)
    second = browser.get(older)

    assert len(first.context["statement"].lines) == 50
    assert len(second.context["statement"].lines) == 11
    assert "/balance/" in pages.links(second)


def test_takes_the_same_queries_for_5_and_50_lines(browser: Client, ada: User) -> None:
    counts = []

    for wanted in (5, 50):
        for _ in range(wanted):
            fund(ada, "1")
        with CaptureQueriesContext(connection) as queries:
            browser.get("/balance/")
        counts.append(len(queries))

    assert counts == [4, 4]


def test_escapes_what_staff_wrote(browser: Client, ada: User) -> None:
    with transaction.atomic():
        available = ledger.lock_customers([ada.pk])[ada.pk].available_id
        ledger.post(
            [
                ledger.NewTransfer(
                    key="evil",
                    kind=TransferKind.ADJUSTMENT,
                    debit=House.ADJUSTMENTS.value,
                    credit=available,
                    amount=Decimal("1.000000"),
                    customer_id=ada.pk,
                    reason="<script>alert(1)</script>",
                    author_id=make_staff().pk,
                )
            ],
            at=timezone.now(),
        )

    assert b"<script>alert" not in browser.get("/balance/").content
