"""What staff do about a refill by hand: say how it goes, or what became of a call that was never answered."""

from datetime import datetime

from django.db import IntegrityError, transaction

from orders import attention
from orders.fulfilment import answers, outcomes, refilling
from orders.models import AttentionKind, Order, Passing, Refill, RefillState
from orders.refills import RefillNotFound
from panel.accounts.models import User
from panel.kernel.errors import Conflict, Forbidden, Refused

_ABOUT = (AttentionKind.REFILL_UNKNOWN, AttentionKind.REFILL_ODD, AttentionKind.REFILL_SILENT)


class BeingPassedOn(Conflict):
    """The provider is being asked for the refill at this moment."""

    code = "refill_being_passed_on"


class RefillNotUnknown(Conflict):
    """What became of the call is known already."""

    code = "refill_not_unknown"


class RefillNumberTaken(Conflict):
    """The provider's number belongs to another refill."""

    code = "refill_number_taken"


def settle(*, refill_id: int, to: RefillState, note: str, staff: User, at: datetime) -> None:
    """Say that a refill has started or how it ended. `note` is for staff. What was decided so, no provider overrules.

    Raises RefillNotFound, Forbidden, BeingPassedOn, IllegalRefillMove.
    """
    with transaction.atomic(durable=True):
        refill = _locked_for(staff, refill_id)
        if refill.passing == Passing.CALLING:
            raise BeingPassedOn("The provider is being asked for this refill. Try again in a minute.")
        moved = refill.move(to, at=at)
        refill.detail = note.strip()[:300]
        refill.settled_by = staff if not refill.is_live else None
        refill.save(update_fields=[*moved, "detail", "settled_by"])
        if not refill.is_live:
            for kind in _ABOUT:
                attention.settle(
                    order_id=refill.order_id, kind=kind, staff=staff, resolution=f"{to.label} by hand", at=at
                )


def found(*, refill_id: int, provider_refill_id: str, staff: User, at: datetime) -> None:
    """Record that staff found the refill at the provider under this number; it is polled from now on.

    Raises RefillNotFound, Forbidden, RefillNotUnknown, Refused (no such number can exist), RefillNumberTaken.
    """
    number = provider_refill_id.strip()
    if answers.order_id(number) is None or len(number) > outcomes.LONGEST_NUMBER:
        raise Refused("Give the provider's number of the refill as it shows it.", field="provider_refill_id")
    with transaction.atomic(durable=True):
        refill = _unknown_for(staff, refill_id)
        try:
            refilling.assign(refill, number, at)
        except IntegrityError as error:
            message = f"Number {number} belongs to another refill of this provider."
            raise RefillNumberTaken(message, field="provider_refill_id") from error
        _settle_attention(refill, staff, f"Found at the provider as {number}", at)


def not_there(*, refill_id: int, staff: User, at: datetime) -> None:
    """Record that staff made sure the provider knows nothing of the refill: it is asked for once more.

    Raises RefillNotFound, Forbidden, RefillNotUnknown.
    """
    with transaction.atomic(durable=True):
        refill = _unknown_for(staff, refill_id)
        refilling.put_back(refill, "Staff: not at the provider", due=at)
        _settle_attention(refill, staff, "Not at the provider; asked for once more", at)


def _locked_for(staff: User, refill_id: int) -> Refill:
    if not staff.is_staff:
        raise Forbidden("Refills are settled by staff.")
    refill = refilling.lock(refill_id)
    if refill is None:
        raise RefillNotFound("There is no such refill.")
    if Order.objects.filter(pk=refill.order_id, customer=staff).exists():
        raise Forbidden("Nobody handles an own order.")
    return refill


def _unknown_for(staff: User, refill_id: int) -> Refill:
    refill = _locked_for(staff, refill_id)
    if not refill.is_live or refill.passing != Passing.UNKNOWN:
        what = refill.get_state_display() if not refill.is_live else refill.get_passing_display()
        message = f"What became of it is known: {what.lower()}."
        raise RefillNotUnknown(message)
    return refill


def _settle_attention(refill: Refill, staff: User, resolution: str, at: datetime) -> None:
    kind = AttentionKind.REFILL_UNKNOWN
    attention.settle(order_id=refill.order_id, kind=kind, staff=staff, resolution=resolution, at=at)
