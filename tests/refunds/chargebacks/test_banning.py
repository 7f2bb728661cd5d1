"""A lost dispute that closes the account keeps its owner from coming back; a late win lets him again."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from billing import bans, deposits, gateways
from billing.models import Deposit, Dispute
from panel.accounts import blocklist
from panel.accounts.models import BlockedIdentity, SuspensionCause, User
from panel.sandbox.payments import PaymentsSandbox
from refunds import chargebacks, dispute_decisions
from refunds.models import PolicyVersion
from tests.billing.money import balances
from tests.concurrency.racing import of, race
from tests.factories import AT, disputed, make_customer, make_staff, move_dispute, open_deposit, pay_in, take_in
from tests.factories.disputes import DISPUTED_AT, open_dispute

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("credit_only_policy")]


@pytest.fixture
def ada() -> User:
    return make_customer()


def paid_under_a_ban(customer: User, payments: PaymentsSandbox, amount: str = "50", *, card: str = "visa") -> Deposit:
    """Pay in under the policy by which a loss bans, which was published last."""
    deposit = pay_in(customer, payments, amount, card=card)
    Deposit.objects.filter(pk=deposit.pk).update(policy_version=PolicyVersion.objects.latest("pk").pk)
    deposit.refresh_from_db()
    return deposit


def live(customer: User) -> list[tuple[str, str]]:
    """What is blocked of a customer now, one for each who blocked it."""
    rows = BlockedIdentity.objects.filter(customer=customer, lifted_at__isnull=True).order_by("pk")
    return [(row.kind, row.value) for row in rows]


def fingerprint(deposit: Deposit) -> str:
    deposit.refresh_from_db()
    assert deposit.method_fingerprint
    return str(deposit.method_fingerprint)


def notes(dispute: Dispute) -> list[str]:
    return list(dispute.events.order_by("id").values_list("note", flat=True))


def test_a_loss_that_bans_blocks_the_address_and_every_method(payments: PaymentsSandbox, ada: User) -> None:
    deposit = paid_under_a_ban(ada, payments)
    other = paid_under_a_ban(ada, payments, card="mastercard")
    paid_under_a_ban(ada, payments)

    dispute = move_dispute(payments, disputed(payments, deposit), "lost")

    methods = sorted(("payment_method", fingerprint(one)) for one in (deposit, other))
    assert live(ada) == [("email", ada.email), *methods]
    assert dispute.bans
    assert notes(dispute)[-2:] == [
        "The account is closed, as the policy says for a lost dispute.",
        "Blocked from coming back: the e-mail address and 2 payment methods.",
    ]
    row = BlockedIdentity.objects.filter(kind="email").get()
    assert (row.reason, row.dispute_ref, row.author) == (f"Dispute {dispute.reference} was lost.", dispute.pk, None)


def test_a_loss_that_only_staff_decide_about_blocks_nothing(payments: PaymentsSandbox, ada: User) -> None:
    deposit = pay_in(ada, payments)  # under the first policy

    move_dispute(payments, disputed(payments, deposit), "lost")

    assert live(ada) == []


def test_an_open_dispute_blocks_nothing_yet(payments: PaymentsSandbox, ada: User) -> None:
    disputed(payments, paid_under_a_ban(ada, payments))

    assert live(ada) == []


def test_the_same_loss_again_blocks_nothing_more(payments: PaymentsSandbox, ada: User) -> None:
    dispute = move_dispute(payments, disputed(payments, paid_under_a_ban(ada, payments)), "lost")
    before = (live(ada), notes(dispute))

    take_in(dispute.reference)

    assert (live(ada), notes(dispute)) == before


def test_a_late_win_lifts_the_ban_and_what_it_blocked(payments: PaymentsSandbox, ada: User) -> None:
    deposit = paid_under_a_ban(ada, payments)
    dispute = move_dispute(payments, disputed(payments, deposit), "lost")

    move_dispute(payments, dispute, "won")

    ada.refresh_from_db()
    assert not ada.is_suspended
    assert live(ada) == []
    assert not blocklist.is_blocked(email=ada.email)
    assert not blocklist.is_blocked_method(fingerprint(deposit))
    assert BlockedIdentity.objects.filter(lifted_at=DISPUTED_AT, lifted_by=None).count() == 2
    assert open_deposit(ada).state == "open"


def test_a_win_leaves_what_another_dispute_or_staff_blocked(payments: PaymentsSandbox, ada: User) -> None:
    first, second = paid_under_a_ban(ada, payments), paid_under_a_ban(ada, payments, card="mastercard")
    lost = move_dispute(payments, disputed(payments, first), "lost")
    other = move_dispute(payments, disputed(payments, second), "lost")
    bans.ban(customer_id=ada.pk, reason="Fraud.", staff=make_staff(), at=DISPUTED_AT)
    assert len(live(ada)) == 9

    move_dispute(payments, lost, "won")

    assert len(live(ada)) == 6
    move_dispute(payments, other, "won")
    assert len(live(ada)) == 3
    assert blocklist.is_blocked(email=ada.email)
    ada.refresh_from_db()
    assert (ada.suspension_reason, ada.suspension_cause) == ("Fraud.", SuspensionCause.STAFF)


def test_a_person_lifts_what_a_dispute_blocked_with_a_reason(payments: PaymentsSandbox, ada: User) -> None:
    dispute = move_dispute(payments, disputed(payments, paid_under_a_ban(ada, payments)), "lost")
    grace = make_staff()

    dispute_decisions.open_account(dispute_id=dispute.pk, staff=grace, reason="She paid the fee.", at=DISPUTED_AT)

    assert live(ada) == []
    lifted = set(BlockedIdentity.objects.values_list("lifted_by", "lifted_because"))
    assert lifted == {(grace.pk, "She paid the fee.")}
    assert notes(dispute)[-1] == "What it had blocked from coming back is lifted."
    take_in(dispute.reference)  # still lost, as the gateway says when it is asked again
    ada.refresh_from_db()
    assert (ada.is_suspended, live(ada)) == (False, [])


def test_lost_again_blocks_again(payments: PaymentsSandbox, ada: User) -> None:
    dispute = move_dispute(payments, disputed(payments, paid_under_a_ban(ada, payments)), "lost")
    move_dispute(payments, dispute, "won")

    move_dispute(payments, dispute, "lost")

    assert len(live(ada)) == 2
    assert BlockedIdentity.objects.count() == 4


def test_a_loss_that_can_not_be_recorded_blocks_nothing(payments: PaymentsSandbox, ada: User) -> None:
    dispute = disputed(payments, paid_under_a_ban(ada, payments))
    payments.move_dispute(dispute.reference, "lost")
    report = gateways.get("stripe").fetch_dispute(dispute.reference)

    with pytest.raises(Exception, match=r"dispute_amounts_make_sense|not possible"):
        chargebacks.take_in(replace(report, fee=-report.amount), gateway="stripe", seen=dispute.version, at=DISPUTED_AT)

    assert live(ada) == []


@pytest.mark.django_db(transaction=True)
def test_two_disputes_lost_at_once_each_block_for_themselves(payments: PaymentsSandbox, ada: User) -> None:
    first, second = paid_under_a_ban(ada, payments), paid_under_a_ban(ada, payments)
    lost = [disputed(payments, first), disputed(payments, second)]
    for dispute in lost:
        payments.move_dispute(dispute.reference, "lost")

    results = race([partial(take_in, dispute.reference) for dispute in lost])

    assert len(of(Dispute, results)) == 2, results
    assert len(live(ada)) == 4
    move_dispute(payments, lost[0], "won")
    assert len(live(ada)) == 2
    assert blocklist.is_blocked(email=ada.email)


@pytest.mark.django_db(transaction=True)
def test_two_customers_banned_at_once_for_one_card_each_block_it(payments: PaymentsSandbox, ada: User) -> None:
    ben = make_customer("ben")
    mine, his = paid_under_a_ban(ada, payments), paid_under_a_ban(ben, payments)
    lost = [disputed(payments, mine), disputed(payments, his)]
    for dispute in lost:
        payments.move_dispute(dispute.reference, "lost")

    results = race([partial(take_in, dispute.reference) for dispute in lost])

    assert len(of(Dispute, results)) == 2, results
    move_dispute(payments, lost[0], "won")
    assert blocklist.is_blocked_method(fingerprint(mine))
    assert not blocklist.is_blocked(email=ada.email)


@pytest.mark.django_db(transaction=True)
def test_a_payment_that_arrives_during_the_ban_is_blocked_or_stopped(payments: PaymentsSandbox, ada: User) -> None:
    """Whichever is first: the ban knows the card, or the account was suspended when its money came."""
    dispute = disputed(payments, paid_under_a_ban(ada, payments))
    User.objects.filter(pk=ada.pk).update(suspended_at=None, suspension_reason="", suspension_cause="")
    late = open_deposit(ada, "20", at=AT + timedelta(minutes=5))
    payments.pay(late.reference or "", card="mastercard")
    payments.move_dispute(dispute.reference, "lost")

    results = race([partial(deposits.refresh, late.pk, at=AT), partial(take_in, dispute.reference)])

    assert len(of(Deposit, results)) == 1
    assert len(of(Dispute, results)) == 1
    ada.refresh_from_db()
    assert ada.is_suspended
    assert balances(ada) in ({"available": "20.00"}, {"debt": "\N{MINUS SIGN}15.00", "available": "20.00"})


def test_needs_no_dispute_of_a_deposit_with_a_fingerprint(payments: PaymentsSandbox, ada: User) -> None:
    deposit = paid_under_a_ban(ada, payments)
    Deposit.objects.filter(pk=deposit.pk).update(method_fingerprint="")

    dispute = move_dispute(payments, take_in(open_dispute(payments, deposit)), "lost")

    assert live(ada) == [("email", ada.email)]
    assert notes(dispute)[-1] == "Blocked from coming back: the e-mail address."
