"""What a dispute does to the books, for each standing that it may have and each way between them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from billing import disputes, gateways
from billing.models import Account, Deposit, Dispute, House, Standing, Transfer
from orders.models import OrderStatus
from panel.accounts.models import User
from panel.kernel import money
from panel.sandbox.payments import PaymentsSandbox
from refunds import chargebacks
from refunds.models import PolicyVersion
from tests.billing.money import balances, clearing, moved
from tests.factories import (
    AT,
    disputed,
    fund,
    make_customer,
    make_service,
    move,
    move_dispute,
    open_deposit,
    open_dispute,
    pay_in,
    place_order,
    take_in,
)
from tests.factories.disputes import DISPUTED_AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_customer()


def spend(customer: User, amount: str) -> None:
    """Order something that is delivered, so that the money is gone."""
    order = place_order(customer, make_service(rate=amount), quantity=1000)
    move(order, OrderStatus.COMPLETED, remains=0)


def notes(dispute: Dispute) -> list[str]:
    return list(dispute.events.order_by("id").values_list("note", flat=True))


def fees() -> str:
    total = sum(Transfer.objects.filter(credit_account_id=House.FEES).values_list("amount", flat=True), money.ZERO)
    back = sum(Transfer.objects.filter(debit_account_id=House.FEES).values_list("amount", flat=True), money.ZERO)
    return money.plain(total - back)


def test_holds_what_is_claimed(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    pay_in(ada, payments, "20")

    dispute = disputed(payments, deposit)

    assert balances(ada) == {"available": "20.00", "held": "50.00"}
    assert (dispute.standing, dispute.secured, dispute.lost) == (Standing.NEEDS_RESPONSE, Decimal(50), Decimal(0))
    deposit.refresh_from_db()
    assert deposit.disputed == Decimal(50)
    assert clearing() == "70.00"


def test_books_the_shortfall_as_debt(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    spend(ada, "30")

    dispute = disputed(payments, deposit)

    assert balances(ada) == {"debt": "\N{MINUS SIGN}30.00", "held": "50.00"}
    assert notes(dispute)[0] == "20.00 USD of the balance is held. 30.00 USD is held as debt."


def test_never_takes_promotional_money(payments: PaymentsSandbox) -> None:
    ada = make_customer(promo="15")
    deposit = pay_in(ada, payments, "50")
    spend(ada, "25")  # 15 of it promotional

    disputed(payments, deposit)

    assert balances(ada) == {"debt": "\N{MINUS SIGN}10.00", "held": "50.00"}


def test_later_credits_pay_the_debt_first(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    spend(ada, "30")
    disputed(payments, deposit)

    fund(ada, "12")
    assert balances(ada) == {"debt": "\N{MINUS SIGN}18.00", "held": "50.00"}

    fund(ada, "20")
    assert balances(ada) == {"available": "2.00", "held": "50.00"}


def test_a_refund_pays_the_debt_first(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    order = place_order(ada, make_service(rate="30"), quantity=1000)
    move(order, OrderStatus.IN_PROGRESS)
    disputed(payments, deposit)
    assert balances(ada) == {"debt": "\N{MINUS SIGN}30.00", "held": "50.00"}

    move(order, OrderStatus.PARTIAL, remains=400)

    assert balances(ada) == {"debt": "\N{MINUS SIGN}18.00", "held": "50.00"}


def test_a_loss_pays_the_bank_and_passes_the_fee_on(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    pay_in(ada, payments, "20")
    dispute = disputed(payments, deposit)

    dispute = move_dispute(payments, dispute, "lost")

    assert balances(ada) == {"available": "5.00"}
    assert (dispute.secured, dispute.lost, dispute.fee) == (Decimal(0), Decimal(50), Decimal(15))
    assert (clearing(), fees()) == ("20.00", "15.00")


def test_the_other_policy_passes_no_fee_on(
    credit_only_policy: PolicyVersion, payments: PaymentsSandbox, ada: User
) -> None:
    deposit = pay_in(ada, payments, "50")
    Deposit.objects.filter(pk=deposit.pk).update(policy_version=credit_only_policy.pk)
    pay_in(ada, payments, "20")
    dispute = disputed(payments, deposit)

    dispute = move_dispute(payments, dispute, "lost")

    assert balances(ada) == {"available": "20.00"}
    assert (dispute.fee, dispute.fee_charged, fees()) == (Decimal(0), Decimal(15), "0.00")


def test_a_win_gives_everything_back(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    spend(ada, "30")
    dispute = disputed(payments, deposit)

    dispute = move_dispute(payments, dispute, "won")

    assert balances(ada) == {"available": "20.00"}
    assert (dispute.secured, dispute.lost, dispute.fee) == (Decimal(0), Decimal(0), Decimal(0))
    deposit.refresh_from_db()
    assert (deposit.disputed, clearing(), fees()) == (Decimal(0), "50.00", "0.00")


def test_a_late_win_undoes_the_loss(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    spend(ada, "30")
    dispute = move_dispute(payments, disputed(payments, deposit), "lost")
    assert balances(ada) == {"debt": "\N{MINUS SIGN}45.00"}
    fund(ada, "5")

    move_dispute(payments, dispute, "won")

    assert balances(ada) == {"available": "25.00"}
    assert (clearing(), fees()) == ("50.00", "0.00")


def test_an_appeal_holds_again_what_was_lost(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    dispute = move_dispute(payments, disputed(payments, deposit), "lost")

    dispute = move_dispute(payments, dispute, "appeal_under_review")

    assert (dispute.secured, dispute.lost, dispute.is_appeal) == (Decimal(50), Decimal(0), True)
    assert balances(ada) == {"held": "50.00"}


def test_an_inquiry_takes_nothing(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")

    dispute = take_in(open_dispute(payments, deposit, status="warning_needs_response"))

    assert dispute.standing == Standing.INQUIRY
    assert balances(ada) == {"available": "50.00"}
    ada.refresh_from_db()
    assert not ada.is_suspended


def test_an_inquiry_that_becomes_formal_takes_then(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    dispute = take_in(open_dispute(payments, deposit, status="warning_needs_response"))

    move_dispute(payments, dispute, "needs_response")

    assert balances(ada) == {"held": "50.00"}


@pytest.mark.parametrize("status", ["warning_closed", "prevented"])
def test_what_closes_without_a_loss_takes_nothing(payments: PaymentsSandbox, ada: User, status: str) -> None:
    deposit = pay_in(ada, payments, "50")
    dispute = take_in(open_dispute(payments, deposit, status="warning_needs_response"))

    dispute = move_dispute(payments, dispute, status)

    assert dispute.standing == Standing.CLOSED
    assert balances(ada) == {"available": "50.00"}


def test_a_partial_dispute_claims_its_part(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")

    dispute = disputed(payments, deposit, cents=1234)

    assert dispute.amount == Decimal("12.34")
    assert balances(ada) == {"available": "37.66", "held": "12.34"}


def test_several_disputes_of_one_payment_each_take_their_part(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    first = disputed(payments, deposit, cents=2000)
    second = disputed(payments, deposit, cents=1500)

    move_dispute(payments, first, "won")
    move_dispute(payments, second, "lost")

    assert balances(ada) == {"available": "20.00"}
    deposit.refresh_from_db()
    assert deposit.disputed == Decimal(15)


def test_a_claim_above_the_payment_is_held_in_full(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")

    dispute = disputed(payments, deposit, cents=5300)

    assert dispute.secured == Decimal(53)
    assert balances(ada) == {"debt": "\N{MINUS SIGN}3.00", "held": "53.00"}
    deposit.refresh_from_db()
    assert deposit.disputed == Decimal(50)


def test_a_word_that_nobody_knows_holds_what_was_taken_and_calls_a_person(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    dispute = disputed(payments, deposit)

    dispute = move_dispute(payments, dispute, "arbitration_by_moonlight")

    assert (dispute.standing, dispute.secured) == (Standing.UNRECOGNIZED, Decimal(50))
    assert dispute.attention == "The gateway's word for how it stands is not known: arbitration_by_moonlight."
    assert balances(ada) == {"held": "50.00"}


def test_a_claim_in_another_currency_books_nothing_and_calls_a_person(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    reference = open_dispute(payments, deposit)
    report = gateways.get("stripe").fetch_dispute(reference)

    dispute = chargebacks.take_in(replace(report, currency="EUR"), gateway="stripe", seen=0, at=DISPUTED_AT)

    assert dispute.secured == 0
    assert dispute.attention == "The bank claims 50.00 EUR: nothing was booked for it."
    assert balances(ada) == {"available": "50.00"}


def test_the_same_report_again_moves_nothing(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    dispute = disputed(payments, deposit)
    before = (moved(ada), notes(dispute))

    take_in(dispute.reference)

    assert (moved(ada), notes(dispute)) == before


def test_a_report_from_before_a_newer_one_is_not_applied(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    dispute = disputed(payments, deposit)
    seen = disputes.version_of(dispute.reference, gateway="stripe")
    stale = gateways.get("stripe").fetch_dispute(dispute.reference)
    move_dispute(payments, dispute, "won")

    with pytest.raises(disputes.Overtaken):
        chargebacks.take_in(stale, gateway="stripe", seen=seen, at=DISPUTED_AT)

    assert balances(ada) == {"available": "50.00"}


def test_a_dispute_of_a_payment_that_is_not_ours_is_refused(payments: PaymentsSandbox) -> None:
    reference = payments.open_dispute(payments.pay_unknown(5000))

    with pytest.raises(disputes.NotKnown):
        take_in(reference)

    assert not Dispute.objects.exists()


def test_a_payment_that_nobody_told_us_of_is_credited_first(payments: PaymentsSandbox, ada: User) -> None:
    deposit = open_deposit(ada, "50")
    assert deposit.reference
    payments.pay(deposit.reference)
    (charge,) = payments.payments()

    dispute = take_in(payments.open_dispute(charge["payment_intent"]))

    assert dispute.deposit_id == deposit.pk
    assert balances(ada) == {"held": "50.00"}


def test_a_deposit_keeps_what_was_lost_of_it(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50", at=AT)
    move_dispute(payments, disputed(payments, deposit, cents=2000), "lost")

    deposit.refresh_from_db()

    assert (deposit.amount - deposit.refunded - deposit.reserved - deposit.disputed) == Decimal(30)
    assert Account.objects.get(customer=ada, kind="held").balance == 0
