from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing import arrangements, gateway_refunds, withdrawals
from billing.models import Arrangement, Deposit, LegState, PayoutKind, Withdrawal, WithdrawalLeg, WithdrawalState
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import (
    AT,
    HOUR,
    fund,
    make_customer,
    make_service,
    make_staff,
    only_leg,
    pay_in,
    place_order,
    send_due,
    withdraw,
)
from tests.web import pages

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ben(client: Client, payments: PaymentsSandbox) -> User:
    """A customer, signed in, whose whole balance of fifty came by card."""
    ben = make_customer("ben")
    pay_in(ben, payments)
    client.force_login(ben)
    return ben


@pytest.fixture
def arranged(ben: User) -> Withdrawal:
    """A withdrawal of twenty that no card takes back."""
    Deposit.objects.filter(customer=ben).update(method_gone=True)
    return withdraw(ben, "20")


def _page(withdrawal: Withdrawal) -> str:
    return f"/balance/withdrawals/{withdrawal.pk}/"


def _propose(withdrawal: Withdrawal, destination: str, *, kind: PayoutKind = PayoutKind.BANK) -> Arrangement:
    return arrangements.propose(
        arrangement_id=Arrangement.objects.get(leg__withdrawal=withdrawal).pk,
        kind=kind,
        destination=destination,
        verification="Passport seen.",
        staff=make_staff(),
        at=AT + HOUR,
    )


@time_machine.travel(AT + timedelta(minutes=5), tick=False)
def test_a_scheduled_one_tells_dates_method_and_how_to_cancel(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")

    page = client.get(_page(withdrawal))
    said = pages.text(page)

    assert f"Withdrawal {withdrawal.pk} Scheduled" in said
    assert "It will be sent by Monday, November 9. You need do nothing." in said
    assert "Visa ending in 4242 20.00 USD Scheduled \u00b7 it was paid in on 2 Nov 2026, 12:00 UTC" in said
    assert "Sent by Monday, November 9 in 5 business days" in said
    assert "You can cancel until 13:00 UTC" in said
    assert f"{_page(withdrawal)}cancel/" in pages.links(page)


def test_a_paid_one_gives_the_bank_reference_and_what_happened(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    send_due()
    WithdrawalLeg.objects.filter(withdrawal=withdrawal).update(bank_reference="24011336001")

    page = client.get(_page(withdrawal))
    said = pages.text(page)

    assert "It was sent, and the payment processor confirmed it." in said
    assert "It is sent within" not in said
    assert "Bank reference 24011336001" in said
    assert "Asked for 2 Nov 2026, 12:00 UTC 20.00 USD was set aside from your balance." in said
    assert "Paid back 2 Nov 2026, 13:00 UTC 20.00 USD to Visa ending in 4242." in said
    assert f"{_page(withdrawal)}cancel/" not in pages.links(page)
    assert b"hx-get" not in page.content


def test_one_that_came_back_late_says_why_and_the_way_out(client: Client, ben: User, payments: PaymentsSandbox) -> None:
    cleo = make_customer("cleo")
    client.force_login(cleo)
    pay_in(cleo, payments, card="closed_card")
    withdrawal = withdraw(cleo, "20")
    send_due()
    payments.advance(3600 * 24)
    send_due(AT + timedelta(days=2))

    page = client.get(_page(withdrawal))
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
        on_time = pages.text(client.get(_page(withdrawal)))
    with time_machine.travel(datetime(2026, 11, 10, 0, 0, tzinfo=UTC), tick=False):
        late = pages.text(client.get(_page(withdrawal)))

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
        said = pages.text(client.get(_page(withdrawal)))

    assert "With your bank by Tuesday, December 15" in said
    assert "Sent by" not in said
    assert "This is late" not in said


def test_one_with_a_part_to_be_arranged_names_a_day_for_the_other_only(client: Client, ben: User) -> None:
    fund(ben, "10")
    withdrawal = withdraw(ben, "60")

    with time_machine.travel(AT, tick=False):
        waiting = pages.text(client.get(_page(withdrawal)))
    send_due()
    with time_machine.travel(AT + timedelta(days=30), tick=False):
        sent = pages.text(client.get(_page(withdrawal)))

    turn = "support will write to you, and nothing of it is sent before you agree."
    assert f"50.00 USD will be sent by Monday, November 9. Another way is arranged for the rest: {turn}" in waiting
    assert "You need do nothing" not in waiting
    assert f"A part was sent. Another way is arranged for the rest: {turn}" in sent
    assert "This is late" not in sent
    assert "Sent by" not in sent


def test_one_that_waits_for_the_customer_is_not_called_late(client: Client, arranged: Withdrawal) -> None:
    _propose(arranged, "DE02 1203 0000")

    with time_machine.travel(AT + timedelta(days=30), tick=False):
        said = pages.text(client.get(_page(arranged)))

    assert "support has made a proposal, and nothing of it is sent before you agree." in said
    assert "This is late" not in said
    assert "With your bank by" not in said


def test_what_came_back_can_be_spent_under_a_policy_that_pays_nothing_out(
    client: Client, payments: PaymentsSandbox, request: pytest.FixtureRequest
) -> None:
    cleo = make_customer("cleo")
    client.force_login(cleo)
    pay_in(cleo, payments, card="closed_card")
    withdrawal = withdraw(cleo, "20")
    send_due()
    payments.advance(3600 * 24)
    send_due(AT + timedelta(days=2))
    request.getfixturevalue("credit_only_policy")

    page = client.get(_page(withdrawal))

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
        waiting = pages.text(client.get(_page(withdrawal)))
    withdrawals.decline(withdrawal_id=withdrawal.pk, staff=make_staff(), reason="The card is not yours", at=AT + HOUR)
    declined = pages.text(client.get(_page(withdrawal)))

    assert "Withdrawals above 200.00 USD are checked by a person first." in waiting
    assert "It was declined: The card is not yours. The money is on your balance." in declined


def test_cancel_asks_first_and_puts_the_money_back(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    address = f"{_page(withdrawal)}cancel/"

    asked = pages.text(client.get(address))
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.SCHEDULED
    done = client.post(address, follow=True)

    withdrawal.refresh_from_db()
    assert "Back to your balance 20.00 USD" in asked
    assert withdrawal.state == WithdrawalState.CANCELED
    assert f"Withdrawal {withdrawal.pk} is canceled. The money is on your balance." in pages.text(done)
    assert "Canceled by you" in pages.text(done)
    assert "Put back" not in pages.text(done)


def test_canceling_twice_gives_back_once(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")

    for _ in range(2):
        client.post(f"{_page(withdrawal)}cancel/")

    assert "You can withdraw 50.00 USD" in pages.text(client.get("/balance/withdraw/"))


def test_one_that_was_sent_can_not_be_canceled(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    send_due()

    asked = client.get(f"{_page(withdrawal)}cancel/", follow=True)
    sent = client.post(f"{_page(withdrawal)}cancel/", follow=True)

    assert "This withdrawal can no longer be stopped." in pages.text(asked)
    assert "This withdrawal can no longer be stopped: it is paid." in pages.text(sent)
    assert only_leg(withdrawal).state == LegState.PAID


def test_another_way_waits_for_support_first(client: Client, arranged: Withdrawal) -> None:
    said = pages.text(client.get(_page(arranged)))

    assert "No payment of yours can take this back, so another way is arranged: support will write to you" in said
    assert "The bank said that this method no longer takes money back." in said
    assert "Nothing is sent before you agree." in said
    assert "I agree" not in said


@pytest.mark.parametrize("destination", ["DE02 1203 0000", "Anna\r\nDE02 1203", "Anna\nDE02 1203", '"><b>x'])
def test_agreeing_to_what_was_shown_sends_it_there(client: Client, arranged: Withdrawal, destination: str) -> None:
    _propose(arranged, destination)
    shown = pages.hidden(client.get(_page(arranged)), "destination")
    as_browsers_send_it = shown.replace("\r\n", "\n").replace("\n", "\r\n")

    agreed = client.post(f"{_page(arranged)}agree/", {"destination": as_browsers_send_it}, follow=True)

    assert "Thank you. The money will be sent the way that you agreed to." in pages.text(agreed)
    assert only_leg(arranged).state == LegState.PLANNED
    assert "Agreed" in pages.text(agreed)
    assert b"<b>x" not in agreed.content


@pytest.mark.parametrize(
    ("destination", "kind"), [("DE99 attacker", PayoutKind.BANK), ("DE02 1203 0000", PayoutKind.CRYPTO)]
)
def test_agreeing_to_a_proposal_that_changed_since_sends_nothing(
    client: Client, arranged: Withdrawal, destination: str, kind: PayoutKind
) -> None:
    _propose(arranged, "DE02 1203 0000")
    shown = pages.hidden(client.get(_page(arranged)), "destination")
    _propose(arranged, destination, kind=kind)

    refused = client.post(f"{_page(arranged)}agree/", {"destination": shown}, follow=True)

    assert "Support has changed the proposal. Please look at it again." in pages.text(refused)
    assert only_leg(arranged).state == LegState.ARRANGING


def test_agreeing_before_there_is_a_proposal_does_nothing(client: Client, arranged: Withdrawal) -> None:
    refused = client.post(f"{_page(arranged)}agree/", {"destination": ""}, follow=True)

    assert "Support has not proposed a way yet." in pages.text(refused)
    assert only_leg(arranged).state == LegState.ARRANGING


def test_giving_up_puts_it_back_on_the_balance_once(client: Client, arranged: Withdrawal) -> None:
    first = client.post(f"{_page(arranged)}give-up/", follow=True)
    second = client.post(f"{_page(arranged)}give-up/", follow=True)

    assert "The money is on your balance again." in pages.text(first)
    assert "This is settled already" in pages.text(second)
    assert only_leg(arranged).state == LegState.CANCELED


def test_the_page_renews_itself_only_when_something_is_new(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    shown = client.get(_page(withdrawal))
    look = {"seen": shown.context["seen"], "since": str(int(timezone.now().timestamp()))}

    same = client.get(_page(withdrawal), look, headers=HTMX)
    send_due()
    news = client.get(_page(withdrawal), look, headers=HTMX)

    assert (same.status_code, same.content) == (204, b"")
    assert news.status_code == 200
    assert b"hx-get" not in news.content
    assert f"Withdrawal {withdrawal.pk}: Paid. It was sent, and the payment processor confirmed it." in pages.element(
        news, "news"
    )


def test_the_page_stops_asking_after_a_while(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")

    answer = client.get(_page(withdrawal), {"seen": "x", "since": "0"}, headers=HTMX)

    assert answer.status_code == 286
    assert b"hx-get" not in answer.content


@pytest.mark.parametrize("what", ["", "cancel/"])
def test_a_withdrawal_of_another_customer_is_as_good_as_missing(
    client: Client, ben: User, payments: PaymentsSandbox, what: str
) -> None:
    rosa = make_customer("rosa")
    pay_in(rosa, payments)
    foreign = withdraw(rosa, "20")

    theirs = client.get(f"{_page(foreign)}{what}")
    missing = client.get(f"/balance/withdrawals/999999/{what}")

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert pages.text(theirs) == pages.text(missing)
    assert ben.withdrawals.count() == 0


@pytest.mark.parametrize("what", ["cancel", "agree", "give-up"])
def test_nobody_else_can_do_anything_to_it(client: Client, arranged: Withdrawal, what: str) -> None:
    _propose(arranged, "DE02 1203 0000")
    client.force_login(make_customer("eve"))

    answer = client.post(f"{_page(arranged)}{what}/", {"destination": "Bank transfer: DE02 1203 0000"})

    arranged.refresh_from_db()
    assert answer.status_code == 404
    assert arranged.state == WithdrawalState.REQUESTED


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 40])
def test_numbers_that_can_not_be_are_missing(client: Client, number: str) -> None:
    assert client.get(f"/balance/withdrawals/{number}/").status_code == 404
    assert client.post(f"/balance/withdrawals/{number}/cancel/").status_code == 404


def test_the_list_shows_only_ones_own_and_pages_on(
    client: Client, ben: User, payments: PaymentsSandbox, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pay_in(ben, payments, "200")
    for _ in range(27):
        withdraw(ben, "5")
    rosa = make_customer("rosa")
    pay_in(rosa, payments, "77")
    withdraw(rosa, "77")

    with django_assert_num_queries(4):
        first = client.get("/balance/withdrawals/")
    older = next(link for link in pages.links(first) if "before=" in link)
    second = client.get(older)

    assert (len(first.context["page"].withdrawals), len(second.context["page"].withdrawals)) == (25, 2)
    assert "77.00" not in pages.text(first) + pages.text(second)


def test_takes_the_same_queries_for_one_part_and_many(
    client: Client, ben: User, payments: PaymentsSandbox, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one = withdraw(ben, "20")
    for _ in range(3):
        pay_in(ben, payments)
    many = withdraw(ben, "150")

    for withdrawal in (one, many):
        with django_assert_num_queries(5):
            client.get(_page(withdrawal))
    assert sum(leg.amount for leg in many.legs.all()) == Decimal(150)


def test_a_refund_by_hand_at_the_gateway_is_told_with_what_is_owed(
    client: Client, ben: User, payments: PaymentsSandbox
) -> None:
    place_order(ben, make_service(rate="40"))
    deposit = ben.deposits.get()
    payments.refund_by_hand(str(deposit.payment_reference))
    gateway_refunds.refresh_payment(str(deposit.payment_reference), gateway=deposit.gateway, at=AT + HOUR)

    withdrawal = ben.withdrawals.get()
    balance, page = client.get("/balance/"), client.get(_page(withdrawal))

    assert "Refund to your payment method \u221210.00 USD 0.00 USD" in pages.text(balance)
    assert "Owed 40.00 USD" in pages.text(balance)
    assert _page(withdrawal) in pages.links(balance)
    assert "Refunded by our staff" in pages.text(page)
    assert "With your bank by" not in pages.text(page)
