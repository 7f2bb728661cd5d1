"""A suspended customer: signs in, reads why on every page, writes to us and is answered, and takes nothing out."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from billing.models import Deposit, LegState, Withdrawal
from orders.models import OrderStatus, Refill
from panel.accounts import blocklist
from panel.accounts.models import SuspensionCause, User
from panel.notifications import suspending
from panel.sandbox.payments import PaymentsSandbox
from panel.support.models import Ticket
from refunds.models import PolicyVersion
from tests.billing.money import balances
from tests.factories import (
    AT,
    disputed,
    make_customer,
    make_service,
    make_staff,
    move_dispute,
    only_leg,
    pay_in,
    place_order,
)
from tests.factories.disputes import take_in
from tests.factories.refills import refillable
from tests.factories.withdrawals import propose
from tests.support.asking import answer
from tests.web import pages
from tests.web.people import confirm, sign_in

pytestmark = pytest.mark.django_db

WHY = "A payment is disputed at your bank."


def suspend(customer: User) -> None:
    suspending.suspend(customer_id=customer.pk, reason=WHY, at=AT)


def test_signs_in_reads_why_writes_and_is_answered(client: Client, payments: PaymentsSandbox) -> None:
    cache.clear()  # allauth counts attempts there
    ben = make_customer("ben")
    confirm(ben)
    disputed(payments, pay_in(ben, payments))

    sign_in(client, ben)
    page = client.get("/orders/")
    assert "Your account is suspended. Your payment of 50.00 USD is disputed at your bank." in pages.text(page)
    assert f"mailto:{settings.SUPPORT_EMAIL}" in pages.links(page)
    assert "/support/new/?kind=payment" in pages.links(page)

    form = client.get("/support/new/?kind=payment")
    given = {"kind": "payment", "subject": "Why?", "text": "That was my bank.", "key": pages.hidden(form, "key")}
    assert client.post("/support/new/", given).status_code == 302
    ticket = Ticket.objects.get()
    answer(ticket, make_staff(), "Ask the bank to withdraw it.")
    here = f"/support/{ticket.pk}/"
    shown = client.get(here)
    assert "Ask the bank to withdraw it." in pages.text(shown)
    client.post(f"{here}reply/", {"text": "They did.", "key": pages.hidden(shown, "key")})

    assert "They did." in pages.text(client.get(here))
    assert balances(ben) == {"held": "50.00"}


def test_a_win_opens_everything_again(client: Client, payments: PaymentsSandbox) -> None:
    ben = make_customer("ben")
    deposit = pay_in(ben, payments)
    Deposit.objects.filter(pk=deposit.pk).update(policy_version=PolicyVersion.objects.latest("pk").pk)
    client.force_login(ben)
    dispute = move_dispute(payments, disputed(payments, deposit), "lost")
    assert "Your account is suspended." in pages.text(client.get("/balance/"))

    payments.move_dispute(dispute.reference, "won")
    take_in(dispute.reference)

    assert "suspended" not in pages.text(client.get("/balance/"))
    assert "Go to payment" in pages.text(client.get("/balance/add/"))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/orders/new/", "Your account is suspended, so you can't order: "),
        ("/balance/add/", "Your account is suspended, so no funds can be added: "),
        ("/balance/withdraw/", "Your account is suspended, so nothing can be withdrawn: "),
        ("/settings/api/", "Your account is suspended, so no keys can be made: "),
    ],
)
def test_each_page_says_what_it_does_not_do_and_why(
    browser: Client, ada: User, payments: PaymentsSandbox, address: str, said: str
) -> None:
    suspend(ada)

    page = browser.get(address)

    assert f"{said}{WHY} Write to us" in pages.text(page)
    assert payments.events() == []


def test_the_refill_page_says_why_and_asks_for_none(browser: Client, ada: User) -> None:
    order = refillable(ada)
    suspend(ada)
    path = f"/orders/{order.pk}/refill/"

    page, sent = browser.get(path), browser.post(path, follow=True)

    assert f"Your account is suspended, so no refill can be asked for: {WHY}" in pages.text(page)
    assert b"Ask for the refill" not in page.content
    assert f"Your account is suspended: {WHY} Write to {settings.SUPPORT_EMAIL}." in pages.text(sent)
    assert not Refill.objects.exists()


def test_a_cancel_and_a_refund_stay_on_the_balance(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(rate="5"))
    suspend(ada)
    stays = f"Your account is suspended: {WHY} What is refunded goes to your balance, pays first what you owe"

    asked = browser.get(f"/orders/{order.pk}/cancel/")
    browser.post(f"/orders/{order.pk}/cancel/")

    assert stays in pages.text(asked)
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED
    assert balances(ada) == {"available": "50.00"}


def test_agrees_to_no_other_way(client: Client, arranged: Withdrawal) -> None:
    propose(arranged, "DE02 1203 0000")
    path = pages.path_of(arranged)
    shown = pages.hidden(client.get(path), "destination")
    suspend(arranged.customer)

    page, sent = client.get(path), client.post(f"{path}agree/", {"destination": shown}, follow=True)

    assert "Your account is suspended, so nothing is sent: " in pages.text(page)
    assert b"I agree" not in page.content
    assert f"Your account is suspended: {WHY}" in pages.text(sent)
    assert only_leg(arranged).state == LegState.ARRANGING


def test_a_blocked_address_adds_no_funds_and_reads_whom_to_write_to(
    browser: Client, ada: User, payments: PaymentsSandbox
) -> None:
    form = browser.get("/balance/add/")
    given = {"amount": "50", "key": pages.hidden(form, "key"), "policy": pages.hidden(form, "policy")}
    with transaction.atomic():
        blocklist.block([blocklist.of_email(ada.email)], customer=ada, reason="Lost.", dispute_ref=7, at=AT)

    sent = browser.post("/balance/add/", given)

    assert sent.status_code == 422
    assert "Your e-mail address is blocked here, so no funds can be added." in pages.text(sent)
    assert settings.SUPPORT_EMAIL in pages.text(sent)
    assert not Deposit.objects.exists()
    assert payments.events() == []


def test_money_from_a_blocked_method_is_shown_with_the_reason(client: Client, payments: PaymentsSandbox) -> None:
    ada, ben = make_customer(), make_customer("ben")
    card = blocklist.of_method(pay_in(ada, payments).method_fingerprint)
    with transaction.atomic():
        blocklist.block([card], customer=ada, reason="Lost.", dispute_ref=7, at=AT)
    pay_in(ben, payments)
    client.force_login(ben)

    page, ordering = pages.text(client.get("/balance/")), pages.text(client.get("/orders/new/"))

    reason = "Your payment of 50.00 USD came from a payment method that can't be used here."
    assert f"Your account is suspended. {reason}" in page
    assert f"you can't order: {reason}" in ordering
    assert User.objects.get(pk=ben.pk).suspension_cause == SuspensionCause.BLOCKED_METHOD
