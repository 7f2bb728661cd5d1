"""Another way for a withdrawal that no payment takes back: agreed to on its page, or given up."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from billing.models import LegState, PayoutKind, Withdrawal
from tests.factories import AT, only_leg
from tests.factories.withdrawals import propose
from tests.web import pages

pytestmark = pytest.mark.django_db


def test_one_that_waits_for_the_customer_is_not_called_late(client: Client, arranged: Withdrawal) -> None:
    propose(arranged, "DE02 1203 0000")

    with time_machine.travel(AT + timedelta(days=30), tick=False):
        said = pages.text(client.get(pages.path_of(arranged)))

    assert "support has made a proposal, and nothing of it is sent before you agree." in said
    assert "This is late" not in said
    assert "With your bank by" not in said


def test_another_way_waits_for_support_first(client: Client, arranged: Withdrawal) -> None:
    said = pages.text(client.get(pages.path_of(arranged)))

    assert "No payment of yours can take this back, so another way is arranged: support will write to you" in said
    assert "The bank said that this method no longer takes money back." in said
    assert "Nothing is sent before you agree." in said
    assert "I agree" not in said


@pytest.mark.parametrize("destination", ["DE02 1203 0000", "Anna\r\nDE02 1203", "Anna\nDE02 1203", '"><b>x'])
def test_agreeing_to_what_was_shown_sends_it_there(client: Client, arranged: Withdrawal, destination: str) -> None:
    propose(arranged, destination)
    shown = pages.hidden(client.get(pages.path_of(arranged)), "destination")
    as_browsers_send_it = shown.replace("\r\n", "\n").replace("\n", "\r\n")

    agreed = client.post(f"{pages.path_of(arranged)}agree/", {"destination": as_browsers_send_it}, follow=True)

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
    propose(arranged, "DE02 1203 0000")
    shown = pages.hidden(client.get(pages.path_of(arranged)), "destination")
    propose(arranged, destination, kind=kind)

    refused = client.post(f"{pages.path_of(arranged)}agree/", {"destination": shown}, follow=True)

    assert "Support has changed the proposal. Please look at it again." in pages.text(refused)
    assert only_leg(arranged).state == LegState.ARRANGING


def test_agreeing_before_there_is_a_proposal_does_nothing(client: Client, arranged: Withdrawal) -> None:
    refused = client.post(f"{pages.path_of(arranged)}agree/", {"destination": ""}, follow=True)

    assert "Support has not proposed a way yet." in pages.text(refused)
    assert only_leg(arranged).state == LegState.ARRANGING


def test_giving_up_puts_it_back_on_the_balance_once(client: Client, arranged: Withdrawal) -> None:
    first = client.post(f"{pages.path_of(arranged)}give-up/", follow=True)
    second = client.post(f"{pages.path_of(arranged)}give-up/", follow=True)

    assert "The money is on your balance again." in pages.text(first)
    assert "This is settled already" in pages.text(second)
    assert only_leg(arranged).state == LegState.CANCELED
