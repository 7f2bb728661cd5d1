"""Canceling a withdrawal on its page."""

import pytest
from django.test import Client

from billing.models import LegState, WithdrawalState
from panel.accounts.models import User
from tests.factories import only_leg, send_due, withdraw
from tests.web import pages

pytestmark = pytest.mark.django_db


def test_cancel_asks_first_and_puts_the_money_back(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    address = f"{pages.path_of(withdrawal)}cancel/"

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
        client.post(f"{pages.path_of(withdrawal)}cancel/")

    assert "You can withdraw 50.00 USD" in pages.text(client.get("/balance/withdraw/"))


def test_one_that_was_sent_can_not_be_canceled(client: Client, ben: User) -> None:
    withdrawal = withdraw(ben, "20")
    send_due()

    asked = client.get(f"{pages.path_of(withdrawal)}cancel/", follow=True)
    sent = client.post(f"{pages.path_of(withdrawal)}cancel/", follow=True)

    assert "This withdrawal can no longer be stopped." in pages.text(asked)
    assert "This withdrawal can no longer be stopped: it is paid." in pages.text(sent)
    assert only_leg(withdrawal).state == LegState.PAID
