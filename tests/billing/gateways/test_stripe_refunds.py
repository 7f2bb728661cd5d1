"""Refunds: from asking to a late failure, and what is known when something goes wrong, against the sandbox."""

import threading
from dataclasses import replace
from decimal import Decimal

import pytest

from billing.gateways.base import OutcomeUnknown, RefundStanding, Refusal, Refused, TryLater
from billing.gateways.stripe import Stripe
from panel.sandbox.payments import PaymentsSandbox
from tests.billing.gateways.sandboxed import MakeStripe, back, paid


def refusal(stripe: Stripe, payment: str, amount: str = "20.000000") -> Refusal:
    with pytest.raises(Refused) as refused:
        stripe.refund(back(payment, amount))
    return refused.value.refusal


def test_pays_a_part_back_and_gives_the_banks_reference(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)

    report = at_sandbox.refund(back(payment))

    assert report.reference.startswith("re_")
    assert (report.leg, report.attempt, report.payment_reference) == (7, 1, payment)
    assert (report.standing, report.status) == (RefundStanding.PAID, "succeeded")
    assert (str(report.amount), report.currency) == ("20.000000", "USD")
    assert (report.refusal, report.failure) == (None, "")
    assert len(report.bank_reference) > 10
    assert at_sandbox.fetch_refund(report.reference) == report


def test_gives_no_reason_so_that_no_card_is_blocked(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    at_sandbox.refund(back(paid(at_sandbox, sandbox)))

    (refund,) = sandbox.refunds()

    assert refund["reason"] is None
    assert refund["metadata"] == {"leg": "7", "attempt": "1"}


def test_pays_once_for_one_key(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    leg = back(paid(at_sandbox, sandbox))

    assert at_sandbox.refund(leg) == at_sandbox.refund(leg)
    assert len(sandbox.refunds()) == 1


def test_pays_two_equal_legs_twice(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)

    first, second = at_sandbox.refund(back(payment, leg=7)), at_sandbox.refund(back(payment, leg=8))

    assert first.reference != second.reference
    assert [report.leg for report in at_sandbox.refunds_of(payment)] == [8, 7]


def test_refuses_one_key_for_two_amounts(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    leg = back(paid(at_sandbox, sandbox))
    at_sandbox.refund(leg)

    with pytest.raises(Refused) as refused:
        at_sandbox.refund(replace(leg, amount=Decimal("21.000000")))

    assert refused.value.refusal is Refusal.KEY_REUSED
    assert [refund["amount"] for refund in sandbox.refunds()] == [2000]


def test_refuses_more_than_is_left(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    sandbox.refund_by_hand(payment, 4000)

    assert refusal(at_sandbox, payment) is Refusal.ALREADY_REFUNDED


def test_refuses_when_nothing_is_left(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    sandbox.refund_by_hand(payment)

    assert refusal(at_sandbox, payment) is Refusal.ALREADY_REFUNDED


def test_refuses_a_disputed_payment(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    sandbox.open_dispute(payment)

    assert refusal(at_sandbox, payment) is Refusal.DISPUTED


def test_refuses_a_payment_that_stripe_does_not_know(at_sandbox: Stripe) -> None:
    assert refusal(at_sandbox, "pi_nobody") is Refusal.NOT_FOUND
    with pytest.raises(Refused) as refused:
        at_sandbox.fetch_refund("re_nobody")
    assert refused.value.refusal is Refusal.NOT_FOUND


def test_refuses_a_payout_by_another_way(at_sandbox: Stripe) -> None:
    payout = replace(back(""), destination="IBAN DE02 1203 0000 0000 2020 51")

    with pytest.raises(Refused) as refused:
        at_sandbox.refund(payout)

    assert refused.value.refusal is Refusal.NOT_OFFERED
    assert at_sandbox.find_refund(payout) is None


@pytest.mark.parametrize("amount", ["0", "-1", "20.001", "0.004999"])
def test_refuses_what_is_no_whole_number_of_cents(at_sandbox: Stripe, sandbox: PaymentsSandbox, amount: str) -> None:
    payment = paid(at_sandbox, sandbox)

    assert refusal(at_sandbox, payment, amount) is Refusal.OTHER
    assert sandbox.refunds() == []


def test_a_card_refund_waits_while_our_balance_is_short(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    sandbox.set_balance(0)

    waiting = at_sandbox.refund(back(payment))
    sandbox.set_balance(100_000)

    assert (waiting.standing, waiting.bank_reference) == (RefundStanding.PENDING, "")
    assert at_sandbox.fetch_refund(waiting.reference).standing is RefundStanding.PAID


def test_another_refund_is_refused_while_our_balance_is_short(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox, card="bank_debit")
    sandbox.advance(7200)
    sandbox.set_balance(0)

    assert refusal(at_sandbox, payment) is Refusal.SHORT_OF_FUNDS


def test_a_paid_refund_may_fail_late(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    report = at_sandbox.refund(back(paid(at_sandbox, sandbox, card="closed_card")))
    assert report.standing is RefundStanding.PAID
    sandbox.advance(7200)

    late = at_sandbox.fetch_refund(report.reference)

    assert (late.standing, late.refusal) == (RefundStanding.FAILED, Refusal.METHOD_GONE)
    assert late.failure == "expired_or_canceled_card"


@pytest.mark.parametrize(
    ("status", "reason", "standing", "why"),
    [
        ("failed", "lost_or_stolen_card", RefundStanding.FAILED, Refusal.METHOD_GONE),
        ("failed", "charge_for_pending_refund_disputed", RefundStanding.FAILED, Refusal.DISPUTED),
        ("failed", "insufficient_funds", RefundStanding.FAILED, Refusal.SHORT_OF_FUNDS),
        ("failed", "declined", RefundStanding.FAILED, Refusal.OTHER),
        ("failed", "unknown", RefundStanding.FAILED, Refusal.OTHER),
        ("canceled", None, RefundStanding.CANCELED, Refusal.OTHER),
        ("requires_action", None, RefundStanding.PENDING, None),
        ("pending", None, RefundStanding.PENDING, None),
        ("in_the_post", None, RefundStanding.UNRECOGNIZED, None),
    ],
)
def test_reports_how_a_refund_stands_and_why(
    at_sandbox: Stripe,
    sandbox: PaymentsSandbox,
    status: str,
    reason: str | None,
    standing: RefundStanding,
    why: Refusal | None,
) -> None:
    reference = at_sandbox.refund(back(paid(at_sandbox, sandbox, card="pending_refunds"))).reference
    sandbox.move_refund(reference, status, failure_reason=reason)

    report = at_sandbox.fetch_refund(reference)

    assert (report.standing, report.status, report.refusal) == (standing, status, why)
    assert report.failure == ((reason or status) if why else "")


def test_lists_refunds_made_by_hand_without_numbers_of_ours(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    by_hand = sandbox.refund_by_hand(payment, 500)

    (report,) = at_sandbox.refunds_of(payment)

    assert (report.reference, report.leg, report.attempt) == (by_hand, None, None)
    assert report.amount == Decimal("5.000000")


def test_finds_a_refund_by_leg_and_attempt_among_more_than_a_page(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    payment = paid(at_sandbox, sandbox)
    wanted = at_sandbox.refund(back(payment, "1.000000"))
    for _ in range(205):
        sandbox.refund_by_hand(payment, 1)

    assert at_sandbox.find_refund(back(payment, "1.000000")) == wanted
    assert at_sandbox.find_refund(back(payment, "1.000000", attempt=2)) is None
    assert at_sandbox.find_refund(back(payment, "1.000000", leg=8)) is None
    assert len({report.reference for report in at_sandbox.refunds_of(payment)}) == 206


@pytest.mark.parametrize(
    ("kind", "error", "acted"),
    [
        ("drop_before", OutcomeUnknown, 0),
        ("drop_after", OutcomeUnknown, 1),
        ("error_500_before", OutcomeUnknown, 0),
        ("error_500_after", OutcomeUnknown, 1),
        ("http_429", TryLater, 0),
    ],
)
def test_a_fault_is_found_out_afterwards_and_pays_once(
    at_sandbox: Stripe, sandbox: PaymentsSandbox, kind: str, error: type[Exception], acted: int
) -> None:
    leg = back(paid(at_sandbox, sandbox))
    sandbox.fault(kind, path="/v1/refunds", method="POST", times=1)
    with pytest.raises(error):
        at_sandbox.refund(leg)
    found = at_sandbox.find_refund(leg)

    report = found or at_sandbox.refund(leg)

    assert (found is not None) == bool(acted)
    assert report.standing is RefundStanding.PAID
    assert len(sandbox.refunds()) == 1


def test_a_stored_500_comes_back_for_ever_and_says_so(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    leg = back(paid(at_sandbox, sandbox))
    sandbox.fault("error_500_before", path="/v1/refunds", method="POST", times=1, stored=True)
    with pytest.raises(OutcomeUnknown):
        at_sandbox.refund(leg)

    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="its stored answer to this key"):
            at_sandbox.refund(leg)

    assert at_sandbox.find_refund(leg) is None
    assert at_sandbox.refund(replace(leg, key="withdrawal-leg-7-2", attempt=2)).standing is RefundStanding.PAID


def test_a_key_in_use_is_unknown_until_the_other_call_is_done(
    at_sandbox: Stripe, make_stripe: MakeStripe, sandbox: PaymentsSandbox
) -> None:
    leg = back(paid(at_sandbox, sandbox))
    sandbox.fault("slow", path="/v1/refunds", method="POST", times=1, seconds=3.0)
    other = threading.Thread(target=at_sandbox.refund, args=(leg,))
    other.start()
    while sandbox.faults.left():
        other.join(0.01)

    with pytest.raises(OutcomeUnknown, match="HTTP 409"):
        make_stripe(sandbox.url, key=sandbox.key).refund(leg)

    other.join()
    assert at_sandbox.refund(leg) == at_sandbox.find_refund(leg)
    assert len(sandbox.refunds()) == 1


def test_a_stall_is_unknown_and_the_refund_is_found(
    at_sandbox: Stripe, make_stripe: MakeStripe, sandbox: PaymentsSandbox
) -> None:
    leg = back(paid(at_sandbox, sandbox))
    sandbox.fault("stall", path="/v1/refunds", method="POST", times=1, seconds=2.0)

    with pytest.raises(OutcomeUnknown):
        make_stripe(sandbox.url, key=sandbox.key, timeout=0.5).refund(leg)

    found = at_sandbox.find_refund(leg)
    assert found is not None
    assert (found.leg, found.standing) == (7, RefundStanding.PAID)


def test_a_fault_while_looking_says_neither_found_nor_none(at_sandbox: Stripe, sandbox: PaymentsSandbox) -> None:
    leg = back(paid(at_sandbox, sandbox))
    sandbox.fault("error_500_before", path="/v1/refunds", method="GET", times=1)

    with pytest.raises(OutcomeUnknown):
        at_sandbox.find_refund(leg)
