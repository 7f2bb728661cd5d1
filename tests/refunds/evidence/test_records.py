"""The case that is read from the records of a real payment, its orders, letters and messages."""

from datetime import timedelta
from decimal import Decimal

import pytest

from orders.models import Cause, OrderStatus
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from refunds import publishing
from refunds.evidence import records
from refunds.evidence.pack.case import PaidOrder
from tests.factories import AT, HOUR, disputed, make_customer, make_service, move, pay_in, place_order
from tests.factories.disputes import DISPUTED_AT
from tests.support import asking

pytestmark = pytest.mark.django_db
LATER = DISPUTED_AT + HOUR


def test_reads_the_orders_that_the_disputed_payment_paid_for(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    first, second = pay_in(ada, payments, "50"), pay_in(ada, payments, "20")
    whole = place_order(ada, make_service(rate="30"), quantity=1000)
    shared = place_order(ada, make_service(rate="25"), quantity=1000)
    move(whole, OrderStatus.COMPLETED, remains=0, at=AT + HOUR)
    move(shared, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE, at=AT + HOUR)
    dispute = disputed(payments, second)

    case = records.case_of(dispute, at=LATER)

    assert [(one.number, one.from_payment, one.returned) for one in case.orders] == [(shared.pk, 5, 5)]
    assert (case.payment.number, case.payment.amount, case.claim.reference) == (second.pk, 20, dispute.reference)
    of_first = records.case_of(disputed(payments, first), at=LATER).orders
    assert [(one.number, one.from_payment, one.delivered, one.status) for one in of_first] == [
        (whole.pk, 30, 1000, "Completed"),
        (shared.pk, 20, 600, "Partial"),
    ]


def test_reads_reports_and_credits(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    order = place_order(ada, make_service(rate="30"), quantity=1000)
    move(order, OrderStatus.IN_PROGRESS)
    move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)

    paid: PaidOrder = records.case_of(disputed(payments, deposit), at=LATER).orders[0]

    assert [(one.status, one.by, one.remains) for one in paid.reports] == [
        ("In progress", "Provider", None),
        ("Partial", "Provider", 400),
    ]
    assert [(one.amount, bool(one.words)) for one in paid.credits] == [(Decimal(12), True)]


def test_reads_letters_by_subject_and_when_they_went(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    dispute = disputed(payments, pay_in(ada, payments, "50"))

    letters = records.case_of(dispute, at=LATER).letters

    assert len(letters) == Email.objects.filter(customer=ada).count() > 0
    assert any("50.00 USD" in letter.subject for letter in letters)
    assert all(letter.sent_at is None for letter in letters)


def test_reads_what_was_written(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    deposit = pay_in(ada, payments, "50")
    asking.ask(ada, at=AT + HOUR)

    case = records.case_of(disputed(payments, deposit), at=LATER)

    assert [one.by_customer for one in case.messages] == [True]


def test_reads_the_policy_that_was_shown(payments: PaymentsSandbox) -> None:
    deposit = pay_in(make_customer(), payments, "50")

    terms = records.case_of(disputed(payments, deposit), at=LATER).terms

    version = publishing.version(deposit.policy_version or 0)
    assert (terms.number, terms.digest, terms.shown) == (version.number, version.hash, True)
    assert len(terms.sections) > 5


def test_lists_earlier_payments(payments: PaymentsSandbox) -> None:
    ada = make_customer()
    long_ago = pay_in(ada, payments, "50", at=AT - timedelta(days=200))
    pay_in(make_customer(), payments, "50", at=AT - timedelta(days=200))
    dispute = disputed(payments, pay_in(ada, payments, "50"))

    found = records.earlier_payments(dispute)

    assert [one.payment.number for one in found.candidates] == [long_ago.pk]
    assert not found.is_enough
