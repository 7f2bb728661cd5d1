"""What staff do about refills by hand."""

import pytest

from orders import refill_handling, refills
from orders.fulfilment import refill_polls, refilling
from orders.fulfilment.client import OutcomeUnknown, RefillReport, RefillTaken
from orders.models import AttentionItem, Passing, Refill, RefillOffer, RefillState
from orders.models.refill import IllegalRefillMove
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, NotFound, Refused
from tests.factories import AT, HOUR, make_provider, make_staff
from tests.factories.refills import end, refill_of, refillable

pytestmark = pytest.mark.django_db

LATER = AT + HOUR


@pytest.fixture
def grace() -> User:
    return make_staff()


def settle(refill: Refill, to: RefillState, staff: User, note: str = "") -> Refill:
    refill_handling.settle(refill_id=refill.pk, to=to, note=note, staff=staff, at=LATER)
    refill.refresh_from_db()
    return refill


def unknown(number: str = "") -> Refill:
    """Return a refill whose call was not answered, or was by this number."""
    refill = refill_of(refillable(provider=make_provider()))
    refilling._begin(refill.pk, AT)
    outcome = RefillTaken(number) if number else OutcomeUnknown("The connection broke")
    refilling.record(refill_id=refill.pk, called_at=AT, outcome=outcome, at=AT)
    refill.refresh_from_db()
    return refill


@pytest.mark.parametrize("to", [RefillState.COMPLETED, RefillState.REJECTED, RefillState.ERROR])
def test_says_how_a_refill_carried_out_by_staff_ended(grace: User, to: RefillState) -> None:
    refill = settle(refill_of(refillable()), RefillState.IN_PROGRESS, grace)
    assert (refill.state, refill.started_at, refill.settled_by) == (RefillState.IN_PROGRESS, LATER, None)

    refill = settle(refill, to, grace, " Delivered 40 more ")

    assert (refill.state, refill.closed_at, refill.settled_by) == (to, LATER, grace)
    assert refill.detail == "Delivered 40 more"
    failed = to != RefillState.COMPLETED
    assert refills.offers([refill.order])[refill.order_id] == (RefillOffer.REFUSED if failed else RefillOffer.AVAILABLE)


def test_settles_a_refill_of_a_provider_that_is_silent_and_hears_it_no_more(grace: User) -> None:
    refill = settle(unknown("501"), RefillState.ERROR, grace, "Never heard of it again")

    refill_polls.record({refill.pk: RefillReport("Completed")}, LATER)

    refill.refresh_from_db()
    assert (refill.state, refill.poll_due_at) == (RefillState.ERROR, None)


def test_a_refill_that_waits_is_not_passed_on_once_it_is_settled(grace: User) -> None:
    refill = settle(refill_of(refillable(provider=make_provider())), RefillState.REJECTED, grace)

    assert refill.send_due_at is None
    assert refilling.claim_due(limit=10, at=LATER) == []
    assert refilling.send(refill_id=refill.pk, at=LATER) is None


def test_waits_for_a_call_that_is_being_made(grace: User) -> None:
    refill = refill_of(refillable(provider=make_provider()))
    refilling._begin(refill.pk, AT)

    with pytest.raises(refill_handling.BeingPassedOn):
        settle(refill, RefillState.COMPLETED, grace)


def test_what_ended_can_not_end_otherwise(grace: User) -> None:
    refill = end(refill_of(refillable()))

    with pytest.raises(IllegalRefillMove, match="is completed and can't become rejected"):
        settle(refill, RefillState.REJECTED, grace)


def test_found_at_the_provider_it_is_polled_under_that_number(grace: User) -> None:
    refill = unknown()

    refill_handling.found(refill_id=refill.pk, provider_refill_id=" 8001 ", staff=grace, at=LATER)

    refill.refresh_from_db()
    assert (refill.passing, refill.provider_refill_id) == (Passing.ACCEPTED, "8001")
    assert refill.poll_due_at is not None
    item = AttentionItem.objects.get()
    assert (item.resolved_by, item.resolution) == (grace, "Found at the provider as 8001")
    with pytest.raises(refill_handling.RefillNotUnknown, match="with the provider"):
        refill_handling.found(refill_id=refill.pk, provider_refill_id="8002", staff=grace, at=LATER)


def test_refuses_a_number_that_is_another_refills_or_none_at_all(grace: User) -> None:
    other, refill = unknown("8001"), unknown()
    twin = Refill.objects.filter(pk=refill.pk)
    assert other.provider != refill.provider
    for number in ("", "0", "12,13", "x" * 61, "a b"):
        with pytest.raises(Refused, match="number of the refill"):
            refill_handling.found(refill_id=refill.pk, provider_refill_id=number, staff=grace, at=LATER)
    second = refill_of(refillable(provider=other.provider))
    refilling._begin(second.pk, AT)
    refilling.record(refill_id=second.pk, called_at=AT, outcome=OutcomeUnknown("Broke"), at=AT)

    with pytest.raises(refill_handling.RefillNumberTaken, match="another refill"):
        refill_handling.found(refill_id=second.pk, provider_refill_id="8001", staff=grace, at=LATER)
    refill_handling.found(refill_id=refill.pk, provider_refill_id="8001", staff=grace, at=LATER)

    assert twin.get().provider_refill_id == "8001"
    assert Refill.objects.get(pk=second.pk).passing == Passing.UNKNOWN


def test_not_there_it_is_asked_for_once_more(grace: User) -> None:
    refill = unknown()

    refill_handling.not_there(refill_id=refill.pk, staff=grace, at=LATER)

    refill.refresh_from_db()
    assert (refill.passing, refill.send_due_at) == (Passing.WAITING, LATER)
    assert refilling.claim_due(limit=10, at=LATER) == [refill.pk]
    assert AttentionItem.objects.get().resolution == "Not at the provider; asked for once more"
    with pytest.raises(refill_handling.RefillNotUnknown):
        refill_handling.not_there(refill_id=refill.pk, staff=grace, at=LATER)


def test_only_staff_settle_and_nobody_an_own_order(grace: User) -> None:
    refill = refill_of(refillable())
    owner = refill.order.customer

    with pytest.raises(Forbidden):
        settle(refill, RefillState.COMPLETED, owner)
    owner.is_staff = True
    owner.save(update_fields=["is_staff"])
    with pytest.raises(Forbidden, match="own order"):
        settle(refill, RefillState.COMPLETED, owner)
    with pytest.raises(NotFound):
        refill_handling.settle(refill_id=refill.pk + 1, to=RefillState.COMPLETED, note="", staff=grace, at=LATER)

    refill.refresh_from_db()
    assert refill.is_live
