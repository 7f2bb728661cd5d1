"""Deposits' pages: what arrived by hand is credited once and only after a look, and gateways are asked anew."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from billing.models import Account, CustomerAccount, Deposit, DepositState, Receipt, Transfer, TransferKind
from panel.accounts.models import User
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from tests.admin.pages import action, clerk, confirm, detail, hidden_of, listing, said, signed_in, submit, text_of
from tests.factories import make_customer, make_staff, open_deposit, pay_in, receive_by_hand, send_due, withdraw

pytestmark = pytest.mark.django_db

RECORD = "/admin/billing/deposit/record/"


def arrived(owner: User | None = None, **changed: object) -> dict[str, object]:
    """What staff type about a bank transfer of 50.00 USD."""
    given: dict[str, object] = {"kind": "bank", "reference": "SEPA 77", "sender": "DE02 1203", "amount": "50"}
    if owner is not None:
        given["customer"] = owner.email
    return {**given, **changed}


def available(customer: User) -> Decimal:
    account = Account.objects.filter(customer=customer, kind=CustomerAccount.AVAILABLE).first()
    return account.balance or Decimal(0) if account else Decimal(0)


def nothing_was_recorded(customer: User) -> bool:
    rows = (Deposit.objects, Receipt.objects, Transfer.objects, Email.objects)
    return available(customer) == 0 and not any(each.exists() for each in rows)


def found(client: Client, term: object, **query: object) -> list[Deposit]:
    return list(client.get(listing("billing_deposit", q=term, **query)).context["cl"].result_list)


def test_a_method_that_takes_nothing_back_has_nothing_left_and_says_why(payments: PaymentsSandbox) -> None:
    deposit = pay_in(make_customer(), payments, "40")
    client = signed_in(make_staff())
    pages = (
        listing("billing_deposit"),
        detail("billing_deposit", deposit.pk),
        detail("accounts_user", deposit.customer_id),
    )
    why = "The bank said that this method no longer takes money back."

    assert all(why not in text_of(client.get(address)) for address in pages)
    Deposit.objects.filter(pk=deposit.pk).update(method_gone=True)

    for address in pages:
        page = text_of(client.get(address))
        assert '<span class="whitespace-nowrap">0.00 USD</span><br>' in page, address
        assert f'title="{why}"' in page, address


def test_records_a_payment_by_hand_after_showing_what_will_happen() -> None:
    ada, staff = make_customer(), make_staff()
    client = signed_in(staff)

    preview = submit(client, RECORD, arrived(ada))
    assert "50.00 USD to the available balance of " + ada.email in text_of(preview)
    assert "<dd>50.00 USD</dd>" in text_of(preview)
    assert nothing_was_recorded(ada)
    page = said(client, client.post(RECORD, hidden_of(preview)))

    deposit = Deposit.objects.get()
    assert f"Deposit {deposit.pk} is recorded: 50.00 USD for {ada.email}." in page
    assert (deposit.state, deposit.amount) == ("paid", Decimal(50))
    assert deposit.recorded_by == staff
    assert available(ada) == 50
    assert Transfer.objects.get().kind == TransferKind.DEPOSIT


def test_records_it_from_the_customers_page_and_notes_it_in_the_history() -> None:
    ada, staff = make_customer(), make_staff()
    client = signed_in(staff)
    address = action("accounts_user", "record_deposit", ada.pk)

    page = said(client, confirm(client, address, arrived()))

    assert available(ada) == 50
    assert "Latest deposits" in page
    assert LogEntry.objects.filter(object_id=ada.pk, user=staff, change_message__contains="is recorded").count() == 1


def test_a_confirmation_of_something_else_is_shown_again() -> None:
    ada, client = make_customer(), signed_in(make_staff())
    preview = submit(client, RECORD, arrived(ada))

    answer = client.post(RECORD, {**hidden_of(preview), "amount": "500"})

    assert "What would happen has changed since you looked." in text_of(answer)
    assert "500.00 USD to the available balance" in text_of(answer)
    assert nothing_was_recorded(ada)


def test_the_same_payment_is_recorded_once() -> None:
    ada, client = make_customer(), signed_in(make_staff())
    confirm(client, RECORD, arrived(ada))

    again = confirm(client, RECORD, arrived(ada, amount="60"))

    assert "A bank transfer with the reference SEPA 77 was recorded before." in text_of(again)
    assert available(ada) == 50
    assert Deposit.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"amount": "0"}, "The amount is at least 0.01 USD"),
        ({"amount": "-5"}, "is not an amount"),
        ({"amount": "5.005"}, "The amount is at least 0.01 USD"),
        ({"amount": "1e3"}, "is not an amount"),
        ({"amount": "NaN"}, "is not an amount"),
        ({"reference": " "}, "This field is required."),
        ({"sender": ""}, "This field is required."),
        ({"kind": "cash"}, "Select a valid choice."),
        ({"customer": "nobody@example.com"}, "No account has this e-mail address or number."),
        ({"customer": "9" * 25}, "No account has this e-mail address or number."),
    ],
)
def test_refuses_what_can_not_be_recorded(given: dict[str, object], words: str) -> None:
    ada, client = make_customer(), signed_in(make_staff())

    answer = submit(client, RECORD, arrived(ada, **given))
    if "_seen" in hidden_of(answer):
        answer = client.post(RECORD, hidden_of(answer))

    assert answer.status_code == 200
    assert words in text_of(answer).replace("&#x27;", "'")
    assert nothing_was_recorded(ada)


def test_staff_do_not_record_deposits_of_their_own() -> None:
    me = make_staff()
    client = signed_in(me)

    answer = confirm(client, RECORD, arrived(me))

    assert "Deposits are recorded by staff, and never one&#x27;s own." in text_of(answer)
    assert nothing_was_recorded(me)


def test_who_may_only_look_records_nothing_and_asks_nothing() -> None:
    ada = make_customer()
    client = signed_in(clerk("billing.view_deposit", "accounts.view_user"))

    for address in (RECORD, action("accounts_user", "record_deposit", ada.pk)):
        assert client.get(address).status_code == 403
        assert client.post(address, {"_asked": "1", **arrived(ada)}).status_code == 403
    assert "Record a deposit" not in text_of(client.get(listing("billing_deposit")))
    assert nothing_was_recorded(ada)


def test_asks_the_gateway_again_and_credits_what_was_paid_meanwhile(payments: PaymentsSandbox) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    deposit = open_deposit(ada)
    payments.pay(deposit.reference or "")
    address = action("billing_deposit", "ask_again", deposit.pk)

    client.get(address)
    assert available(ada) == 0
    page = said(client, submit(client, address))

    assert f"The gateway was asked: deposit {deposit.pk} was waiting for payment and is now paid." in page
    assert available(ada) == 50
    assert f"deposit {deposit.pk} is still paid." in said(client, submit(client, address))
    assert available(ada) == 50


def test_asking_about_a_paid_deposit_books_a_refund_made_at_the_gateway(payments: PaymentsSandbox) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    deposit = pay_in(ada, payments)
    payments.refund_by_hand(deposit.payment_reference or "", 2000)

    submit(client, action("billing_deposit", "ask_again", deposit.pk))

    deposit.refresh_from_db()
    assert (deposit.refunded, available(ada)) == (Decimal(20), Decimal(30))


def test_a_gateway_that_does_not_answer_is_said_to_be_silent(payments: PaymentsSandbox) -> None:
    ada, client = make_customer(), signed_in(make_staff())
    deposit = open_deposit(ada)
    payments.pay(deposit.reference or "")
    payments.fault("error_500_before", times=50)

    answer = submit(client, action("billing_deposit", "ask_again", deposit.pk))

    assert answer.status_code == 200
    assert "error" in text_of(answer)
    assert available(ada) == 0
    deposit.refresh_from_db()
    assert deposit.state == DepositState.OPEN


def test_who_may_not_change_deposits_asks_no_gateway() -> None:
    deposit = receive_by_hand(make_customer())
    client = signed_in(clerk("billing.view_deposit"))

    assert client.post(action("billing_deposit", "ask_again", deposit.pk), {"_asked": "1"}).status_code == 403


def test_finds_deposits_by_number_customer_and_every_reference(payments: PaymentsSandbox) -> None:
    ada, grace = make_customer("ada"), make_customer("grace")
    by_card, by_hand = pay_in(ada, payments), receive_by_hand(grace)
    client = signed_in(make_staff())

    for term in (by_card.pk, ada.email.upper(), by_card.reference, f" {by_card.payment_reference} "):
        assert found(client, term) == [by_card], term
    for term in (by_hand.pk, grace.email, Receipt.objects.get().reference):
        assert found(client, term) == [by_hand], term
    assert found(client, "") == [by_hand, by_card]
    assert found(client, "", gateway__exact="manual", state__exact="paid") == [by_hand]


def test_a_deposit_shows_what_went_back_and_what_was_booked() -> None:
    ada = make_customer()
    deposit = receive_by_hand(ada)
    withdrawal = withdraw(ada, "20")
    send_due()

    page = signed_in(make_staff()).get(detail("billing_deposit", deposit.pk))

    legs, transfers = page.context["panels"]
    assert ["20.00 USD" in str(row[2]) and "Being sent" in str(row[3]) for row in legs.rows] == [True]
    assert reverse("admin:billing_withdrawal_change", args=[withdrawal.pk]) in str(legs.rows[0][0])
    assert [(row[2], row[4]) for row in transfers.rows] == [("Funds added", "50.00 USD")]
    assert "30.00 USD" in text_of(page)


def test_where_a_deposit_came_from_is_shown_to_those_who_see_customers(payments: PaymentsSandbox) -> None:
    assert payments.url
    address = detail("billing_deposit", open_deposit(make_customer(), address="203.0.113.7").pk)

    agent = text_of(signed_in(clerk("billing.view_deposit", "accounts.view_user")).get(address))
    visitor = text_of(signed_in(clerk("billing.view_deposit")).get(address))

    assert "203.0.113.7" in agent
    assert "203.0.113.7" not in visitor


def test_panels_of_what_one_may_not_see_are_left_out() -> None:
    deposit = receive_by_hand(make_customer())

    page = signed_in(clerk("billing.view_deposit")).get(detail("billing_deposit", deposit.pk))

    assert page.status_code == 200
    assert page.context["panels"] == []
