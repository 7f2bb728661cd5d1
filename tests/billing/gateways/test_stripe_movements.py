"""The lines of Stripe's own books, as reconciliation needs them, against the sandbox."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.gateways.base import Movement, MovementKind, OutcomeUnknown
from billing.gateways.stripe import Stripe
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways.sandboxed import back, paid


def all_lines(stripe: Stripe, sandbox: PaymentsSandbox) -> list[Movement]:
    until = datetime.fromtimestamp(sandbox.now(), tz=UTC) + timedelta(seconds=2)
    return sorted(
        stripe.movements(datetime(2020, 1, 1, tzinfo=UTC), until), key=lambda line: (line.at, line.amount < 0)
    )


def test_follows_a_payment_its_refund_and_the_refunds_late_failure(
    at_sandbox: Stripe, sandbox: PaymentsSandbox
) -> None:
    payment = paid(at_sandbox, sandbox, card="closed_card")
    sandbox.advance(60)
    refund = at_sandbox.refund(back(payment)).reference
    sandbox.advance(7200)

    lines = all_lines(at_sandbox, sandbox)

    assert [(line.kind, line.amount) for line in lines] == [
        (MovementKind.PAYMENT, Decimal("50.000000")),
        (MovementKind.REFUND, Decimal("-20.000000")),
        (MovementKind.REFUND_FAILED, Decimal("20.000000")),
    ]
    assert {line.payment_reference for line in lines} == {payment}
    assert {line.currency for line in lines} == {"USD"}
    assert lines[0].source.startswith("ch_")
    assert [line.source for line in lines[1:]] == [refund, refund]
    assert len({line.reference for line in lines}) == 3


def test_follows_a_dispute_that_is_lost_and_then_won(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    dispute = sandbox.open_dispute(payment)
    sandbox.move_dispute(dispute, "lost")
    sandbox.move_dispute(dispute, "won")

    disputed = [line for line in all_lines(at_sandbox, sandbox) if line.kind is MovementKind.DISPUTE]

    assert sorted(line.amount for line in disputed) == [Decimal("-50.000000"), Decimal("50.000000")]
    assert {(line.source, line.payment_reference) for line in disputed} == {(dispute, payment)}


def test_sees_money_that_no_deposit_asked_for(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = sandbox.pay_unknown(1234)

    (line,) = all_lines(at_sandbox, sandbox)

    assert (line.kind, line.amount, line.payment_reference) == (MovementKind.PAYMENT, Decimal("12.340000"), payment)


def test_reads_every_page_and_nothing_outside_of_the_span(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    sandbox.pay_unknown(100)
    sandbox.advance(3600)
    since = datetime.fromtimestamp(int(sandbox.now()), tz=UTC)
    for _ in range(250):
        sandbox.pay_unknown(100)
    sandbox.advance(3600)
    until = datetime.fromtimestamp(int(sandbox.now()), tz=UTC)
    sandbox.pay_unknown(100)

    lines = list(at_sandbox.movements(since, until))

    assert len({line.reference for line in lines}) == len(lines) == 250
    assert all(since <= line.at < until for line in lines)


def test_a_fault_between_two_pages_does_not_pass_for_the_end(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    for _ in range(150):
        sandbox.pay_unknown(100)
    since = datetime(2020, 1, 1, tzinfo=UTC)
    lines = at_sandbox.movements(since, datetime(2090, 1, 1, tzinfo=UTC))
    next(lines)
    sandbox.fault("drop_before", path="/v1/balance_transactions", times=1)

    with pytest.raises(OutcomeUnknown):
        list(lines)
