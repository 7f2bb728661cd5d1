"""The page of a withdrawal: what it tells at each stage, and when it renews itself."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing import gateway_refunds, withdrawals
from billing.models import Withdrawal, WithdrawalLeg
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import (
    AT,
    HOUR,
    fund,
    make_customer,
    make_service,
    make_staff,
    pay_in,
    place_order,
    send_due,
    withdraw,
)
from tests.web import pages

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def came_back(client: Client, payments: PaymentsSandbox) -> Withdrawal:
    """Sign Cleo in, whose card took twenty back at first and returned it a day later: its account is closed."""
    cleo = make_customer("cleo")
    client.force_login(cleo)
    pay_in(cleo, payments, card="closed_card")
    withdrawal = withdraw(cleo, "20")
    send_due()
    payments.advance(3600 * 24)
    send_due(AT + timedelta(days=2))
    return withdrawal


@time_machine.travel(AT + timedelta(minutes=5), tick=False)
def test_a_scheduled_one_tells_dates_method_and_how_to_cancel(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")

    page = client.get(pages.path_of(withdrawal))
    said = pages.text(page)

    assert f"Withdrawal {withdrawal.pk} Scheduled" in said
    assert "It will be sent by Monday, November 9. You need do nothing." in said
    assert "Visa ending in 4242 20.00 USD Scheduled \u00b7 it was paid in on 2 Nov 2026, 12:00 UTC" in said
    assert "Sent by Monday, November 9 in 5 business days" in said
    assert "You can cancel until 13:00 UTC" in said
    assert f"{pages.path_of(withdrawal)}cancel/" in pages.links(page)


def test_a_paid_one_gives_the_bank_reference_and_what_happened(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    send_due()
    WithdrawalLeg.objects.filter(withdrawal=withdrawal).update(bank_reference="24011336001")

    page = client.get(pages.path_of(withdrawal))
    said = pages.text(page)

    assert "It was sent, and the payment processor confirmed it." in said
    assert "It is sent within" not in said
    assert "Bank reference 24011336001" in said
    assert "Asked for 2 Nov 2026, 12:00 UTC 20.00 USD was set aside from your balance." in said
    assert "Paid back 2 Nov 2026, 13:00 UTC 20.00 USD to Visa ending in 4242." in said
    assert f"{pages.path_of(withdrawal)}cancel/" not in pages.links(page)
    assert b"hx-get" not in page.content


def test_one_that_came_back_late_says_why_and_the_way_out(client: Client, ben: User, payments: PaymentsSandbox) -> None:
    withdrawal = came_back(client, payments)

    page = client.get(pages.path_of(withdrawal))
    said = pages.text(page)

    assert "20.00 USD could not be paid back to Visa ending in 5126." in said
    assert "The card or account no longer takes money back. The money is on your balance" in said
    assert "and support arranges another way with you" in said
    assert "Came back" in said
    assert "/balance/withdraw/?amount=20.00" in pages.links(page)
    assert f"Withdrawal {withdrawal.pk} , came back +20.00 USD 50.00 USD" in pages.text(client.get("/balance/"))
    assert ben.withdrawals.count() == 0


def test_a_late_one_says_so_honestly(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")

    with time_machine.travel(datetime(2026, 11, 9, 23, 59, tzinfo=UTC), tick=False):
        on_time = pages.text(client.get(pages.path_of(withdrawal)))
    with time_machine.travel(datetime(2026, 11, 10, 0, 0, tzinfo=UTC), tick=False):
        late = pages.text(client.get(pages.path_of(withdrawal)))

    assert "This is late" not in on_time
    assert "This is late, and we are sorry. It should have been sent by Monday, November 9." in late
    assert "It waits to be sent." in late
    assert "It will be sent" not in late
    assert "With your bank by" not in late


def test_one_that_was_sent_late_comes_by_a_day_counted_from_the_sending(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    tuesday = datetime(2026, 12, 1, 12, tzinfo=UTC)
    send_due(tuesday)

    with time_machine.travel(tuesday, tick=False):
        said = pages.text(client.get(pages.path_of(withdrawal)))

    assert "With your bank by Tuesday, December 15" in said
    assert "Sent by" not in said
    assert "This is late" not in said


def test_one_with_a_part_to_be_arranged_names_a_day_for_the_other_only(client: Client, ben: User) -> None:
    fund(ben, "10")
    withdrawal = withdraw(ben, "60")

    with time_machine.travel(AT, tick=False):
        waiting = pages.text(client.get(pages.path_of(withdrawal)))
    send_due()
    with time_machine.travel(AT + timedelta(days=30), tick=False):
        sent = pages.text(client.get(pages.path_of(withdrawal)))

    turn = "support will write to you, and nothing of it is sent before you agree."
    assert f"50.00 USD will be sent by Monday, November 9. Another way is arranged for the rest: {turn}" in waiting
    assert "You need do nothing" not in waiting
    assert f"A part was sent. Another way is arranged for the rest: {turn}" in sent
    assert "This is late" not in sent
    assert "Sent by" not in sent


def test_what_came_back_can_be_spent_under_a_policy_that_pays_nothing_out(
    client: Client, payments: PaymentsSandbox, request: pytest.FixtureRequest
) -> None:
    withdrawal = came_back(client, payments)
    request.getfixturevalue("credit_only_policy")

    page = client.get(pages.path_of(withdrawal))

    assert "The money is on your balance, to spend on orders." in pages.text(page)
    assert "withdraw it again" not in pages.text(page)
    assert "support arranges another way" not in pages.text(page)
    assert "/balance/withdraw/?amount=20.00" not in pages.links(page)


def test_one_in_review_and_declined_gives_the_reason(client: Client, payments: PaymentsSandbox) -> None:
    rosa = make_customer("rosa")
    client.force_login(rosa)
    pay_in(rosa, payments, "300")
    withdrawal = withdraw(rosa, "250")

    with time_machine.travel(AT + HOUR, tick=False):
        waiting = pages.text(client.get(pages.path_of(withdrawal)))
    withdrawals.decline(withdrawal_id=withdrawal.pk, staff=make_staff(), reason="The card is not yours", at=AT + HOUR)
    declined = pages.text(client.get(pages.path_of(withdrawal)))

    assert "Withdrawals above 200.00 USD are checked by a person first." in waiting
    assert "It was declined: The card is not yours. The money is on your balance." in declined


def test_the_page_renews_itself_only_when_something_is_new(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    shown = client.get(pages.path_of(withdrawal))
    look = {"seen": shown.context["seen"], "since": str(int(timezone.now().timestamp()))}

    same = client.get(pages.path_of(withdrawal), look, headers=HTMX)
    send_due()
    news = client.get(pages.path_of(withdrawal), look, headers=HTMX)

    assert (same.status_code, same.content) == (204, b"")
    assert news.status_code == 200
    assert b"hx-get" not in news.content
    assert f"Withdrawal {withdrawal.pk}: Paid. It was sent, and the payment processor confirmed it." in pages.element(
        news, "news"
    )


def test_the_page_stops_asking_after_a_while(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")

    answer = client.get(pages.path_of(withdrawal), {"seen": "x", "since": "0"}, headers=HTMX)

    assert answer.status_code == 286
    assert b"hx-get" not in answer.content


def test_takes_the_same_queries_for_one_part_and_many(
    client: Client, ben: User, payments: PaymentsSandbox, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one = withdraw(ben, "20")
    for _ in range(3):
        pay_in(ben, payments)
    many = withdraw(ben, "150")

    for withdrawal in (one, many):
        with django_assert_num_queries(5):
            client.get(pages.path_of(withdrawal))
    assert sum(leg.amount for leg in many.legs.all()) == Decimal(150)


def test_a_refund_by_hand_at_the_gateway_is_told_with_what_is_owed(
    client: Client, ben: User, payments: PaymentsSandbox
) -> None:
    place_order(ben, make_service(rate="40"))
    deposit = ben.deposits.get()
    payments.refund_by_hand(str(deposit.payment_reference))
    gateway_refunds.refresh_payment(str(deposit.payment_reference), gateway=deposit.gateway, at=AT + HOUR)

    withdrawal = ben.withdrawals.get()
    balance, page = client.get("/balance/"), client.get(pages.path_of(withdrawal))

    assert "Refund to your payment method \u221210.00 USD 0.00 USD" in pages.text(balance)
    assert "Owed 40.00 USD" in pages.text(balance)
    assert pages.path_of(withdrawal) in pages.links(balance)
    assert "Refunded by our staff" in pages.text(page)
    assert "With your bank by" not in pages.text(page)
