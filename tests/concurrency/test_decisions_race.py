"""Withdrawals that people decide about at the same moment, staff and the customer: one of them is heard."""

from functools import partial

import pytest

from billing import arrangements, payouts, withdrawals
from billing.models import Arrangement, LegState, Payout, Withdrawal, WithdrawalState
from billing.withdrawal_moves import WrongState
from panel.accounts.models import User
from panel.sandbox.payments import PaymentsSandbox
from tests.billing import letters
from tests.billing.money import balances, moved
from tests.concurrency.racing import of, race
from tests.factories import AT, HOUR, make_customer, make_staff, only_leg, pay_in, receive_by_hand, send_due, withdraw
from tests.factories.withdrawals import propose

pytestmark = pytest.mark.django_db(transaction=True)

DUE = AT + HOUR


def test_of_two_members_of_staff_who_approve_and_decline_at_once_one_decides(payments: PaymentsSandbox) -> None:
    grace, alan = make_staff("grace"), make_staff("alan")

    for number in range(6):
        ada = make_customer(f"ada{number}")
        pay_in(ada, payments, "300")
        withdrawal = withdraw(ada, "250")
        assert withdrawal.state == WithdrawalState.IN_REVIEW
        approve = partial(withdrawals.approve, withdrawal_id=withdrawal.pk, at=AT)

        results = race(
            [
                partial(approve, staff=grace),
                partial(withdrawals.decline, withdrawal_id=withdrawal.pk, staff=alan, reason="Not proven", at=AT),
                partial(approve, staff=alan),
            ]
        )

        [decided] = of(Withdrawal, results)
        assert len(of(WrongState, results)) == 2
        withdrawal.refresh_from_db()
        assert (withdrawal.state, withdrawal.reviewed_by) == (decided.state, decided.reviewed_by)
        if decided.state == WithdrawalState.SCHEDULED:
            assert balances(ada) == {"available": "50.00", "held": "250.00"}
        else:
            assert (decided.state, balances(ada)) == (WithdrawalState.DECLINED, {"available": "300.00"})
        assert letters.count("withdrawal_scheduled") + letters.count("withdrawal_declined") == number + 1


def arranged(customer: User, staff: User) -> Arrangement:
    """All of a balance that no deposit takes back waits for the customer's consent."""
    return propose(withdraw(customer, "20"), "DE02 1203 0000 0000 2020 51", staff=staff, at=AT)


def test_a_consent_and_giving_up_never_both_win() -> None:
    grace = make_staff()

    for number in range(8):
        ada = make_customer(f"ada{number}", funds="20")
        arrangement = arranged(ada, grace)

        results = race(
            [
                partial(
                    arrangements.consent,
                    arrangement_id=arrangement.pk,
                    customer=ada,
                    way=arrangement.way,
                    at=AT,
                ),
                partial(arrangements.give_up, arrangement_id=arrangement.pk, actor=ada, at=AT),
                partial(
                    arrangements.record_consent,
                    arrangement_id=arrangement.pk,
                    way=arrangement.way,
                    note="By phone",
                    staff=grace,
                    at=AT,
                ),
            ]
        )

        assert len(of(Arrangement, results)) == 1
        assert len(of(WrongState, results)) == 2
        arrangement.refresh_from_db()
        state = arrangement.leg.state
        assert (state, balances(ada), arrangement.consent_at is None) in (
            (LegState.PLANNED, {"held": "20.00"}, False),
            (LegState.CANCELED, {"available": "20.00"}, True),
        )


def payout_of(customer: User, staff: User) -> Payout:
    """20.00 are to be paid out by hand."""
    receive_by_hand(customer, "20", staff=staff)
    withdrawal = withdraw(customer, "20")
    send_due(DUE)
    return Payout.objects.get(leg=only_leg(withdrawal).pk)


def test_a_payout_confirmed_by_two_at_once_is_booked_once() -> None:
    grace, alan = make_staff("grace"), make_staff("alan")

    for number in range(6):
        ada = make_customer(f"ada{number}")
        confirm = partial(payouts.confirm, payout_id=payout_of(ada, grace).pk, at=DUE)

        results = race(
            [
                partial(confirm, bank_reference="BANK-1", staff=grace),
                partial(confirm, bank_reference="BANK-1", staff=grace),
                partial(confirm, bank_reference="BANK-2", staff=alan),
            ]
        )

        references = {payout.bank_reference for payout in of(Payout, results)}
        assert len(references) == 1
        assert len(of(payouts.PayoutDecided, results)) == (1 if references == {"BANK-1"} else 2)
        assert Payout.objects.latest("pk").bank_reference in references
        assert (balances(ada), [kind for kind, _ in moved(ada)].count("withdrawal_paid")) == ({}, 1)
        assert letters.count("withdrawal_paid") == number + 1


def test_a_payout_confirmed_and_failed_at_once_leaves_the_money_on_the_balance() -> None:
    """What was confirmed may still come back; what failed can't be confirmed any more."""
    grace, alan = make_staff("grace"), make_staff("alan")

    for number in range(6):
        ada = make_customer(f"ada{number}")
        payout = payout_of(ada, grace)

        confirmed, failed = race(
            [
                partial(payouts.confirm, payout_id=payout.pk, bank_reference="BANK-1", staff=grace, at=DUE),
                partial(payouts.fail, payout_id=payout.pk, reason="Account closed", staff=alan, at=DUE),
            ]
        )

        assert isinstance(failed, Payout)
        assert isinstance(confirmed, Payout | payouts.PayoutDecided)
        assert balances(ada) == {"available": "20.00"}
        assert moved(ada)[-1] in {("withdrawal_reversed", "20.00"), ("withdrawal_returned", "20.00")}
