"""Whose withdrawals are shown: one's own, page by page, and nobody else's."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import Withdrawal, WithdrawalState
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import make_customer, pay_in, withdraw
from tests.factories.withdrawals import propose
from tests.web import pages

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("what", ["", "cancel/"])
def test_a_withdrawal_of_another_customer_is_as_good_as_missing(
    client: Client, ben: User, payments: PaymentsSandbox, what: str
) -> None:
    rosa = make_customer("rosa")
    pay_in(rosa, payments)
    foreign = withdraw(rosa, "20")

    theirs = client.get(f"{pages.path_of(foreign)}{what}")
    missing = client.get(f"/balance/withdrawals/999999/{what}")

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert pages.text(theirs) == pages.text(missing)
    assert ben.withdrawals.count() == 0


@pytest.mark.parametrize("what", ["cancel", "agree", "give-up"])
def test_nobody_else_can_do_anything_to_it(client: Client, arranged: Withdrawal, what: str) -> None:
    propose(arranged, "DE02 1203 0000")
    client.force_login(make_customer("eve"))

    answer = client.post(f"{pages.path_of(arranged)}{what}/", {"destination": "Bank transfer: DE02 1203 0000"})

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
