"""Above the policy's limit, or other than the engine proposes, one person recommends and another confirms."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from orders import handling, lifecycle
from orders.lifecycle import Progress
from orders.models import Cause, Order, OrderStatus
from panel.accounts import standing
from panel.accounts.models import Standing, User
from panel.kernel import texts
from panel.kernel.errors import Forbidden
from refunds.desk import access, deciding, following, opening
from refunds.models import RefundRequest, RefundRequestEvent, RequestState
from tests.factories import AT, fund, make_customer, make_service, make_staff, move, place_order
from tests.factories.desk import (
    approve,
    ask_for_refund,
    completed,
    confirm,
    decline,
    make_agent,
    make_approver,
    order_in_review,
    partly_delivered,
    publish_variant,
    send_back,
    started,
    withdraw,
)
from tests.refunds.desk.ground import kinds, letters, money, nothing_moves

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(days=1)


def claim_of(charge: str) -> RefundRequest:
    """A request for all of a completed order, of 1,000 units, that was charged so much."""
    return ask_for_refund(completed(rate=charge), Cause.SYSTEM_ERROR)


def pending(charge: str) -> Order:
    return place_order(make_customer(funds="1000"), make_service(rate=charge))


class TestTheLimit:
    @pytest.mark.parametrize(("charge", "alone"), [("100", True), ("100.000001", False), ("250", False)])
    def test_one_person_approves_up_to_it(self, charge: str, alone: bool, hiro: User) -> None:  # noqa: FBT001 - a case
        request = approve(claim_of(charge), hiro)

        assert (request.state == RequestState.APPROVED, request.awaits_second) == (alone, not alone)
        assert money(request.order)[0] == (Decimal(charge) if alone else Decimal(0))

    def test_holds_for_a_superuser_too(self) -> None:
        request = approve(claim_of("250"), make_staff("grace"))

        assert request.awaits_second
        assert money(request.order) == (Decimal(0), Decimal(250))

    @pytest.mark.usefixtures("credit_only_policy")
    def test_is_the_other_policys_too(self, hiro: User) -> None:
        request = approve(ask_for_refund(pending("250"), Cause.NOT_STARTED), hiro)

        assert request.awaits_second

    def test_counts_what_people_credited_for_the_order_before(self, hiro: User, ida: User) -> None:
        order = completed(rate="150")
        first = ask_for_refund(order, Cause.SYSTEM_ERROR)
        approve(first, hiro, "60")
        confirm(first, ida)

        second = ask_for_refund(order, Cause.SYSTEM_ERROR)
        approve(second, hiro)

        assert second.owed == Decimal(150)
        second.refresh_from_db()
        assert second.awaits_second
        recommended = RefundRequestEvent.objects.get(request=second, kind="recommended").text
        assert recommended == "90.00 USD, because it is above 100.00 USD. Fine"
        assert money(order) == (Decimal(60), Decimal(90))

    def test_leaves_out_what_the_policy_credited_by_itself(self, hiro: User) -> None:
        order = partly_delivered(rate="150", remains=600)
        assert money(order) == (Decimal(90), Decimal(60))

        request = approve(ask_for_refund(order, Cause.SYSTEM_ERROR), hiro)

        assert (request.state, request.amount) == (RequestState.APPROVED, Decimal(60))

    def test_is_none_where_the_policy_names_none(self, hiro: User) -> None:
        publish_variant('confirm_above = "100.00" # the source names no figure; ours\n', "")

        request = approve(claim_of("900"), hiro)

        assert (request.state, request.amount) == (RequestState.APPROVED, Decimal(900))


class TestOverruling:
    @pytest.mark.parametrize("amount", ["3.999999", "4.000001", "10"])
    def test_any_other_amount_needs_a_second_person(self, amount: str, hiro: User) -> None:
        request = order_in_review()

        approve(request, hiro, amount, note="Half came", at=LATER)

        request.refresh_from_db()
        assert request.awaits_second
        assert (request.recommended_by, request.recommended_at) == (hiro, LATER)
        assert (request.recommended_amount, request.recommended_note) == (Decimal(amount), "Half came")
        assert money(request.order) == (Decimal(0), Decimal(6))

    def test_the_proposed_amount_typed_by_hand_needs_none(self, hiro: User) -> None:
        request = approve(order_in_review(), hiro, "4")

        assert request.state == RequestState.APPROVED

    def test_what_the_policy_does_not_propose_at_all_needs_one(self, hiro: User) -> None:
        request = ask_for_refund(partly_delivered())

        assert approve(request, hiro, "0.5").awaits_second

    @pytest.mark.parametrize(("remains", "alone"), [(399, True), (400, True), (401, False), (1000, False)])
    def test_more_undelivered_units_than_were_reported_need_one(
        self,
        remains: int,
        alone: bool,  # noqa: FBT001 - a case
        hiro: User,
    ) -> None:
        request = approve(ask_for_refund(started(remains=400)), hiro, remains=remains)

        assert (request.state == RequestState.APPROVED, request.awaits_second) == (alone, not alone)

    def test_an_order_that_has_begun_and_of_which_nothing_was_reported_needs_one(self, hiro: User) -> None:
        request = approve(ask_for_refund(started()), hiro, remains=1000)

        assert request.awaits_second
        said = RefundRequestEvent.objects.filter(request=request).latest("id").text
        assert "more is said to be undelivered than was reported, which is nothing" in said

    def test_what_is_delivered_after_the_recommendation_voids_it(self, hiro: User, ida: User) -> None:
        order = started(rate="300", remains=500)
        request = approve(ask_for_refund(order), hiro, remains=500)
        assert request.awaits_second
        lifecycle.note_progress([Progress(order.pk, 1, None)])

        with nothing_moves(), pytest.raises(deciding.ChangedMeanwhile):
            confirm(request, ida)

    def test_how_the_customer_stands_is_part_of_what_was_recommended(self, hiro: User, ida: User) -> None:
        request = approve(order_in_review(), hiro, "3")
        User.objects.filter(pk=request.customer_id).update(standing="fraud_suspected")

        with nothing_moves(), pytest.raises(deciding.ChangedMeanwhile):
            confirm(request, ida)

    def test_another_recommendation_than_the_one_looked_at_is_not_confirmed(self, hiro: User, ida: User) -> None:
        request = approve(order_in_review(), hiro, "1")
        seen = request.recommendation_token
        send_back(request, hiro)
        approve(request, hiro, "9")

        with nothing_moves(), pytest.raises(deciding.ChangedMeanwhile):
            deciding.confirm(request_id=request.pk, staff=ida, seen=seen, at=LATER)

    def test_whoever_opened_it_for_the_customer_does_not_approve_it_alone(self, ida: User) -> None:
        maya = make_agent("maya", access.MAY_OPEN)
        order = started(remains=400)
        opened = [
            opening.open_by_staff(
                staff=maya, order_id=one.pk, cause=Cause.CANNOT_COMPLETE, description="He wrote.", at=AT
            )
            for one in (order, started(remains=400))
        ]

        assert approve(opened[0], maya, remains=400).awaits_second
        confirm(opened[0], ida)
        assert approve(opened[1], ida, remains=400).state == RequestState.APPROVED

    def test_a_recommendation_writes_to_nobody_and_says_to_staff_why(self, hiro: User) -> None:
        request = order_in_review()

        approve(request, hiro, "7", note="We were rude")

        assert letters(request.customer) == ["refund_in_review"]
        assert kinds(request) == ["opened", "recommended"]
        said = RefundRequestEvent.objects.filter(request=request).latest("id")
        assert (said.actor, said.text) == (
            hiro,
            "7.00 USD, because it differs from the 4.00 USD that the policy proposes. We were rude",
        )


def recommended(hiro: User, amount: str = "7") -> RefundRequest:
    """4.00 are proposed and Hiro wants another amount."""
    return approve(order_in_review(), hiro, amount, note="We were rude")


class TestConfirming:
    def test_credits_what_was_recommended_in_the_words_of_who_recommended_it(self, hiro: User, ida: User) -> None:
        request = recommended(hiro)

        confirm(request, ida, at=LATER)

        request.refresh_from_db()
        assert (request.state, request.amount, request.proposed) == (RequestState.APPROVED, Decimal(7), Decimal(4))
        assert (request.recommended_by, request.closed_by, request.closed_at) == (hiro, ida, LATER)
        assert request.answer == "We were rude"
        assert money(request.order) == (Decimal(7), Decimal(3))
        assert letters(request.customer) == ["refund_in_review", "request_approved"]
        assert kinds(request) == ["opened", "recommended", "approved"]

    def test_is_refused_to_who_recommended_it(self) -> None:
        ida = make_approver()
        request = recommended(ida)

        with nothing_moves(), pytest.raises(Forbidden, match="own recommendation"):
            confirm(request, ida)

    def test_is_refused_to_a_superuser_who_recommended_it(self) -> None:
        grace = make_staff("grace")
        request = recommended(grace)

        with nothing_moves(), pytest.raises(Forbidden, match="own recommendation"):
            confirm(request, grace)

    def test_is_refused_to_an_agent(self, hiro: User) -> None:
        request, otto = recommended(hiro), make_agent("otto")

        with nothing_moves(), pytest.raises(Forbidden, match="may not do this"):
            confirm(request, otto)

    def test_is_refused_to_its_customer(self, hiro: User, ida: User) -> None:
        fund(ida, "20")
        request = approve(order_in_review(ida), hiro, "7")

        with nothing_moves(), pytest.raises(Forbidden, match="own account"):
            confirm(request, ida)

    def test_is_refused_when_nothing_is_recommended(self, ida: User) -> None:
        request = order_in_review()

        with nothing_moves(), pytest.raises(deciding.NotRecommended):
            confirm(request, ida)

    def test_is_refused_twice(self, hiro: User, ida: User) -> None:
        request, zoe = recommended(hiro), make_approver("zoe")
        confirm(request, ida)

        with nothing_moves(), pytest.raises(access.NotOpen):
            confirm(request, zoe)

    def test_is_refused_when_the_customers_standing_changes_what_is_proposed(self, hiro: User, ida: User) -> None:
        order = started(remains=400)
        request = approve(ask_for_refund(order), hiro, "6", remains=400)
        standing.change(user=order.customer, to=Standing.ABUSE_FLAGGED, reason="Odd", staff=make_staff(), at=AT)

        with nothing_moves(), pytest.raises(deciding.ChangedMeanwhile):
            confirm(request, ida)

    def test_is_refused_when_the_order_ended_by_itself_since(self, hiro: User, ida: User) -> None:
        order = started(remains=400)
        request = approve(ask_for_refund(order), hiro, "6", remains=400)
        move(order, OrderStatus.PARTIAL, remains=300)

        with nothing_moves(), pytest.raises(access.NotOpen):
            confirm(request, ida)
        assert money(order) == (Decimal(3), Decimal(7))


class TestWhileItIsRecommended:
    def test_nobody_approves_again(self, hiro: User, ida: User) -> None:
        request = recommended(hiro)

        for person in (hiro, ida):
            with nothing_moves(), pytest.raises(deciding.AlreadyRecommended):
                approve(request, person)

    def test_another_person_sends_it_back_before_declining(self, hiro: User, ida: User) -> None:
        request = recommended(hiro)

        with nothing_moves(), pytest.raises(deciding.AlreadyRecommended):
            decline(request, ida)

    def test_who_recommended_it_may_decline_after_all(self, hiro: User) -> None:
        request = recommended(hiro)

        decline(request, hiro)

        request.refresh_from_db()
        assert (request.state, request.recommended_by, request.amount) == (RequestState.DECLINED, None, Decimal(0))
        assert money(request.order) == (Decimal(0), Decimal(10))

    def test_the_customer_may_take_it_back(self, hiro: User, ida: User) -> None:
        request = approve(ask_for_refund(completed(), Cause.SYSTEM_ERROR), hiro, "3")

        withdraw(request)

        request.refresh_from_db()
        assert (request.state, request.recommended_by, request.recommended_amount) == ("withdrawn", None, None)
        with nothing_moves(), pytest.raises(access.NotOpen):
            confirm(request, ida)


class TestSendingBack:
    @pytest.mark.parametrize("who", ["hiro", "ida"])
    def test_lets_it_be_decided_anew_and_writes_to_nobody(self, who: str, hiro: User, ida: User) -> None:
        request = recommended(hiro)
        person = {"hiro": hiro, "ida": ida}[who]

        send_back(request, person, note="Why seven?")

        request.refresh_from_db()
        assert not request.awaits_second
        assert (request.recommended_by, request.recommended_amount, request.recommended_note) == (None, None, "")
        assert kinds(request) == ["opened", "recommended", "sent_back"]
        assert letters(request.customer) == ["refund_in_review"]
        assert approve(request, hiro).state == RequestState.APPROVED
        assert money(request.order) == (Decimal(4), Decimal(6))

    def test_is_no_way_around_the_second_person(self, hiro: User) -> None:
        request = recommended(hiro)
        send_back(request, hiro)

        assert approve(request, hiro, "7").awaits_second

    def test_needs_a_reason_and_something_recommended(self, hiro: User, ida: User) -> None:
        request, other = recommended(hiro), order_in_review()

        with nothing_moves(), pytest.raises(texts.BadText):
            send_back(request, ida, note=" ")
        with nothing_moves(), pytest.raises(deciding.NotRecommended):
            send_back(other, ida)


class TestWhenTheOrderMoves:
    def test_a_recommendation_about_its_end_falls_with_a_correction(self, hiro: User, ida: User) -> None:
        request = ask_for_refund(partly_delivered(), Cause.SYSTEM_ERROR)
        approve(request, hiro, "5")
        move(request.order, OrderStatus.PARTIAL, remains=500, cause=Cause.CORRECTION, at=LATER)

        request.refresh_from_db()
        assert (request.is_open, request.awaits_second) == (True, False)
        assert kinds(request) == ["opened", "recommended", "order_moved"]
        with nothing_moves(), pytest.raises(deciding.NotRecommended):
            confirm(request, ida)

    def test_staff_do_not_go_past_a_recommendation_by_moving_the_order(self, hiro: User, ida: User) -> None:
        request, grace = recommended(hiro), make_staff()
        complete = partial(handling.complete, order_id=request.order_id, staff=grace, at=LATER)

        with nothing_moves(), pytest.raises(following.RecommendationWaits, match=f"Confirm request {request.pk}"):
            complete()

        send_back(request, ida)
        complete()
        request.refresh_from_db()
        assert (request.state, request.amount) == (RequestState.SUPERSEDED, Decimal(0))

    def test_staff_do_not_end_a_running_order_past_a_recommendation_about_it(self, hiro: User, ida: User) -> None:
        order, grace = started(remains=400), make_staff()
        request = approve(ask_for_refund(order), hiro, "6", remains=400)

        for end in (
            partial(handling.set_partial, remains=400, cause=Cause.CANNOT_COMPLETE),
            partial(handling.cancel, cause=Cause.STAFF_CANCELED),
            handling.complete,
        ):
            with nothing_moves(), pytest.raises(following.RecommendationWaits):
                end(order_id=order.pk, staff=grace, at=LATER)

        confirm(request, ida)
        assert money(order) == (Decimal(6), Decimal(4))

    def test_the_order_of_an_own_recommendation_is_no_exception(self, hiro: User) -> None:
        request = recommended(hiro)

        with nothing_moves(), pytest.raises(following.RecommendationWaits):
            handling.complete(order_id=request.order_id, staff=hiro, at=LATER)
