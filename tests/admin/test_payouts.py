"""Payouts by hand: what staff say about one moves the customer's money, once, and never one's own."""

from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Account, CustomerAccount, LegState, Payout, PayoutState, WithdrawalLeg
from panel.accounts.models import User
from panel.notifications import suspending
from panel.notifications.models import Email
from tests.admin.furniture import waiting_payout
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.factories import make_customer, make_staff, receive_by_hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    """A customer who has paid in 50.00 USD by bank transfer."""
    customer = make_customer("ada")
    receive_by_hand(customer)
    return customer


def address(verb: str, payout: Payout) -> str:
    return action("billing_payout", verb, payout.pk)


def standing(payout: Payout, customer: User) -> tuple[str, str, Decimal | None, Decimal | None]:
    """Return the states of payout and leg, and what is available and held."""
    state = Payout.objects.values_list("state", flat=True).get(pk=payout.pk)
    leg = WithdrawalLeg.objects.values_list("state", flat=True).get(pk=payout.leg)
    balances = dict(Account.objects.filter(customer=customer).values_list("kind", "balance"))
    return state, leg, balances[CustomerAccount.AVAILABLE], balances[CustomerAccount.HELD]


def buttons(client: Client, payout: Payout) -> list[str]:
    page = client.get(detail("billing_payout", payout.pk))
    return [button["title"] for button in page.context["actions_detail"]]


WAITING = (PayoutState.WAITING, LegState.SENDING, Decimal(30), Decimal(20))
CONFIRMED = (PayoutState.CONFIRMED, LegState.PAID, Decimal(30), Decimal(0))
BACK = (PayoutState.FAILED, LegState.FAILED, Decimal(50), Decimal(0))


def test_staff_are_told_to_wait_while_the_account_is_suspended(ada: User) -> None:
    payout, client = waiting_payout(ada), signed_in(make_staff())
    assert "Wait:" not in text_of(client.get(listing("billing_payout")))
    suspending.suspend(customer_id=ada.pk, reason="A payment is disputed.", at=timezone.now())

    assert "Wait: account suspended" in text_of(client.get(listing("billing_payout")))
    page = text_of(client.get(detail("billing_payout", payout.pk)))
    assert "Wait: the account is suspended. A payment is disputed." in page
    asked = text_of(client.get(address("confirm", payout)))
    assert "The account is suspended: A payment is disputed. Confirm only what you have really sent." in asked


def test_confirms_with_the_banks_reference_and_tells_the_customer(ada: User) -> None:
    payout, staff = waiting_payout(ada), make_staff()
    client = signed_in(staff)
    assert buttons(client, payout) == ["Confirm…", "Failed or came back…"]

    asked = text_of(client.get(address("confirm", payout)))
    assert "You have sent 20.00 USD to Bank transfer: DE02 1203 0000 0000 2020 51." in asked
    assert standing(payout, ada) == WAITING
    page = said(client, submit(client, address("confirm", payout), {"bank_reference": "SEPA 99"}))

    assert standing(payout, ada) == CONFIRMED
    payout.refresh_from_db()
    assert (payout.bank_reference, payout.decided_by) == ("SEPA 99", staff)
    assert f"Payout {payout.pk} is carried out, with the reference SEPA 99." in page
    assert "SEPA 99" in str(Email.objects.get(to=ada.email, template="withdrawal_paid").context["parts"])
    assert buttons(client, payout) == ["Failed or came back…"]


def test_a_payout_is_confirmed_once(ada: User) -> None:
    payout, client = waiting_payout(ada), signed_in(make_staff())
    submit(client, address("confirm", payout), {"bank_reference": "SEPA 99"})

    again = submit(client, address("confirm", payout), {"bank_reference": "SEPA 100"})

    assert "This payout is carried out already." in text_of(again)
    assert standing(payout, ada) == CONFIRMED
    assert Payout.objects.get().bank_reference == "SEPA 99"


def test_what_could_not_be_sent_is_back_on_the_balance(ada: User) -> None:
    payout, client = waiting_payout(ada), signed_in(make_staff())

    client.get(address("fail", payout))
    assert standing(payout, ada) == WAITING
    page = said(client, submit(client, address("fail", payout), {"reason": "The account is closed."}))

    assert standing(payout, ada) == BACK
    assert f"Payout {payout.pk} failed, and 20.00 USD are back on the balance of {ada.email}." in page
    assert buttons(client, payout) == []


def test_what_came_back_after_it_was_sent_is_back_on_the_balance_once(ada: User) -> None:
    payout, client = waiting_payout(ada), signed_in(make_staff())
    submit(client, address("confirm", payout), {"bank_reference": "SEPA 99"})

    assert "The money came back to the panel&#x27;s account" in text_of(client.get(address("fail", payout)))
    submit(client, address("fail", payout), {"reason": "Returned by the bank."})
    again = submit(client, address("fail", payout), {"reason": "Returned by the bank."})

    assert standing(payout, ada) == BACK
    assert "This payout failed already." in text_of(again)


@pytest.mark.parametrize(("verb", "field"), [("confirm", "bank_reference"), ("fail", "reason")])
def test_without_a_reference_or_a_reason_nothing_moves(verb: str, field: str, ada: User) -> None:
    payout, client = waiting_payout(ada), signed_in(make_staff())

    answer = submit(client, address(verb, payout), {field: "  "})

    assert "This field is required." in text_of(answer)
    assert standing(payout, ada) == WAITING


@pytest.mark.parametrize("verb", ["confirm", "fail"])
def test_nobody_decides_about_a_payout_to_himself(verb: str) -> None:
    me = make_staff()
    receive_by_hand(me)
    payout, client = waiting_payout(me), signed_in(me)

    answer = submit(client, address(verb, payout), {"bank_reference": "SEPA 99", "reason": "Mine."})

    assert "Payouts are carried out by staff, and never one&#x27;s own." in text_of(answer)
    assert standing(payout, me) == WAITING


@pytest.mark.parametrize("verb", ["confirm", "fail"])
def test_who_may_only_look_decides_nothing(verb: str, ada: User) -> None:
    payout, client = waiting_payout(ada), signed_in(clerk("billing.view_payout"))

    assert buttons(client, payout) == []
    assert client.get(address(verb, payout)).status_code == 403
    given = {"_asked": "1", "bank_reference": "SEPA 99", "reason": "No."}
    assert client.post(address(verb, payout), given).status_code == 403
    assert standing(payout, ada) == WAITING


def test_the_list_shows_what_is_to_be_carried_out_and_finds_the_others(ada: User) -> None:
    grace = make_customer("grace")
    receive_by_hand(grace)
    client = signed_in(make_staff())
    first, second, done = waiting_payout(ada, "10"), waiting_payout(grace, "10"), waiting_payout(ada, "10")
    submit(client, address("confirm", done), {"bank_reference": "SEPA 99"})

    def listed(**query: object) -> list[Payout]:
        return list(client.get(listing("billing_payout", **query)).context["cl"].result_list)

    page = text_of(client.get(listing("billing_payout")))
    assert "Bank transfer: DE02 1203 0000 0000 2020 51" in page
    assert grace.email in page
    assert listed() == [first, second]
    assert listed(show="confirmed") == [done]
    assert listed(show="failed") == []
    assert listed(q=ada.email) == [first, done]
    assert listed(q=done.pk) == [done]
