"""The demo's money came in by payments and went out by withdrawals, through the use cases and the sandbox."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError
from django.db.models import Sum
from django.utils import timezone

from billing import reconciliation
from billing.models import (
    Arrangement,
    Deposit,
    DepositState,
    GatewaySlug,
    Origin,
    Payout,
    PayoutState,
    Transfer,
    TransferKind,
    Withdrawal,
    WithdrawalState,
)
from orders.models import Order
from panel.accounts.models import User
from panel.demo import ground, paying_in, stories, till
from panel.sandbox.payments import PaymentsSandbox
from refunds import balance_refunds
from tests.demo.loading import balance, load

pytestmark = pytest.mark.django_db

WHOLE = sum(stories.PAST.values()) + sum(len(ends) for _, ends in stories.RECENT)


def of(email: str) -> list[tuple[str, str, Decimal]]:
    """Return the withdrawals of a customer, oldest first: who began it, how far it has got, how much."""
    rows = Withdrawal.objects.filter(customer__email=email).order_by("pk")
    return [(row.origin, row.state, row.amount) for row in rows]


def test_everything_but_a_little_promotional_credit_was_paid_in_and_the_gateway_agrees(
    payments: PaymentsSandbox,
) -> None:
    load()

    given = Transfer.objects.filter(kind=TransferKind.ADJUSTMENT)
    assert {row.credit_account.kind for row in given.select_related("credit_account")} == {"promo"}
    assert not Deposit.objects.exclude(state=DepositState.PAID).exists()
    by_card = Deposit.objects.filter(gateway=GatewaySlug.STRIPE)
    assert {row.payment_reference for row in by_card} == {row["payment_intent"] for row in payments.payments()}
    paid = by_card.aggregate(sum=Sum("amount"))["sum"]
    assert paid * 100 == sum(row["amount_captured"] for row in payments.payments())
    earliest = Deposit.objects.earliest("paid_at").paid_at
    assert earliest
    assert timezone.now() - earliest > timedelta(days=59)
    reports = reconciliation.reconcile_all(at=timezone.now() + timedelta(minutes=1))
    assert [(report.gateway, report.found, report.repaired, report.unreached) for report in reports] == [
        (GatewaySlug.STRIPE, (), (), ""),
        (GatewaySlug.MANUAL, (), (), ""),
    ]
    assert reports[0].gateway_payments.total == paid
    assert payments.queued() == []
    assert not payments.account.hands_out_webhooks


@pytest.mark.usefixtures("payments")
def test_withdrawals_have_come_to_every_end_that_a_person_wants_to_see() -> None:
    load()

    assert of("ada@example.com") == [
        (Origin.CUSTOMER, WithdrawalState.FAILED, Decimal(45)),
        (Origin.CUSTOMER, WithdrawalState.PAID, Decimal(45)),
        (Origin.GATEWAY, WithdrawalState.PAID, Decimal(25)),
        (Origin.CUSTOMER, WithdrawalState.IN_REVIEW, Decimal(240)),
        (Origin.CUSTOMER, WithdrawalState.SCHEDULED, Decimal(25)),
    ]
    failed, paid = Withdrawal.objects.filter(customer__email="ada@example.com").order_by("pk")[:2]
    assert failed.legs.get().is_late_failure
    assert paid.legs.get().bank_reference
    ends = [WithdrawalState.FAILED, WithdrawalState.REQUESTED]
    stopped = [WithdrawalState.FAILED, WithdrawalState.CANCELED]  # his bank disputes a payment
    assert [state for _, state, _ in of("ben@example.com")] == stopped
    assert [state for _, state, _ in of("chloe@example.com")] == ends
    proposed = {row.leg.withdrawal.customer.email: row.proposed_at for row in Arrangement.objects.all()}
    assert proposed["ben@example.com"]
    assert proposed["chloe@example.com"] is None
    received = Deposit.objects.get(gateway=GatewaySlug.MANUAL)
    assert (received.customer.email, received.amount, received.reserved) == (
        "farah@example.com",
        Decimal(300),
        Decimal(120),
    )
    assert Payout.objects.get().state == PayoutState.WAITING
    overdue = Withdrawal.objects.filter(overdue_at__lt=timezone.now(), ended_at=None)
    assert not overdue.exists()


@pytest.mark.usefixtures("payments")
def test_whoever_signs_in_can_withdraw_to_a_card() -> None:
    load()
    ada = User.objects.get(email="ada@example.com")

    quote = balance_refunds.quote(customer=ada, amount=Decimal(20), at=timezone.now())

    assert not quote.is_reviewed
    assert [(part.method, part.amount) for part in quote.plan.parts] == [("Visa ending in 4242", Decimal(20))]
    assert [item.method for item in quote.plan.passed] == ["Visa ending in 5126"]


def test_goes_on_after_a_load_that_was_cut_off_and_refunds_nothing_twice(
    payments: PaymentsSandbox, settings: Any
) -> None:
    settings.DEPOSIT_MAXIMUM = Decimal(700)  # Ben pays in more than that, days after the first orders
    with pytest.raises(CommandError, match=r"at most 700\.00"):
        load()
    placed_before = Order.objects.count()
    assert 0 < placed_before < WHOLE
    settings.DEPOSIT_MAXIMUM = Decimal(10000)
    ada, name, at = User.objects.get(email="ada@example.com"), "ada-twice", timezone.now() - timedelta(days=15)
    with till.opened() as opened:  # as if it had been cut off right after the refund by hand
        deposit = paying_in.by_card(customer=ada, amount=Decimal(25), card="visa", name=name, till=opened, at=at)
        opened.refund_by_hand(deposit.payment_reference or "")

    load()

    assert Order.objects.count() == WHOLE
    assert balance("ada@example.com", "available") >= Decimal(250)
    assert sum(not row["metadata"] for row in payments.refunds()) == 1
    assert Withdrawal.objects.get(origin=Origin.GATEWAY).legs.get().deposit == deposit


def test_lives_through_nothing_twice_after_a_load_that_was_cut_off_at_its_end(
    payments: PaymentsSandbox, settings: Any
) -> None:
    settings.LARGEST_ADJUSTMENT = Decimal(5)  # the last credit but not the first is above
    with pytest.raises(CommandError, match="An adjustment is above 0"):
        load()
    before = (Order.objects.count(), Deposit.objects.count(), Transfer.objects.count(), Withdrawal.objects.count())
    refunds = len(payments.refunds())

    settings.LARGEST_ADJUSTMENT = Decimal(10000)
    load()

    of_the_dispute = 1 + Transfer.objects.filter(kind=TransferKind.DISPUTE_HELD).count()  # and a withdrawal stopped
    after = (Order.objects.count(), Deposit.objects.count(), Transfer.objects.count(), Withdrawal.objects.count())
    assert after == (before[0], before[1] + 1, before[2] + 2 + of_the_dispute, before[3])
    assert before[0] == WHOLE
    assert len(payments.refunds()) == refunds


def test_takes_in_what_a_load_paid_before_it_was_cut_off(payments: PaymentsSandbox) -> None:
    payments.fault("error_500_before", path="/v1/checkout/sessions/", method="GET", times=2)
    with pytest.raises(CommandError, match="is not paid: waiting for payment"):
        load()
    assert [row["amount"] for row in payments.payments()] == [15000]
    assert not Deposit.objects.filter(state=DepositState.PAID).exists()
    waiting = len(payments.queued())

    load()

    assert waiting
    assert payments.queued() == []
    assert Deposit.objects.filter(gateway=GatewaySlug.STRIPE).count() == len(payments.payments())


def test_says_so_when_the_payments_sandbox_does_not_answer(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_x", f"http://127.0.0.1:{ground.free_port()}"

    with pytest.raises(CommandError, match=r"payments sandbox at http://127\.0\.0\.1:.* does not answer"):
        load()

    assert not Order.objects.exists()
