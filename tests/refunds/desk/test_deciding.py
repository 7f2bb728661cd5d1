"""Answering a request about an ended order: one person, not the customer, decides once, and credits what was chosen."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Transfer
from orders import handling
from orders.models import Cause, OrderStatus
from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Forbidden, Refused
from refunds.desk import access, deciding
from refunds.desk.plans import Choice, NothingToPay, plan
from refunds.models import Decision, DecisionState, RefundRequest, RequestState
from tests.factories import AT, fund, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    balance_of,
    completed,
    decision_in_review,
    decline,
    make_agent,
    order_in_review,
    partly_delivered,
    withdraw,
)
from tests.refunds.desk.ground import credits_of, kinds, letter, letters, money, nothing_moves

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=1)
Answer = Callable[..., RefundRequest]
BOTH = pytest.mark.parametrize("answer", [approve, decline], ids=["approve", "decline"])


def test_an_approval_credits_what_was_proposed_and_says_by_whom_and_why(hiro: User) -> None:
    request = order_in_review()
    decision = decision_in_review(request.order)

    approve(request, hiro, note=" The link was fine. ", at=LATER)

    decision.refresh_from_db()
    assert (decision.state, decision.credited, decision.owed) == (DecisionState.APPROVED, Decimal(4), Decimal(4))
    assert (decision.reviewed_by, decision.reviewed_at, decision.review_note) == (hiro, LATER, "The link was fine.")
    assert "4.00 USD was credited after review: The link was fine." in decision.sentence
    assert money(request.order) == (Decimal(4), Decimal(6))
    assert balance_of(request.customer) == Decimal(14)
    request.refresh_from_db()
    assert (request.state, request.closed_by, request.closed_at) == (RequestState.APPROVED, hiro, LATER)
    assert (request.amount, request.proposed, request.decision) == (Decimal(4), Decimal(4), decision)
    assert (request.answer, request.answer_clause) == ("The link was fine.", "special-cause")
    assert credits_of(request) == [Decimal(4)]
    assert kinds(request) == ["opened", "approved"]


def test_an_approval_tells_the_customer_how_much_why_and_the_new_balance(hiro: User) -> None:
    request = order_in_review()

    approve(request, hiro, note="The link was fine.")

    assert letters(request.customer) == ["refund_in_review", "request_approved"]
    said = letter(request.customer).context
    assert (said["amount"], said["why"], said["balance"]) == ("4.00 USD", "The link was fine.", "14.00 USD")


def test_a_decline_credits_nothing_and_recognizes_what_was_held_back(hiro: User) -> None:
    request = order_in_review()
    decision = decision_in_review(request.order)

    decline(request, hiro, note="The link was wrong.", at=LATER)

    decision.refresh_from_db()
    assert (decision.state, decision.credited) == (DecisionState.DECLINED, Decimal(0))
    assert decision.sentence == "Nothing was credited after review: The link was wrong."
    assert (decision.reviewed_by, decision.reviewed_at) == (hiro, LATER)
    assert money(request.order) == (Decimal(0), Decimal(10))
    assert balance_of(request.customer) == Decimal(10)
    request.refresh_from_db()
    assert (request.state, request.amount, request.closed_by) == (RequestState.DECLINED, Decimal(0), hiro)
    assert kinds(request) == ["opened", "declined"]


def test_a_decline_tells_the_customer_the_rule_and_what_staff_add(hiro: User) -> None:
    request = order_in_review()

    decline(request, hiro, note="The link was wrong.")

    assert letters(request.customer) == ["refund_in_review", "request_declined"]
    said = letter(request.customer).context
    assert said["note"] == "The link was wrong."
    assert str(said["reason"]).startswith("Wrong link or target, results that dropped later")


@pytest.mark.parametrize(
    ("amount", "promo", "available"), [(None, "2", "17"), ("2.5", "1.25", "16.25"), ("10", "5", "20")]
)
def test_an_approval_gives_promotional_money_back_as_such(
    amount: str | None, promo: str, available: str, hiro: User, ida: User
) -> None:
    request = order_in_review(promo="5")

    if approve(request, hiro, amount).awaits_second:
        deciding.confirm(request_id=request.pk, staff=ida, seen=None, at=AT)

    assert balance_of(request.customer, "promo") == Decimal(promo)
    assert balance_of(request.customer) == Decimal(available)


def test_a_decision_that_waits_and_is_approved_in_part_recognizes_the_rest(hiro: User, ida: User) -> None:
    request = order_in_review()
    decision = decision_in_review(request.order)

    approve(request, hiro, "1.5", note="Half of it came")
    deciding.confirm(request_id=request.pk, staff=ida, seen=None, at=LATER)

    decision.refresh_from_db()
    assert (decision.state, decision.owed, decision.credited) == (DecisionState.APPROVED, Decimal(4), Decimal("1.5"))
    assert money(request.order) == (Decimal("1.5"), Decimal("8.5"))
    request.refresh_from_db()
    assert (request.amount, request.proposed) == (Decimal("1.5"), Decimal(4))


def test_more_than_a_decision_proposed_supersedes_it_by_one_of_its_own(hiro: User, ida: User) -> None:
    request = order_in_review()
    proposed = decision_in_review(request.order)

    approve(request, hiro, "7", note="We were rude")
    deciding.confirm(request_id=request.pk, staff=ida, seen=None, at=LATER)

    proposed.refresh_from_db()
    made = Decision.objects.get(order=request.order, state=DecisionState.APPROVED)
    assert (proposed.state, proposed.credited) == (DecisionState.SUPERSEDED, Decimal(0))
    assert (made.owed, made.credited, made.reviewed_by, made.at) == (Decimal(7), Decimal(7), ida, LATER)
    assert made.sentence == "7.00 USD was credited after review: We were rude"
    assert money(request.order) == (Decimal(7), Decimal(3))
    request.refresh_from_db()
    assert (request.decision, request.amount, request.proposed) == (made, Decimal(7), Decimal(4))


def test_a_claim_about_a_completed_order_is_credited_out_of_revenue(hiro: User) -> None:
    order = completed()
    request = ask_for_refund(order, Cause.SYSTEM_ERROR)

    approve(request, hiro)

    assert money(order) == (Decimal(10), Decimal(0))
    made = Decision.objects.get(order=order, state=DecisionState.APPROVED)
    assert (made.clause, made.owed, made.credited) == ("error-reported", Decimal(10), Decimal(10))
    assert balance_of(order.customer) == Decimal(1000)


def test_an_approval_credits_only_what_was_not_credited_before(hiro: User) -> None:
    order = partly_delivered()
    request = ask_for_refund(order, Cause.SYSTEM_ERROR)

    approve(request, hiro)

    assert credits_of(request) == [Decimal(6)]
    assert money(order) == (Decimal(10), Decimal(0))


def test_refuses_to_approve_what_credits_nothing(hiro: User) -> None:
    request = ask_for_refund(partly_delivered())

    for amount in (None, "0", "-1"):
        with nothing_moves(), pytest.raises(NothingToPay) as refused:
            approve(request, hiro, amount)
        assert refused.value.field == "amount"


@pytest.mark.parametrize("amount", ["6.000001", "10", "99999"])
def test_refuses_more_than_is_left_of_the_charge(amount: str, hiro: User) -> None:
    request = ask_for_refund(partly_delivered(), Cause.SYSTEM_ERROR)

    with nothing_moves(), pytest.raises(Refused, match=r"At most 6\.00 USD of this order's charge") as refused:
        approve(request, hiro, amount)

    assert (refused.value.code, refused.value.field) == ("above_charge", "amount")


@BOTH
@pytest.mark.parametrize("first", [approve, decline], ids=["approved", "declined"])
def test_refuses_what_was_decided_already(answer: Answer, first: Answer, hiro: User, ida: User) -> None:
    request = order_in_review()
    first(request, hiro, note="First", at=LATER)

    with nothing_moves(), pytest.raises(access.NotOpen):
        answer(request, ida, note="Second", at=LATER)


@BOTH
def test_refuses_what_a_later_move_has_answered(answer: Answer, hiro: User) -> None:
    request = order_in_review()
    handling.complete(order_id=request.order_id, staff=make_staff(), at=LATER)

    with nothing_moves(), pytest.raises(access.NotOpen, match="answered by a later report"):
        answer(request, hiro, note="Late", at=LATER)


@BOTH
def test_refuses_what_the_customer_took_back(answer: Answer, hiro: User) -> None:
    request = ask_for_refund(completed(), Cause.SYSTEM_ERROR)
    withdraw(request)

    with nothing_moves(), pytest.raises(access.NotOpen, match="withdrawn already"):
        answer(request, hiro)


@BOTH
@pytest.mark.parametrize("who", ["a customer", "staff of other rooms", "an agent who has left"])
def test_refuses_who_may_not_decide(answer: Answer, who: str) -> None:
    request, person = order_in_review(), make_agent("otto")
    if who == "a customer":
        person = make_customer("ben")
    elif who == "staff of other rooms":
        person.user_permissions.clear()
    else:
        User.objects.filter(pk=person.pk).update(is_active=False)
    person = User.objects.get(pk=person.pk)

    with nothing_moves(), pytest.raises(Forbidden):
        answer(request, person, note="Please", at=LATER)


@BOTH
@pytest.mark.parametrize("who", ["an agent", "a superuser"])
def test_refuses_staff_who_decide_about_their_own_order(answer: Answer, who: str) -> None:
    person = make_staff("hiro") if who == "a superuser" else make_agent()
    fund(person, "20")
    request = order_in_review(person)

    with nothing_moves(), pytest.raises(Forbidden, match="own account"):
        answer(request, person, note="Mine", at=LATER)


@BOTH
@pytest.mark.parametrize("note", ["", "  \n", "x" * 301, "\0"])
def test_refuses_an_answer_without_a_reason_that_can_be_read(answer: Answer, note: str, hiro: User) -> None:
    request = order_in_review()

    with nothing_moves(), pytest.raises(texts.BadText) as refused:
        answer(request, hiro, note=note, at=LATER)

    assert refused.value.field == "note"


@BOTH
def test_refuses_a_request_that_there_is_not(answer: Answer, hiro: User) -> None:
    with pytest.raises(access.RequestNotFound):
        answer(RefundRequest(pk=987_654_321, clause="completed"), hiro, note="Which", at=LATER)


class TestReasonsToDecline:
    def test_are_the_proposed_clause_first_and_then_those_that_pay_nothing(self) -> None:
        request = ask_for_refund(completed(), Cause.DROPPED)
        policy = request.policy_version.policy

        reasons = [clause for clause, _ in deciding.reasons_to_decline(policy, request.clause, request.order)]

        assert reasons[0] == "special-cause"
        assert reasons[1:] == ["completed"]  # "still pending" or "being worked on" would be untrue of it

    @pytest.mark.parametrize(
        ("refund_after_start", "others"), [(True, ["active"]), (False, ["no-refund-after-start", "active"])]
    )
    def test_are_of_the_orders_own_terms(self, refund_after_start: bool, others: list[str]) -> None:  # noqa: FBT001 - a case
        order = place_order(make_customer(funds="100"), make_service(refund_after_start=refund_after_start))
        move(order, OrderStatus.PROCESSING)
        request = ask_for_refund(order, Cause.NOT_STARTED)

        reasons = deciding.reasons_to_decline(request.policy_version.policy, request.clause, order)

        assert [clause for clause, _ in reasons[1:]] == others

    def test_another_of_them_is_what_the_customer_reads(self, hiro: User) -> None:
        request = ask_for_refund(completed(), Cause.DROPPED)

        deciding.decline(request_id=request.pk, staff=hiro, clause="completed", note="It came in full.", at=AT)

        request.refresh_from_db()
        assert request.answer_clause == "completed"
        assert letter(request.customer).context["reason"] == "An order that was delivered in full is not refunded."

    @pytest.mark.parametrize("clause", ["partly-delivered", "no-such-clause", "", "default"])
    def test_no_other_clause_gives_a_reason(self, clause: str, hiro: User) -> None:
        request = ask_for_refund(completed(), Cause.DROPPED)

        with nothing_moves(), pytest.raises(Refused, match="Choose a reason from the policy") as refused:
            deciding.decline(request_id=request.pk, staff=hiro, clause=clause, note="No", at=AT)

        assert refused.value.field == "clause"


class TestWhatWasShown:
    def test_is_done_when_nothing_changed(self, hiro: User) -> None:
        request = order_in_review()
        shown = plan(request, request.order, Choice(), at=AT)

        deciding.approve(request_id=request.pk, staff=hiro, choice=Choice(), note="Fine", seen=shown.token, at=LATER)

        assert (shown.credit, shown.overrules, shown.reasons_for_second) == (Decimal(4), False, [])
        assert money(request.order) == (Decimal(4), Decimal(6))

    def test_is_not_done_when_the_order_moved_meanwhile(self, hiro: User) -> None:
        request = order_in_review()
        shown = plan(request, request.order, Choice(), at=AT)
        handling.set_partial(
            order_id=request.order_id, remains=300, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT
        )

        with nothing_moves(), pytest.raises(deciding.ChangedMeanwhile):
            deciding.approve(request_id=request.pk, staff=hiro, choice=Choice(), note="Fine", seen=shown.token, at=AT)

    def test_is_not_done_when_another_amount_is_sent_than_was_shown(self, hiro: User) -> None:
        request = order_in_review()
        shown = plan(request, request.order, Choice(), at=AT)

        with nothing_moves(), pytest.raises(deciding.ChangedMeanwhile):
            deciding.approve(
                request_id=request.pk, staff=hiro, choice=Choice(Decimal(5)), note="Fine", seen=shown.token, at=AT
            )

    def test_a_plan_writes_nothing(self) -> None:
        request = order_in_review()

        with nothing_moves():
            plan(request, request.order, Choice(), at=AT)


def test_an_approval_posts_the_order_once_whatever_its_transfers_are_called(hiro: User) -> None:
    request = order_in_review()

    approve(request, hiro)

    keys = list(Transfer.objects.filter(order_ref=request.order_id).order_by("pk").values_list("key", flat=True))
    assert [key for key in keys if key.startswith(f"refund_request:{request.pk}:")] == [
        f"refund_request:{request.pk}:in_progress:available"
    ]
