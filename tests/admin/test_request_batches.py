"""Approving many equal refund requests at once: what is equal, what the preview says, how refusals are told."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin import helpers
from django.contrib.admin.models import LogEntry
from django.test import Client

from billing.models import Transfer
from orders import handling
from orders.models import Cause, Order
from panel.accounts import standing
from panel.accounts.models import Standing
from refunds.admin import request_batches
from refunds.desk import opening
from refunds.models import RefundRequest, RequestState
from tests.admin.pages import clerk, hidden_of, listing, said, signed_in, text_of
from tests.factories import AT, fund, make_staff
from tests.factories.desk import approve, ask_for_refund, decline, order_in_review, partly_delivered, started

pytestmark = pytest.mark.django_db
LIST = "refunds_refundrequest"


def choose(client: Client, *wishes: RefundRequest, **given: str) -> Any:
    """Choose requests in the list, and press the button of the page that follows once more for each thing given."""
    chosen = {"action": "approve_chosen", helpers.ACTION_CHECKBOX_NAME: [str(wish.pk) for wish in wishes]}
    answer = client.post(listing(LIST, show="all"), chosen)
    if not given:
        return answer
    return client.post(listing(LIST, show="all"), {**hidden_of(answer), **chosen, **given})


def carry_out(client: Client, preview: Any, *wishes: RefundRequest) -> Any:
    """Confirm a preview."""
    chosen = {helpers.ACTION_CHECKBOX_NAME: [str(wish.pk) for wish in wishes]}
    return client.post(listing(LIST, show="all"), {**hidden_of(preview), **chosen})


def large_review() -> RefundRequest:
    """Return the request about an order of 500.00 that was canceled for a wrong link: 200.00 wait for a person."""
    order = started(rate="500")
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)
    return RefundRequest.objects.get(order=order)


def refunded(wish: RefundRequest) -> Decimal:
    return Order.objects.get(pk=wish.order_id).refunded


def test_approves_equal_ones_after_showing_each_amount_and_the_total() -> None:
    wishes, staff = [order_in_review(), order_in_review()], make_staff("hiro", "Agent")
    client = signed_in(staff)

    preview = choose(client, *wishes, note="Checked with the provider")
    page = text_of(preview)
    assert "Credited at once: 8.00 USD. Recommended to a second person: 0.00 USD." in page
    assert [refunded(wish) for wish in wishes] == [0, 0]
    done = said(client, carry_out(client, preview, *wishes))

    assert f"Approved: {wishes[0].pk}, {wishes[1].pk}." in done
    assert [refunded(wish) for wish in wishes] == [Decimal(4), Decimal(4)]
    assert LogEntry.objects.filter(user=staff, change_message__contains="Checked with the provider").count() == 2


def test_says_which_are_not_equal_and_leaves_them_as_they_are() -> None:
    first, second = order_in_review(), order_in_review()
    unlike = ask_for_refund(partly_delivered(), Cause.SYSTEM_ERROR)
    paid, running = ask_for_refund(partly_delivered()), ask_for_refund(started())
    closed = order_in_review()
    decline(closed, make_staff())
    client, all_of_them = signed_in(make_staff("hiro", "Agent")), (first, second, unlike, paid, running, closed)

    page = text_of(choose(client, *all_of_them))
    assert "Approve 2 requests as proposed" in page
    assert "is not like the others: clause error-reported, cause “System error”" in page
    assert "Nothing would be credited" in page  # all of it was credited when that order ended
    assert "Say how many of the 1,000 units remain undelivered." in page
    assert "This request is declined already." in page
    preview = choose(client, *all_of_them, note="Fine")
    said(client, carry_out(client, preview, *all_of_them))

    states = [RefundRequest.objects.get(pk=wish.pk).state for wish in all_of_them]
    assert states == ["approved", "approved", "open", "open", "open", "declined"]
    assert refunded(unlike) == Decimal(4)  # what was not delivered, and nothing of the rest that is claimed


def test_leaves_out_the_requests_of_customers_who_do_not_stand_clear_and_says_why() -> None:
    clear, flagged, staff = order_in_review(), order_in_review(), make_staff("hiro", "Agent")
    standing.change(user=flagged.customer, to=Standing.ABUSE_FLAGGED, reason="Often", staff=make_staff(), at=AT)
    client = signed_in(staff)

    page = text_of(choose(client, clear, flagged))
    assert "Approve 1 request as proposed" in page
    assert f"{flagged.customer} stands as “flagged for abuse”: look at this request by itself." in page
    preview = choose(client, clear, flagged, note="Fine")
    assert (
        dict(zip(preview.context["preview"].panel.headers, preview.context["preview"].panel.rows[0], strict=True))[
            "Standing"
        ]
        == "Clear"
    )
    said(client, carry_out(client, preview, clear, flagged))

    assert RefundRequest.objects.get(pk=flagged.pk).is_open
    assert (refunded(clear), refunded(flagged)) == (Decimal(4), 0)


def test_those_that_need_a_second_person_are_recommended_and_the_preview_says_so() -> None:
    small, large = order_in_review(), large_review()
    client = signed_in(make_staff("hiro", "Agent"))

    preview = choose(client, small, large, note="Fine")
    page = text_of(preview)
    assert "Credited at once: 4.00 USD. Recommended to a second person: 200.00 USD." in page
    assert "Yes: it is above 100.00 USD" in page
    done = said(client, carry_out(client, preview, small, large))

    assert f"Approved: {small.pk}. Recommended to a second person: {large.pk}." in done
    large.refresh_from_db()
    assert (large.awaits_second, refunded(large)) == (True, 0)


def test_what_somebody_opened_for_a_customer_he_only_recommends_and_the_total_says_so() -> None:
    staff, order = make_staff("hiro", "Agent"), partly_delivered()
    cause = Cause.SYSTEM_ERROR
    opened = opening.open_by_staff(staff=staff, order_id=order.pk, cause=cause, description="By telephone", at=AT)
    client = signed_in(staff)

    preview = choose(client, opened, note="Fine")
    assert "Credited at once: 0.00 USD. Recommended to a second person: 6.00 USD." in text_of(preview)
    done = said(client, carry_out(client, preview, opened))

    assert f"Recommended to a second person: {opened.pk}." in done
    assert refunded(opened) == Decimal(4)


def test_one_that_was_answered_meanwhile_is_shown_before_anything_is_done() -> None:
    first, second = order_in_review(), order_in_review()
    client = signed_in(make_staff("hiro", "Agent"))
    preview = choose(client, first, second, note="Fine")
    approve(first, make_staff())

    answer = carry_out(client, preview, first, second)

    assert "has changed since you looked" in text_of(answer)
    second.refresh_from_db()
    assert (second.state, refunded(first), refunded(second)) == (RequestState.OPEN, Decimal(4), 0)


def test_each_refusal_is_told_by_itself_and_stops_no_other() -> None:
    staff = make_staff("hiro", "Agent")
    fund(staff, "20")
    own, other = order_in_review(staff), order_in_review()
    client = signed_in(staff)

    preview = choose(client, own, other, note="Fine")
    page = said(client, carry_out(client, preview, own, other))

    assert f"Request {own.pk}: Nobody works on a request of an own account." in page
    assert f"Approved: {other.pk}." in page
    assert (refunded(own), refunded(other)) == (0, Decimal(4))


def test_refuses_without_a_reason_and_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = order_in_review(), order_in_review()
    client, before = signed_in(make_staff("hiro", "Agent")), Transfer.objects.count()

    silent = choose(client, first, second, note=" ")
    monkeypatch.setattr(request_batches, "MOST_AT_ONCE", 1)
    many = said(client, choose(client, first, second))

    assert list(silent.context["form"].errors) == ["note"]
    assert "Choose 1 requests at most." in many
    assert Transfer.objects.count() == before


def test_says_so_when_none_of_them_can_be_approved() -> None:
    running = ask_for_refund(started())
    client = signed_in(make_staff("hiro", "Agent"))

    page = said(client, choose(client, running))

    assert f"Request {running.pk}: Say how many of the 1,000 units remain undelivered." in page


def test_who_may_only_look_approves_nothing() -> None:
    wish, client = order_in_review(), signed_in(clerk("refunds.view_refundrequest"))

    choose(client, wish)

    wish.refresh_from_db()
    assert wish.is_open
    assert refunded(wish) == 0
