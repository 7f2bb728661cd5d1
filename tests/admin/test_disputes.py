"""Disputes' pages: the queue by deadline with the figures, one dispute with all about it, and what staff decide."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing import gateways
from billing.models import Deposit, Dispute, Standing
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from refunds import chargebacks
from tests.admin.pages import action, clerk, detail, listing, said, signed_in, submit, text_of
from tests.billing.money import balances
from tests.factories import (
    disputed,
    make_customer,
    make_service,
    make_staff,
    move_dispute,
    open_dispute,
    pay_in,
    place_order,
    take_in,
)
from tests.factories.desk import publish_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_customer()


def listed(client: Client, **query: object) -> list[int]:
    return [row.pk for row in client.get(listing("billing_dispute", **query)).context["cl"].result_list]


def buttons(client: Client, dispute: Dispute) -> list[str]:
    page = client.get(detail("billing_dispute", dispute.pk))
    return [button["title"] for button in page.context["actions_detail"]]


def won_and_left_to_staff(payments: PaymentsSandbox, customer: User) -> Dispute:
    version = publish_variant('on_win = "lift"', 'on_win = "staff_decides"')
    deposit = pay_in(customer, payments, "50")
    Deposit.objects.filter(pk=deposit.pk).update(policy_version=version.pk)
    return move_dispute(payments, disputed(payments, deposit), "won")


def test_the_queue_is_what_has_to_be_answered_by_deadline(payments: PaymentsSandbox, ada: User) -> None:
    client = signed_in(make_staff())
    paid = [pay_in(ada, payments, "50") for _ in range(3)]
    first, second, third = (disputed(payments, deposit) for deposit in paid)
    soon = timezone.now() + timedelta(hours=5)
    Dispute.objects.filter(pk=second.pk).update(respond_by=soon)
    move_dispute(payments, third, "lost")

    assert listed(client) == [second.pk, first.pk]
    assert listed(client, show="lost") == [third.pk]
    assert listed(client, show="all") == [third.pk, second.pk, first.pk]
    page = text_of(client.get(listing("billing_dispute")))
    assert "4 h left" in page or "5 h left" in page


@pytest.mark.parametrize("how", ["number", "reference", "email"])
def test_finds_a_dispute(payments: PaymentsSandbox, ada: User, how: str) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))
    disputed(payments, pay_in(make_customer("ben"), payments, "50"))
    term = {"number": dispute.pk, "reference": dispute.reference, "email": ada.email}[how]

    assert listed(signed_in(make_staff()), q=term) == [dispute.pk]


def test_the_page_shows_money_timeline_and_the_orders_that_the_payment_paid_for(
    payments: PaymentsSandbox, ada: User
) -> None:
    deposit = pay_in(ada, payments, "50")
    order = place_order(ada, make_service(rate="20"))

    page = text_of(signed_in(make_staff()).get(detail("billing_dispute", disputed(payments, deposit).pk)))

    assert f"Order {order.pk}" in page
    assert order.service.name in page
    assert "50.00 USD of the balance is held." in page
    assert "The account is suspended." in page
    assert "Suspended because of this dispute" in page
    assert "Nothing was written to us about the payment or its orders before." in page


def test_many_disputes_cost_no_more_statements_than_few(payments: PaymentsSandbox, ada: User) -> None:
    client = signed_in(make_staff())
    paid = [pay_in(ada, payments, "50") for _ in range(4)]
    disputed(payments, paid[0])
    client.get(listing("billing_dispute"))
    with CaptureQueriesContext(connection) as few:
        client.get(listing("billing_dispute"))
    for deposit in paid[1:]:
        disputed(payments, deposit)

    with CaptureQueriesContext(connection) as many:
        assert len(listed(client)) == 4

    assert len(many) == len(few)


def test_the_figures_count_by_month(payments: PaymentsSandbox, ada: User) -> None:
    now = timezone.now()
    paid = [pay_in(ada, payments, "50", at=now) for _ in range(3)]
    won, lost, _open = (disputed(payments, deposit, cents=1000) for deposit in paid)
    pay_in(make_customer("ben"), payments, "50", at=now)
    take_in(
        open_dispute(payments, pay_in(make_customer("cy"), payments, "50", at=now), status="warning_needs_response")
    )
    move_dispute(payments, won, "won")
    move_dispute(payments, lost, "lost")

    page = signed_in(make_staff()).get(listing("billing_dispute"))

    (panel,) = page.context["list_panels"]
    (row,) = panel.rows
    figures = ["5", "3", "60.00 %", "1", "1", "0", "1", "50.00 %", "30.00 USD", "10.00 USD", "1"]
    assert list(row) == [f"{now:%B %Y}", *figures]


def test_a_claim_in_another_currency_is_shown_as_it_is_and_not_added_up(payments: PaymentsSandbox, ada: User) -> None:
    now = timezone.now()
    reference = open_dispute(payments, pay_in(ada, payments, "20", at=now))
    disputed(payments, pay_in(ada, payments, "50", at=now))
    report = gateways.get("stripe").fetch_dispute(reference)
    chargebacks.take_in(replace(report, currency="EUR"), gateway="stripe", seen=0, at=now)

    page = signed_in(make_staff()).get(listing("billing_dispute", show="all"))

    (panel,) = page.context["list_panels"]
    assert panel.rows[0][9] == "50.00 USD"
    assert "Of 1 dispute the claim is in another currency" in panel.note
    assert "20.00 EUR" in text_of(page)


def test_staff_open_the_account_where_the_policy_leaves_it_to_them(payments: PaymentsSandbox, ada: User) -> None:
    dispute, client = won_and_left_to_staff(payments, ada), signed_in(make_staff())
    assert listed(client, show="attention") == [dispute.pk]
    address = action("billing_dispute", "open_account", dispute.pk)

    page = said(client, submit(client, address, {"reason": "They sent the bank's letter."}))

    ada.refresh_from_db()
    dispute.refresh_from_db()
    assert (ada.is_suspended, dispute.suspends, dispute.attention) == (False, False, "")
    assert f"{ada} is open again." in page
    assert dispute.events.latest("id").note.startswith("Staff let the account be opened again: They sent")
    assert "Open the account…" not in buttons(client, dispute)


def test_an_account_stays_closed_while_the_dispute_is_open(payments: PaymentsSandbox, ada: User) -> None:
    dispute, client = disputed(payments, pay_in(ada, payments, "50")), signed_in(make_staff())

    answer = submit(client, action("billing_dispute", "open_account", dispute.pk), {"reason": "Please"})

    assert "The dispute is still open" in text_of(answer)
    ada.refresh_from_db()
    assert ada.is_suspended


def test_checks_with_the_gateway(payments: PaymentsSandbox, ada: User) -> None:
    dispute, client = disputed(payments, pay_in(ada, payments, "50")), signed_in(make_staff())
    payments.move_dispute(dispute.reference, "won")

    page = said(client, submit(client, action("billing_dispute", "look_again", dispute.pk)))

    assert f"dispute {dispute.pk} is “Won”." in page
    assert balances(ada) == {"available": "50.00"}
    assert Dispute.objects.get().standing == Standing.WON


@pytest.mark.parametrize("name", ["open_account", "look_again"])
def test_who_may_only_look_decides_nothing(payments: PaymentsSandbox, ada: User, name: str) -> None:
    dispute = won_and_left_to_staff(payments, ada)
    client = signed_in(clerk("billing.view_dispute"))

    assert buttons(client, dispute) == []
    assert client.get(action("billing_dispute", name, dispute.pk)).status_code == 403
    assert client.post(action("billing_dispute", name, dispute.pk), {"reason": "x"}).status_code == 403
    ada.refresh_from_db()
    assert ada.is_suspended


def test_an_address_without_a_number_is_not_found() -> None:
    client = signed_in(make_staff())

    assert client.get("/admin/billing/dispute/abc/change/").status_code in {302, 404}
