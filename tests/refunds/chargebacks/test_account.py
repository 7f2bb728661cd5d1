"""What a dispute does to the account, its orders and its withdrawals, as the policy says, and how a win undoes it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from billing import bans, gateways
from billing.gateways.base import DisputeStanding
from billing.models import Deposit
from orders.models import OrderStatus
from panel.accounts import blocklist
from panel.accounts.models import Standing, SuspensionCause, User
from panel.notifications import suspending
from panel.sandbox.payments import PaymentsSandbox
from refunds import chargebacks, dispute_decisions
from refunds.models import PolicyVersion
from tests.billing.money import balances
from tests.factories import (
    AT,
    disputed,
    make_customer,
    make_service,
    make_staff,
    move,
    move_dispute,
    open_dispute,
    pay_in,
    place_order,
    take_in,
)
from tests.factories.desk import publish_variant
from tests.refunds.chargebacks.cases import letters, notes, paid_under, suspension

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_customer()


def test_suspends_the_account_and_says_why(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")

    dispute = disputed(payments, deposit)

    assert suspension(ada) == (True, SuspensionCause.DISPUTE, "Your payment of 50.00 USD is disputed at your bank.")
    assert notes(dispute) == ["50.00 USD of the balance is held.", "The account is suspended."]
    assert letters(ada) == ["deposit_receipt", "account_suspended"]


def test_cancels_pending_orders_and_holds_their_money(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    pending = place_order(ada, make_service(rate="30"))
    running = place_order(ada, make_service(rate="5"))
    move(running, OrderStatus.IN_PROGRESS)

    disputed(payments, deposit)

    pending.refresh_from_db()
    running.refresh_from_db()
    assert (pending.status, pending.refunded) == (OrderStatus.CANCELED, Decimal(30))
    assert running.status == OrderStatus.IN_PROGRESS
    assert balances(ada) == {"debt": "\N{MINUS SIGN}5.00", "held": "50.00"}
    assert pending.events.latest("id").note == "The account is suspended because a payment is disputed."


@pytest.mark.parametrize("standing", Standing.values)
@pytest.mark.parametrize("slug", ["money-back-guarantee", "panel-credit-only"])
def test_pending_orders_come_back_in_full_under_both_policies_however_the_customer_stands(
    payments: PaymentsSandbox, ada: User, slug: str, standing: str, request: pytest.FixtureRequest
) -> None:
    User.objects.filter(pk=ada.pk).update(standing=standing)
    if slug == "panel-credit-only":
        request.getfixturevalue("credit_only_policy")
    deposit = pay_in(ada, payments, "50")
    pending = place_order(ada, make_service(rate="30"))

    disputed(payments, deposit)

    pending.refresh_from_db()
    assert pending.refunded == Decimal(30)


def test_a_win_opens_the_account_again_once(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))

    move_dispute(payments, dispute, "won")
    take_in(dispute.reference)

    assert suspension(ada) == (False, "", "")
    assert notes(dispute)[2:] == ["50.00 USD is back on the balance.", "The account is open again."]
    assert balances(ada) == {"available": "50.00"}


def test_staff_decide_after_a_win_if_the_policy_says_so(payments: PaymentsSandbox, ada: User) -> None:
    version = publish_variant('on_win = "lift"', 'on_win = "staff_decides"')
    dispute = disputed(payments, paid_under(version, pay_in(ada, payments, "50")))

    dispute = move_dispute(payments, dispute, "won")

    assert suspension(ada)[0] is True
    assert dispute.attention == "It did not end in a loss: decide whether the account is opened again."


def test_one_that_is_closed_without_a_loss_opens_the_account(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))

    report = gateways.get("stripe").fetch_dispute(dispute.reference)
    given_back = replace(report, standing=DisputeStanding.CLOSED, status="prevented", withdrawn=Decimal(0))

    dispute = chargebacks.take_in(given_back, gateway="stripe", seen=dispute.version, at=AT)

    assert (suspension(ada)[0], dispute.attention) == (False, "")


def test_one_that_is_closed_with_the_money_gone_leaves_the_account_to_staff(
    payments: PaymentsSandbox, ada: User
) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))
    report = gateways.get("stripe").fetch_dispute(dispute.reference)
    kept = replace(report, standing=DisputeStanding.CLOSED, status="prevented", withdrawn=Decimal(50))

    dispute = chargebacks.take_in(kept, gateway="stripe", seen=dispute.version, at=AT)

    assert (suspension(ada)[0], dispute.lost) == (True, Decimal(50))
    assert dispute.attention == "It was closed and the bank kept the money: decide whether the account is opened again."


def test_a_win_does_not_lift_what_staff_suspended(payments: PaymentsSandbox, ada: User) -> None:
    suspending.suspend(customer_id=ada.pk, reason="We are looking into your orders.", at=AT)
    dispute = disputed(payments, pay_in_by(ada, payments))

    move_dispute(payments, dispute, "won")

    assert suspension(ada) == (True, SuspensionCause.STAFF, "We are looking into your orders.")


def pay_in_by(customer: User, payments: PaymentsSandbox) -> Deposit:
    """Pay in as a customer does who is suspended only afterwards."""
    suspending.lift(customer_id=customer.pk, at=AT)
    deposit = pay_in(customer, payments, "50")
    suspending.suspend(customer_id=customer.pk, reason="We are looking into your orders.", at=AT)
    return deposit


def test_staff_who_suspend_during_a_dispute_keep_the_account_suspended(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))
    suspending.suspend(customer_id=ada.pk, reason="There is more to it.", at=AT)

    move_dispute(payments, dispute, "won")

    assert suspension(ada) == (True, SuspensionCause.STAFF, "There is more to it.")


def test_an_account_that_staff_opened_stays_open_whatever_is_learned_again(
    payments: PaymentsSandbox, ada: User
) -> None:
    dispute = disputed(payments, pay_in(ada, payments, "50"))
    suspending.lift(customer_id=ada.pk, at=AT)

    take_in(dispute.reference)
    move_dispute(payments, dispute, "under_review")

    assert suspension(ada)[0] is False


def test_the_last_of_several_disputes_opens_the_account(payments: PaymentsSandbox, ada: User) -> None:
    first = disputed(payments, pay_in(ada, payments, "50"))
    other = Deposit.objects.get(pk=first.deposit_id)
    second = disputed(payments, other, cents=500)

    move_dispute(payments, first, "won")
    assert suspension(ada)[0] is True

    move_dispute(payments, second, "won")
    assert suspension(ada)[0] is False


def test_a_loss_closes_the_account_under_the_credit_policy(
    credit_only_policy: PolicyVersion, payments: PaymentsSandbox, ada: User
) -> None:
    deposit = paid_under(credit_only_policy, pay_in(ada, payments, "50"))

    dispute = move_dispute(payments, disputed(payments, deposit), "lost")

    assert dispute.bans is True
    assert suspension(ada)[2] == (
        "Your payment of 50.00 USD was disputed at your bank and the dispute was lost, so this account is closed."
    )


def test_a_late_win_opens_a_closed_account(
    credit_only_policy: PolicyVersion, payments: PaymentsSandbox, ada: User
) -> None:
    deposit = paid_under(credit_only_policy, pay_in(ada, payments, "50"))
    dispute = move_dispute(payments, disputed(payments, deposit), "lost")

    dispute = move_dispute(payments, dispute, "won")

    assert (dispute.bans, dispute.suspends, suspension(ada)[0]) == (False, False, False)
    assert balances(ada) == {"available": "50.00"}


def test_after_a_loss_the_guarantee_leaves_it_to_staff(payments: PaymentsSandbox, ada: User) -> None:
    dispute = move_dispute(payments, disputed(payments, pay_in(ada, payments, "50")), "lost")

    assert (dispute.suspends, dispute.bans) == (True, False)
    assert suspension(ada)[0] is True


def test_a_loss_without_consequences_opens_the_account(payments: PaymentsSandbox, ada: User) -> None:
    version = publish_variant('on_loss = "staff_decides"', 'on_loss = "nothing"')
    deposit = paid_under(version, pay_in(ada, payments, "50"))

    move_dispute(payments, disputed(payments, deposit), "lost")

    assert suspension(ada)[0] is False


def test_one_that_is_lost_when_it_is_first_seen_has_both_consequences(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    pending = place_order(ada, make_service(rate="30"))

    take_in(open_dispute(payments, deposit, status="lost"))

    pending.refresh_from_db()
    assert pending.status == OrderStatus.CANCELED
    assert suspension(ada)[0] is True
    assert balances(ada) == {"debt": "\N{MINUS SIGN}15.00"}


def test_after_a_loss_staff_are_asked_until_they_decide(payments: PaymentsSandbox, ada: User) -> None:
    dispute = move_dispute(payments, disputed(payments, pay_in(ada, payments, "50")), "lost")
    asked = "It was lost: decide whether the account is closed or opened again."
    assert dispute.attention == asked
    assert take_in(dispute.reference).attention == asked

    dispute_decisions.close_account(dispute_id=dispute.pk, staff=make_staff(), reason="Twice by now.", at=AT)

    dispute = take_in(dispute.reference)
    assert (dispute.attention, dispute.bans, blocklist.is_blocked(email=ada.email)) == ("", True, True)
    assert suspension(ada)[2].endswith("the dispute was lost, so this account is closed.")


def test_lifting_what_staff_did_leaves_an_open_dispute_in_charge(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    suspending.suspend(customer_id=ada.pk, reason="We are looking into your orders.", at=AT)
    dispute = disputed(payments, deposit)

    held = bans.end_suspension(customer_id=ada.pk, at=AT)

    assert held == "Your payment of 50.00 USD is disputed at your bank."
    assert suspension(ada) == (True, SuspensionCause.DISPUTE, held)
    move_dispute(payments, dispute, "won")
    assert suspension(ada)[0] is False


def test_lifting_a_ban_by_staff_leaves_an_open_dispute_in_charge(payments: PaymentsSandbox, ada: User) -> None:
    disputed(payments, pay_in(ada, payments, "50"))
    bans.ban(customer_id=ada.pk, reason="Stolen cards.", staff=make_staff(), at=AT)

    lifted = bans.lift(customer_id=ada.pk, reason="A mistake.", staff=make_staff(), at=AT)

    assert lifted.is_open is False
    assert suspension(ada)[1] == SuspensionCause.DISPUTE


def test_a_loss_that_closes_an_account_stops_what_was_ordered_since(
    credit_only_policy: PolicyVersion, payments: PaymentsSandbox, ada: User
) -> None:
    deposit = paid_under(credit_only_policy, pay_in(ada, payments, "50"))
    dispute = disputed(payments, deposit, cents=1000)
    suspending.lift(customer_id=ada.pk, at=AT)
    pending = place_order(ada, make_service(rate="5"))

    move_dispute(payments, dispute, "lost")

    pending.refresh_from_db()
    assert pending.status == OrderStatus.CANCELED
    assert suspension(ada)[0] is True


def test_one_that_opens_again_suspends_again(payments: PaymentsSandbox, ada: User) -> None:
    version = publish_variant('on_win = "lift"', 'on_win = "staff_decides"')
    dispute = disputed(payments, paid_under(version, pay_in(ada, payments, "50")))
    move_dispute(payments, dispute, "won")
    suspending.lift(customer_id=ada.pk, at=AT)

    move_dispute(payments, dispute, "needs_response")

    assert suspension(ada)[0] is True


def test_the_reason_is_of_the_dispute_that_closed_the_account(
    credit_only_policy: PolicyVersion, payments: PaymentsSandbox, ada: User
) -> None:
    first = paid_under(credit_only_policy, pay_in(ada, payments, "50"))
    second = paid_under(credit_only_policy, pay_in(ada, payments, "30"))
    lost = move_dispute(payments, disputed(payments, first), "lost")
    open_one = disputed(payments, second)

    for reference in (lost.reference, open_one.reference):
        take_in(reference)
        assert suspension(ada)[2].startswith("Your payment of 50.00 USD was disputed at your bank and the dispute was")

    move_dispute(payments, lost, "won")
    assert suspension(ada)[2] == "Your payment of 30.00 USD is disputed at your bank."


def test_a_payment_from_before_any_policy_is_dealt_with_by_the_earliest(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments, "50")
    Deposit.objects.filter(pk=deposit.pk).update(policy_version=None, paid_at=AT.replace(year=2001))

    dispute = disputed(payments, deposit)

    assert (dispute.secured, suspension(ada)[0]) == (Decimal(50), True)


def test_a_second_win_waits_for_its_money(payments: PaymentsSandbox, ada: User) -> None:
    report = replace(
        gateways.get("stripe").fetch_dispute(open_dispute(payments, pay_in(ada, payments, "50"))),
        standing=DisputeStanding.WON, status="won", withdrawn=Decimal(50), reinstated=Decimal(50), gave_last=False,
    )  # fmt: skip

    dispute = chargebacks.take_in(report, gateway="stripe", seen=0, at=AT)

    assert (dispute.secured, dispute.lost) == (Decimal(50), Decimal(0))
