"""Passing refills on: once, or a person is told."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from orders import attention, refill_handling
from orders.fulfilment import refilling
from orders.fulfilment.client import NotSent, OutcomeUnknown, Reason, RefillTaken, RefusedByProvider
from orders.fulfilment.refilling import Outcome
from orders.models import (
    AttentionItem,
    AttentionKind,
    Cause,
    OrderStatus,
    Passing,
    Provider,
    Refill,
    RefillState,
)
from panel.sandbox.provider import Sandbox
from tests.factories import make_customer, make_staff, move
from tests.factories.desk import approve, ask_for_refund
from tests.orders.fulfilment.races import race
from tests.orders.fulfilment.stage import MINUTE, POLL, passed_on, provider_of, refill_at

pytestmark = pytest.mark.django_db

HALF = timedelta(seconds=30)
DAY = timedelta(days=1)


def sweep(at: datetime) -> int:
    """Do what the scheduled tasks do; return how many refills were passed on."""
    refilling.give_up_calls(at=at)
    claimed = refilling.claim_due(limit=100, at=at)
    for refill_id in claimed:
        refilling.send(refill_id=refill_id, at=at)
    return len(claimed)


def fresh(refill: Refill) -> Refill:
    return Refill.objects.get(pk=refill.pk)


def waiting_item() -> AttentionItem:
    return AttentionItem.objects.get(resolved_at=None)


def test_passes_a_refill_on_and_has_it_polled(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))

    assert sweep(POLL - timedelta(seconds=1)) == 0
    assert sweep(POLL) == 1
    assert sweep(POLL + DAY) == 0

    [there] = sandbox.refills()
    refill = fresh(refill)
    assert (refill.state, refill.passing) == (RefillState.PENDING, Passing.ACCEPTED)
    assert refill.provider_refill_id == str(there["refill"])
    assert (refill.called_at, refill.send_due_at, refill.poll_due_at) == (POLL, None, POLL + MINUTE)
    assert str(there["order"]) == refill.order.provider_order_id


def test_a_no_of_the_provider_rejects_it(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    sandbox.drive(refill.order.provider_order_id, status="Canceled")

    assert sweep(POLL) == 1

    refill = fresh(refill)
    assert (refill.state, refill.passing, refill.closed_at) == (RefillState.REJECTED, Passing.REFUSED, POLL)
    assert refill.detail == "This order can not be refilled"
    assert sweep(POLL + DAY) == 0
    assert not AttentionItem.objects.exists()


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "http_500", "nonsense"])
def test_a_lost_answer_is_never_asked_for_again_but_put_before_a_person(sandbox: Sandbox, kind: str) -> None:
    refill = refill_at(sandbox, provider_of(sandbox, supports_request_id=True))
    sandbox.fault(kind, action="refill", times=1)

    assert sweep(POLL) == 1
    for hours in (1, 24, 240):
        assert sweep(POLL + timedelta(hours=hours)) == 0

    assert len(sandbox.refills()) == (kind in {"drop_after", "nonsense"})
    refill = fresh(refill)
    assert (refill.state, refill.passing) == (RefillState.PENDING, Passing.UNKNOWN)
    item = waiting_item()
    assert (item.kind, item.order, item.report) == (AttentionKind.REFILL_UNKNOWN, refill.order, {"refill": refill.pk})
    assert f"say on the page of Refill {refill.pk}" in item.detail


def test_an_unknown_refill_can_not_be_put_away_unanswered(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    sandbox.fault("drop_after", action="refill", times=1)
    sweep(POLL)

    with pytest.raises(attention.StillOpen, match="on the page of the refill"):
        attention.resolve(item_id=waiting_item().pk, staff=make_staff(), resolution="Seen", at=POLL)
    refill_handling.settle(
        refill_id=refill.pk, to=RefillState.COMPLETED, note="It came", staff=make_staff(), at=POLL + DAY
    )

    assert not AttentionItem.objects.filter(resolved_at=None).exists()


def test_waits_for_a_provider_that_is_not_reached_and_tells_a_person_after_a_day(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    Provider.objects.update(api_url="http://127.0.0.1:9/api/v2")
    at, waits = POLL, []
    for _ in range(6):
        assert sweep(at) == 1
        due = fresh(refill).send_due_at
        assert due is not None
        waits.append((due - at).total_seconds())
        at = due

    assert waits == [30, 30, 60, 120, 240, 480]
    assert not AttentionItem.objects.exists()
    sweep(POLL + DAY)
    assert waiting_item().kind == AttentionKind.REFILL_SILENT
    Provider.objects.update(api_url=sandbox.url)
    assert sweep(POLL + DAY + timedelta(minutes=10)) == 1
    assert fresh(refill).passing == Passing.ACCEPTED


def test_a_refused_key_rejects_no_refill(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    Provider.objects.update(api_key="revoked")

    sweep(POLL)

    refill = fresh(refill)
    assert (refill.state, refill.passing, refill.send_due_at) == (
        RefillState.PENDING,
        Passing.WAITING,
        POLL + 5 * MINUTE,
    )
    assert waiting_item().kind == AttentionKind.PROVIDER_KEY


def test_too_many_calls_only_make_it_wait(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    sandbox.fault("http_429", action="refill", times=1)

    sweep(POLL)

    assert fresh(refill).send_due_at == POLL + MINUTE
    assert sweep(POLL + MINUTE) == 1
    assert fresh(refill).passing == Passing.ACCEPTED
    assert not AttentionItem.objects.exists()


def test_words_about_money_are_a_no_since_a_refill_costs_nothing(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    sandbox.fault("error", action="refill", error="Insufficient drop for a refill", times=1)

    sweep(POLL)

    assert (fresh(refill).state, fresh(refill).detail) == (RefillState.REJECTED, "Insufficient drop for a refill")


def test_a_held_provider_is_left_alone(sandbox: Sandbox) -> None:
    refill_at(sandbox, provider_of(sandbox))
    Provider.objects.update(held_until=POLL + MINUTE, held_reason="Empty")

    assert sweep(POLL) == 0
    assert sweep(POLL + MINUTE) == 1


def test_a_call_whose_worker_died_becomes_unknown(sandbox: Sandbox) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    assert refilling._begin(refill.pk, POLL)

    assert sweep(POLL + timedelta(seconds=79)) == 0
    assert fresh(refill).passing == Passing.CALLING
    sweep(POLL + timedelta(seconds=80))

    assert fresh(refill).passing == Passing.UNKNOWN
    assert waiting_item().kind == AttentionKind.REFILL_UNKNOWN
    assert sandbox.refills() == []


@pytest.mark.parametrize(
    ("outcome", "passing"),
    [
        (RefillTaken("501"), Passing.ACCEPTED),
        (NotSent("no connection"), Passing.WAITING),
        (RefusedByProvider("No refill", Reason.OTHER), Passing.REFUSED),
        (OutcomeUnknown("broken"), Passing.UNKNOWN),
    ],
)
def test_an_answer_that_comes_after_the_call_was_given_up_still_counts(
    sandbox: Sandbox, outcome: Outcome, passing: Passing
) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    refilling._begin(refill.pk, POLL)
    refilling.give_up_calls(at=POLL + 2 * MINUTE)

    assert refilling.record(refill_id=refill.pk, called_at=POLL, outcome=outcome, at=POLL + 2 * MINUTE) == passing

    still_asked = AttentionItem.objects.filter(resolved_at=None).values_list("kind", flat=True)
    assert list(still_asked) == ([AttentionKind.REFILL_UNKNOWN] if passing == Passing.UNKNOWN else [])


def test_an_answer_to_a_call_that_staff_settled_changes_nothing_but_is_looked_at(sandbox: Sandbox) -> None:
    refill, staff = refill_at(sandbox, provider_of(sandbox)), make_staff()
    refilling._begin(refill.pk, POLL)
    refilling.give_up_calls(at=POLL + 2 * MINUTE)
    refill_handling.not_there(refill_id=refill.pk, staff=staff, at=POLL + 3 * MINUTE)
    assert refilling.send(refill_id=refill.pk, at=POLL + 4 * MINUTE) == Passing.ACCEPTED

    refilling.record(refill_id=refill.pk, called_at=POLL, outcome=RefillTaken("499"), at=POLL + 5 * MINUTE)

    assert fresh(refill).provider_refill_id == "501"
    assert (waiting_item().kind, "as 499" in waiting_item().detail) == (AttentionKind.REFILL_ODD, True)


@pytest.mark.parametrize("number", ["taken", "x" * 61])
def test_a_number_that_can_not_be_the_refills_is_no_acceptance(sandbox: Sandbox, number: str) -> None:
    provider = provider_of(sandbox)
    other = passed_on(sandbox, provider)
    refill = refill_at(sandbox, provider)
    refilling._begin(refill.pk, POLL)
    said = RefillTaken(other.provider_refill_id if number == "taken" else number)

    assert refilling.record(refill_id=refill.pk, called_at=POLL, outcome=said, at=POLL) == Passing.UNKNOWN

    assert (fresh(refill).provider_refill_id, fresh(refill).poll_due_at) == ("", None)
    assert waiting_item().order == refill.order


@pytest.mark.parametrize(
    ("to", "words"), [(OrderStatus.COMPLETED, "All that was paid"), (OrderStatus.CANCELED, "Nothing")]
)
def test_what_was_refunded_while_it_waited_is_not_delivered_again(
    sandbox: Sandbox, to: OrderStatus, words: str
) -> None:
    refill = refill_at(sandbox, provider_of(sandbox))
    Provider.objects.update(api_url="http://127.0.0.1:9/api/v2")
    sweep(POLL + DAY)
    assert waiting_item().kind == AttentionKind.REFILL_SILENT
    if to == OrderStatus.CANCELED:
        move(refill.order, to, remains=1000, cause=Cause.CORRECTION)
    else:
        approve(ask_for_refund(refill.order, Cause.SYSTEM_ERROR), make_staff("hiro"), "2.5")
    Provider.objects.update(api_url=sandbox.url)

    assert sweep(POLL + 2 * DAY) == 1

    assert sandbox.refills() == []
    refill = fresh(refill)
    assert (refill.order.status, refill.order.kept) == (to, Decimal(0))
    assert (refill.state, refill.closed_at, refill.called_at) == (RefillState.REJECTED, POLL + 2 * DAY, POLL + DAY)
    assert refill.detail.startswith(f"Not passed on: {words}")
    assert not AttentionItem.objects.filter(resolved_at=None).exists()
    assert sweep(POLL + 3 * DAY) == 0


def test_recording_what_is_no_refill_is_harmless() -> None:
    assert refilling.record(refill_id=1, called_at=POLL, outcome=RefillTaken("1"), at=POLL) is None
    assert refilling.send(refill_id=1, at=POLL) is None


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_calls(sandbox: Sandbox) -> None:
    provider, customer = provider_of(sandbox), make_customer(funds="50")
    for _ in range(4):
        refill = refill_at(sandbox, provider, customer)

        results = race(*[lambda refill=refill: refilling.send(refill_id=refill.pk, at=POLL)] * 3)

        assert sorted(map(str, results)) == ["None", "None", "accepted"]
    assert len(sandbox.refills()) == 4
