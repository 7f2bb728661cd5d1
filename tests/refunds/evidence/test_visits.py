"""Where a customer came from, as the records of sign-ins, payments and orders have it."""

from datetime import timedelta

import pytest

from billing.models import Deposit
from orders.models import Order
from panel.accounts.models import SignIn, SignInWay, User
from panel.sandbox.payments import PaymentsSandbox
from refunds.evidence import records, visits
from refunds.evidence.pack.compelling import Element
from tests.factories import AT, HOUR, disputed, make_customer, make_service, pay_in, place_order
from tests.factories.disputes import DISPUTED_AT

pytestmark = pytest.mark.django_db

HOME, FIREFOX = "203.0.113.9", "Firefox"


def sign_in(user: User, *, days: float = 0, way: str = SignInWay.PASSWORD, address: str | None = HOME) -> None:
    at = AT - timedelta(days=days)
    SignIn.objects.create(user=user, at=at, address=address, user_agent=FIREFOX, way=way)


def from_home(deposit: Deposit) -> Deposit:
    Deposit.objects.filter(pk=deposit.pk).update(opened_from=HOME)
    return deposit


def test_tells_what_the_customer_did_and_from_where(payments: PaymentsSandbox) -> None:
    ada, grace = make_customer("ada"), make_customer("grace")
    sign_in(ada, days=2, way=SignInWay.SIGN_UP)
    sign_in(ada, days=1, address=None)
    sign_in(grace)
    deposit = from_home(pay_in(ada, payments, at=AT))
    order = place_order(ada, make_service(), at=AT + HOUR)
    Order.objects.filter(pk=order.pk).update(placed_from=HOME, placed_through="api_v2")

    log = visits.log(ada.pk, until=AT + 2 * HOUR)

    assert [(visit.what, visit.address, visit.device) for visit in log.visits] == [
        ("signed up", HOME, FIREFOX),
        ("signed in (password)", "", FIREFOX),
        (f"opened the page of payment {deposit.pk}", HOME, ""),
        (f"placed order {order.pk} through the API", HOME, ""),
    ]
    assert log.older == 0


def test_counts_the_visits_that_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = make_customer()
    for days in (3, 2, 1):
        sign_in(ada, days=days)
    monkeypatch.setattr(visits, "MOST_READ", 2)

    log = visits.log(ada.pk, until=AT)

    assert ([visit.at for visit in log.visits], log.older) == ([AT - timedelta(days=2), AT - timedelta(days=1)], 1)


def test_two_payments_from_the_same_place_a_year_apart_are_compelling(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    for days in (300, 200, 0):
        sign_in(ada, days=days)
        last = from_home(pay_in(ada, payments, at=AT - timedelta(days=days)))
    dispute = disputed(payments, last)
    dispute.opened_at, dispute.reason_code = DISPUTED_AT, "10.4"

    found = records.earlier_payments(dispute)

    assert [one.serves for one in found.candidates] == [True, True]
    assert {Element.ADDRESS, Element.DEVICE} <= set(found.candidates[0].shared)
    assert found.is_enough


def test_a_payment_says_where_it_was_made(payments: PaymentsSandbox) -> None:
    deposit = from_home(pay_in(make_customer(), payments))

    case = records.case_of(disputed(payments, Deposit.objects.get(pk=deposit.pk)), at=DISPUTED_AT)

    assert case.payment.address == HOME
