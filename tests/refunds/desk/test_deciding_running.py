"""Approving a request about an order that still runs ends the order, and credits the rest of what was chosen."""

from decimal import Decimal

import pytest

from orders import handling, lifecycle
from orders.lifecycle import Progress
from orders.models import (
    AttentionItem,
    AttentionKind,
    CancelRequest,
    CancelRequestState,
    Cause,
    Order,
    OrderEvent,
    OrderStatus,
    Submission,
    SubmissionState,
)
from panel.accounts.models import User
from panel.kernel.errors import Refused
from refunds.desk import access, opening, plans, referring
from refunds.desk.plans import Choice, RemainsMissing
from refunds.models import Decision, DecisionState, RefundRequest, RefundRequestEvent, RequestState
from refunds.policy.facts import FactsInvalid
from tests.factories import AT, make_customer, make_provider, make_service, move, place_order
from tests.factories.desk import approve, ask_for_refund, balance_of, confirm, decline, make_agent, started
from tests.factories.reports import running
from tests.refunds.desk.ground import credits_of, kinds, letters, money, nothing_moves

pytestmark = pytest.mark.django_db

DELAY = Cause.PLATFORM_DELAY


def asked(cause: Cause = Cause.CANNOT_COMPLETE, *, known: int | None = 400, promo: str = "0") -> RefundRequest:
    """A request about a running order of 10.00."""
    return ask_for_refund(started(remains=known, promo=promo), cause)


def flag(request: RefundRequest) -> None:
    """Under the guarantee, a person looks at the refunds of whoever is flagged, also when we end the order."""
    User.objects.filter(pk=request.customer_id).update(standing="abuse_flagged")


def reached(request: RefundRequest) -> tuple[str, int | None]:
    order = Order.objects.get(pk=request.order_id)
    return order.status, order.remains


@pytest.mark.parametrize(
    ("cause", "remains", "status", "credited"),
    [
        (Cause.CANNOT_COMPLETE, 400, "partial", "4"),
        (Cause.CANNOT_COMPLETE, 1, "partial", "0.01"),
        (Cause.CANNOT_COMPLETE, 1000, "canceled", "10"),
        (Cause.TARGET_UNAVAILABLE, 250, "partial", "2.5"),
        (Cause.SYSTEM_ERROR, 400, "partial", "4"),
        (Cause.INVALID_TARGET, 400, "partial", "4"),
        (DELAY, 400, "partial", "4"),
        (DELAY, 1000, "canceled", "10"),
    ],
)
def test_ends_the_order_with_what_remains_and_credits_what_the_policy_proposes(
    cause: Cause, remains: int, status: str, credited: str, hiro: User
) -> None:
    request = asked(cause, known=remains)

    approve(request, hiro, remains=remains)

    request.refresh_from_db()
    assert (request.state, request.closed_by) == (RequestState.APPROVED, hiro)
    assert (request.amount, request.proposed) == (Decimal(credited), Decimal(credited))
    assert reached(request) == (status, remains)
    assert money(request.order) == (Decimal(credited), 10 - Decimal(credited))
    assert balance_of(request.customer) == 990 + Decimal(credited)
    assert credits_of(request) == []  # the order's own policy paid it when it ended
    assert not Decision.objects.filter(state=DecisionState.AWAITING_REVIEW).exists()


def test_the_orders_history_says_who_ended_it_and_for_which_request(hiro: User) -> None:
    request = asked()

    approve(request, hiro, remains=400)

    event = OrderEvent.objects.filter(order=request.order).latest("id")
    assert (event.initiator, event.actor, event.cause) == ("staff", hiro, "cannot_complete")
    assert event.note == f"Refund request {request.pk}"
    assert kinds(request) == ["opened", "approved"]


def test_the_customer_gets_one_letter_of_it(hiro: User) -> None:
    request = asked()

    approve(request, hiro, remains=400)

    assert letters(request.customer) == ["request_received", "request_approved"]


def test_more_than_the_end_pays_is_credited_on_top_once_two_people_agree(hiro: User, ida: User) -> None:
    request = asked()

    assert approve(request, hiro, "6.5", remains=400).awaits_second
    assert reached(request) == ("in_progress", 400)
    confirm(request, ida)

    request.refresh_from_db()
    assert (request.amount, request.proposed, request.closed_by) == (Decimal("6.5"), Decimal(4), ida)
    assert credits_of(request) == [Decimal("2.5")]
    assert money(request.order) == (Decimal("6.5"), Decimal("3.5"))
    made = Decision.objects.filter(order=request.order).values_list("state", "owed", "credited")
    assert sorted(made) == [("approved", Decimal("6.5"), Decimal("2.5")), ("settled", Decimal(4), Decimal(4))]


def test_less_than_the_end_itself_pays_is_refused(hiro: User) -> None:
    request = asked()

    for amount in ("3.999999", "0"):
        with nothing_moves(), pytest.raises(Refused, match=r"The policy itself credits 4\.00 USD") as refused:
            approve(request, hiro, amount, remains=400)
        assert (refused.value.code, refused.value.field) == ("above_charge", "amount")


def test_above_the_charge_is_refused(hiro: User) -> None:
    request = asked()

    with nothing_moves(), pytest.raises(Refused, match=r"At most 10\.00 USD"):
        approve(request, hiro, "10.000001", remains=400)


@pytest.mark.parametrize(
    ("amount", "refunded", "decisions"),
    [
        ("1.5", "1.5", [("approved", "4", "1.5")]),
        ("7", "7", [("approved", "7", "7"), ("superseded", "4", "0")]),
    ],
)
def test_an_end_that_waits_for_a_person_is_answered_by_the_same_approval(
    amount: str, refunded: str, decisions: list[tuple[str, str, str]], hiro: User, ida: User
) -> None:
    request = asked(DELAY)
    flag(request)

    approve(request, hiro, amount, remains=400)
    confirm(request, ida)

    assert money(request.order) == (Decimal(refunded), 10 - Decimal(refunded))
    made = Decision.objects.filter(order=request.order).values_list("state", "owed", "credited")
    assert sorted(made) == [(state, Decimal(owed), Decimal(credited)) for state, owed, credited in decisions]
    assert RefundRequest.objects.filter(order=request.order).count() == 1


def test_promotional_money_comes_back_as_such_from_both_parts(hiro: User, ida: User) -> None:
    request = asked(promo="5")

    approve(request, hiro, "6", remains=400)
    confirm(request, ida)

    assert balance_of(request.customer, "promo") == Decimal(3)
    assert balance_of(request.customer) == Decimal(998)


def test_an_order_of_a_flagged_customer_is_paid_by_the_person_that_the_policy_asks_for(hiro: User) -> None:
    request = asked()
    flag(request)

    approve(request, hiro, remains=400)

    assert money(request.order) == (Decimal(4), Decimal(6))
    assert Decision.objects.get(order=request.order).clause == "standing-in-doubt"
    assert RefundRequest.objects.filter(order=request.order).count() == 1


@pytest.mark.usefixtures("credit_only_policy")
def test_a_pending_order_is_canceled_whole_whatever_is_typed(hiro: User) -> None:
    order = place_order(make_customer(funds="100"), make_service(rate="10"))
    request = ask_for_refund(order, Cause.NOT_STARTED)

    approve(request, hiro, remains=3)

    assert reached(request) == ("canceled", 1000)
    assert money(order) == (Decimal(10), Decimal(0))
    assert balance_of(order.customer) == Decimal(100)


def test_a_change_of_mind_that_staff_grant_ends_the_order_when_two_agree(hiro: User, ida: User) -> None:
    order = started(remains=400)
    maya = make_agent("maya", access.MAY_OPEN)
    request = opening.open_by_staff(
        staff=maya, order_id=order.pk, cause=Cause.CHANGE_OF_MIND, description="She called.", at=AT
    )

    approve(request, hiro, remains=400)

    said = RefundRequestEvent.objects.filter(request=request).latest("id").text
    assert said == "4.00 USD, because it differs from the 0.00 USD that the policy proposes. Fine"
    confirm(request, ida)
    request.refresh_from_db()
    assert (request.amount, request.proposed, request.answer_clause) == (Decimal(4), Decimal(0), "partly-delivered")
    assert reached(request) == ("partial", 400)
    assert money(order) == (Decimal(4), Decimal(6))


def test_what_the_customer_claims_does_not_decide_how_the_order_ends(hiro: User) -> None:
    request = asked(Cause.SYSTEM_ERROR, known=1)

    approve(request, hiro, remains=1)

    assert money(request.order) == (Decimal("0.01"), Decimal("9.99"))
    assert OrderEvent.objects.filter(order=request.order).latest("id").cause == Cause.CANNOT_COMPLETE


@pytest.mark.usefixtures("credit_only_policy")
def test_an_end_that_pays_more_than_the_policy_proposes_for_the_claim_takes_two(hiro: User, ida: User) -> None:
    order = started(rate="90", remains=600)
    maya = make_agent("maya", access.MAY_OPEN)
    request = opening.open_by_staff(
        staff=maya, order_id=order.pk, cause=Cause.CANNOT_COMPLETE, description="He wrote.", at=AT
    )

    assert approve(request, hiro, remains=600).awaits_second
    confirm(request, ida)

    request.refresh_from_db()
    assert (request.amount, request.proposed, request.answer_clause) == (Decimal(54), Decimal(0), "partial")


@pytest.mark.parametrize("remains", [None, 0, 1001, 10**12])
def test_refuses_without_remains_that_can_be(remains: int | None, hiro: User) -> None:
    request = asked()

    with nothing_moves(), pytest.raises(RemainsMissing) as refused:
        approve(request, hiro, remains=remains)

    assert refused.value.field == "remains"


def test_refuses_negative_remains(hiro: User) -> None:
    request = asked()

    with nothing_moves(), pytest.raises((RemainsMissing, FactsInvalid)):
        approve(request, hiro, remains=-1)


@pytest.mark.parametrize("state", [SubmissionState.CLAIMED, SubmissionState.CALLING, SubmissionState.UNKNOWN])
def test_refuses_while_the_order_is_on_its_way_to_the_provider(state: SubmissionState, hiro: User) -> None:
    provider = make_provider()
    order = place_order(make_customer(funds="100"), make_service(rate="10", provider=provider))
    move(order, OrderStatus.PROCESSING)
    Submission.objects.create(order=order, provider=provider, state=state)
    request = ask_for_refund(order, Cause.NOT_STARTED)

    with nothing_moves(), pytest.raises(handling.BeingSubmitted):
        approve(request, hiro, remains=1000)

    request.refresh_from_db()
    assert request.is_open


def test_an_order_that_the_provider_still_has_is_put_before_staff(hiro: User) -> None:
    order = running(provider=make_provider(), allows_cancel=True)
    lifecycle.note_progress([Progress(order.pk, 400, None)])
    order.refresh_from_db()
    request = ask_for_refund(order)

    approve(request, hiro, remains=400)

    assert AttentionItem.objects.get(order=order).kind == AttentionKind.STILL_AT_PROVIDER
    assert money(order) == (Decimal(4), Decimal(6))


def test_a_cancel_that_was_asked_of_the_provider_is_closed_by_it(hiro: User) -> None:
    order = running(provider=make_provider(), allows_cancel=True)
    lifecycle.note_progress([Progress(order.pk, 400, None)])
    order.refresh_from_db()
    request = ask_for_refund(order)
    referring.refer(request_id=request.pk, staff=hiro, note="Please stop.", at=AT)

    approve(request, hiro, remains=400)

    assert CancelRequest.objects.get(order=order).state == CancelRequestState.CLOSED


def test_a_decline_leaves_the_order_running(hiro: User) -> None:
    request = asked()

    decline(request, hiro, note="It is nearly there.")

    assert reached(request) == ("in_progress", 400)
    assert money(request.order) == (Decimal(0), Decimal(0))
    assert not Decision.objects.filter(order=request.order).exists()


def test_a_plan_says_what_the_end_pays_by_itself_and_what_is_paid_in_all() -> None:
    request = asked()

    with nothing_moves():
        plan = plans.plan(request, request.order, Choice(Decimal(6), 400), at=AT)

    assert (plan.by_end, plan.proposed, plan.credit, plan.overrules) == (Decimal(4), Decimal(4), Decimal(6), True)
    assert plan.end is not None
    assert (plan.end.to, plan.end.remains, plan.end.request_ref) == (OrderStatus.PARTIAL, 400, request.pk)
    assert plan.reasons_for_second == ["it differs from the 4.00 USD that the policy proposes"]
