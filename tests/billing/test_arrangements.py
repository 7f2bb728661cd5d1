"""Another way, agreed between support and customer: verified, consented to exactly, and only then paid out by hand."""

from datetime import timedelta

import pytest

from billing import arrangements, payouts, withdrawals
from billing.arrangements import NoSuchArrangement, NothingProposed
from billing.models import Arrangement, LegState, Payout, PayoutKind, Withdrawal, WithdrawalState
from billing.withdrawal_moves import WrongState
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, Refused
from panel.notifications.models import Email
from tests.billing.money import balances
from tests.factories import AT, HOUR, make_customer, make_staff, only_leg, receive_by_hand, send_due, withdraw

pytestmark = pytest.mark.django_db

IBAN = "DE02 1203 0000 0000 2020 51"
WAY = f"Bank transfer: {IBAN}"
DAY = timedelta(days=1)


@pytest.fixture
def ada() -> User:
    """Has 30.00 that came from no payment."""
    return make_customer(funds="30")


@pytest.fixture
def grace() -> User:
    return make_staff()


@pytest.fixture
def wanted(ada: User) -> Withdrawal:
    """Ada's request for all of it, which support has to arrange."""
    return withdraw(ada, "30")


def arrangement_of(withdrawal: Withdrawal) -> Arrangement:
    return Arrangement.objects.get(leg__withdrawal=withdrawal)


def propose(withdrawal: Withdrawal, staff: User, *, destination: str = IBAN) -> Arrangement:
    return arrangements.propose(
        arrangement_id=arrangement_of(withdrawal).pk,
        kind=PayoutKind.BANK,
        destination=destination,
        verification="Passport, seen in a video call.",
        staff=staff,
        at=AT,
    )


def consent(withdrawal: Withdrawal, customer: User, *, destination: str = IBAN) -> Arrangement:
    return arrangements.consent(
        arrangement_id=arrangement_of(withdrawal).pk, customer=customer, way=f"Bank transfer: {destination}", at=AT
    )


def test_is_paid_by_hand_to_what_the_customer_consented_to(wanted: Withdrawal, ada: User, grace: User) -> None:
    propose(wanted, grace)
    agreed = consent(wanted, ada)
    assert (agreed.consent_at, agreed.consent_by, agreed.proposed_by) == (AT, ada, grace)

    assert send_due() == 1
    payout = Payout.objects.get()
    assert (payout.destination, payout.amount, payout.receipt) == (f"Bank transfer: {IBAN}", 30, None)
    payouts.confirm(payout_id=payout.pk, bank_reference="SEPA-1", staff=grace, at=AT + DAY)

    wanted.refresh_from_db()
    assert (wanted.state, only_leg(wanted).bank_reference) == (WithdrawalState.PAID, "SEPA-1")
    assert balances(ada) == {}


def test_nothing_is_sent_before_consent(wanted: Withdrawal, ada: User, grace: User) -> None:
    propose(wanted, grace)

    assert send_due(AT + 30 * DAY) == 0

    assert (balances(ada), Payout.objects.count()) == ({"held": "30.00"}, 0)


def test_the_customer_can_still_cancel_within_the_hour_he_was_promised(
    wanted: Withdrawal, ada: User, grace: User
) -> None:
    propose(wanted, grace)
    consent(wanted, ada)

    assert send_due(AT + HOUR - timedelta(seconds=1)) == 0
    withdrawals.cancel(withdrawal_id=wanted.pk, customer=ada, at=AT + timedelta(minutes=59))

    assert balances(ada) == {"available": "30.00"}


def test_a_consent_holds_for_what_was_shown_only(wanted: Withdrawal, ada: User, grace: User) -> None:
    with pytest.raises(NothingProposed):
        consent(wanted, ada)
    propose(wanted, grace)
    propose(wanted, grace, destination="GB29 NWBK 6016 1331 9268 19")

    with pytest.raises(NothingProposed):
        consent(wanted, ada, destination=IBAN)

    assert arrangement_of(wanted).consent_at is None
    assert Email.objects.filter(template="alternative_proposed").count() == 2


def test_another_customer_can_neither_consent_nor_give_up(wanted: Withdrawal, grace: User) -> None:
    propose(wanted, grace)
    ben = make_customer("ben")

    with pytest.raises(NoSuchArrangement):
        consent(wanted, ben)
    with pytest.raises(NoSuchArrangement):
        arrangements.give_up(arrangement_id=arrangement_of(wanted).pk, actor=ben, at=AT)
    with pytest.raises(NoSuchArrangement):
        arrangements.give_up(arrangement_id=arrangement_of(wanted).pk + 1, actor=ben, at=AT)

    assert only_leg(wanted).state == LegState.ARRANGING


def test_staff_record_a_consent_given_elsewhere_and_say_how(wanted: Withdrawal, grace: User) -> None:
    number = arrangement_of(wanted).pk
    with pytest.raises(NothingProposed):
        arrangements.record_consent(arrangement_id=number, way=WAY, note="By phone.", staff=grace, at=AT)
    propose(wanted, grace)
    with pytest.raises(Refused):
        arrangements.record_consent(arrangement_id=number, way=WAY, note="  ", staff=grace, at=AT)

    agreed = arrangements.record_consent(arrangement_id=number, way=WAY, note="By phone, 12:00.", staff=grace, at=AT)

    assert (agreed.consent_by, agreed.consent_note) == (grace, "By phone, 12:00.")
    assert only_leg(wanted).state == LegState.PLANNED


def test_nobody_arranges_for_himself_and_customers_for_no_one(wanted: Withdrawal, ada: User, grace: User) -> None:
    own = make_staff("linus")
    receive_by_hand(own, "5", staff=grace)
    with pytest.raises(Forbidden):
        propose(wanted, ada)
    propose(wanted, grace)
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    ada.refresh_from_db()

    with pytest.raises(Forbidden):
        propose(wanted, ada)
    with pytest.raises(Forbidden):
        arrangements.record_consent(arrangement_id=arrangement_of(wanted).pk, way=WAY, note="Me.", staff=ada, at=AT)

    assert arrangement_of(wanted).consent_at is None


@pytest.mark.parametrize(("field", "empty"), [("destination", " "), ("verification", "")])
def test_a_proposal_says_where_to_and_how_the_customer_was_verified(
    wanted: Withdrawal, grace: User, field: str, empty: str
) -> None:
    given = {"destination": IBAN, "verification": "Passport.", field: empty}

    with pytest.raises(Refused) as refused:
        arrangements.propose(
            arrangement_id=arrangement_of(wanted).pk, kind=PayoutKind.BANK, staff=grace, at=AT, **given
        )

    assert refused.value.field == field


def test_giving_up_puts_the_money_back(wanted: Withdrawal, ada: User) -> None:
    arrangements.give_up(arrangement_id=arrangement_of(wanted).pk, actor=ada, at=AT)

    wanted.refresh_from_db()
    assert wanted.state == WithdrawalState.CANCELED
    assert balances(ada) == {"available": "30.00"}


def test_what_was_agreed_to_is_settled(wanted: Withdrawal, ada: User, grace: User) -> None:
    propose(wanted, grace)
    consent(wanted, ada)

    with pytest.raises(WrongState):
        propose(wanted, grace, destination="elsewhere")
    with pytest.raises(WrongState):
        consent(wanted, ada)
    with pytest.raises(WrongState):
        arrangements.give_up(arrangement_id=arrangement_of(wanted).pk, actor=ada, at=AT)

    assert arrangement_of(wanted).destination == IBAN


def test_a_part_to_be_arranged_does_not_hold_up_the_rest(grace: User) -> None:
    ben = make_customer("ben", funds="10")
    receive_by_hand(ben, "20")
    withdrawal = withdraw(ben, "30")

    assert send_due() == 1
    payouts.confirm(payout_id=Payout.objects.get().pk, bank_reference="SEPA-1", staff=grace, at=AT + DAY)
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.SENDING
    arrangements.give_up(arrangement_id=arrangement_of(withdrawal).pk, actor=ben, at=AT + DAY)

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.PAID
    assert balances(ben) == {"available": "10.00"}
    letter = Email.objects.get(template="withdrawal_paid")
    assert (letter.context["amount"], letter.context["returned"]) == ("20.00 USD", "")


def test_each_part_is_confirmed_once_and_the_sent_one_does_not_wait_for_the_other(grace: User) -> None:
    ben = make_customer("ben", funds="10")
    receive_by_hand(ben, "20")
    withdrawal = withdraw(ben, "30")
    told = Email.objects.filter(template="withdrawal_paid").order_by("id")
    send_due()
    payouts.confirm(payout_id=Payout.objects.get().pk, bank_reference="SEPA-1", staff=grace, at=AT + DAY)
    assert [letter.context["parts"] for letter in told] == [["20.00 USD to Bank transfer, reference SEPA-1"]]

    propose(withdrawal, grace)
    consent(withdrawal, ben)
    send_due(AT + DAY)
    payouts.confirm(payout_id=Payout.objects.latest("id").pk, bank_reference="SEPA-2", staff=grace, at=AT + 2 * DAY)

    assert [letter.context["parts"] for letter in told.all()] == [
        ["20.00 USD to Bank transfer, reference SEPA-1"],
        ["10.00 USD to the way agreed with support, reference SEPA-2"],
    ]


def test_what_is_arranged_is_told_without_a_date(ada: User, wanted: Withdrawal) -> None:
    ben = make_customer("ben", funds="10")
    receive_by_hand(ben, "20")
    withdraw(ben, "30")

    whole, part = (
        Email.objects.get(customer_id=ada.pk),
        Email.objects.get(customer_id=ben.pk, key__endswith=":scheduled"),
    )

    assert (whole.template, whole.key) == ("withdrawal_arranging", f"withdrawal:{wanted.pk}:arranging")
    assert not {"send_by", "bank_by"} & set(whole.context)
    assert (part.context["amount"], part.context["arranged"]) == ("20.00 USD", "10.00 USD")
    assert part.context["parts"] == ["20.00 USD to Bank transfer"]


def test_an_account_number_is_never_written_into_an_email(wanted: Withdrawal, grace: User) -> None:
    propose(wanted, grace)

    letter = Email.objects.get(template="alternative_proposed")

    assert letter.context["destination"] == "Bank transfer ending in 2051"
    assert "12030000" not in str(letter.context).replace(" ", "")


def test_a_customer_is_told_when_staff_give_it_up(wanted: Withdrawal, grace: User) -> None:
    arrangements.give_up(arrangement_id=arrangement_of(wanted).pk, actor=grace, at=AT)

    assert Email.objects.get(template="withdrawal_canceled").context["amount"] == "30.00 USD"


def test_one_in_review_that_is_given_up_leaves_nothing_to_review() -> None:
    ben = make_customer("ben", funds="300")
    withdrawal = withdraw(ben, "300")
    assert withdrawal.state == WithdrawalState.IN_REVIEW

    arrangements.give_up(arrangement_id=arrangement_of(withdrawal).pk, actor=ben, at=AT)

    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.CANCELED
    assert balances(ben) == {"available": "300.00"}


def test_one_agreed_to_while_in_review_waits_for_the_review(grace: User) -> None:
    ben = make_customer("ben", funds="300")
    withdrawal = withdraw(ben, "300")
    propose(withdrawal, grace)
    consent(withdrawal, ben)
    assert send_due() == 0

    withdrawals.approve(withdrawal_id=withdrawal.pk, staff=grace, at=AT + HOUR)

    assert send_due(AT + 2 * HOUR - timedelta(seconds=1)) == 0
    assert send_due(AT + 2 * HOUR) == 1
