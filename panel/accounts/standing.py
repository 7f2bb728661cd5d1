"""How a customer stands with us: a fact of every refund decision, changed with reasons and never silently."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from panel.accounts.models import Standing, StandingChange, User
from panel.kernel.errors import Conflict, Forbidden, Refused

LONGEST_REASON = 300


class StandsSo(Conflict):
    """The customer stands like this already."""

    code = "stands_so"


def change(*, user: User, to: Standing, reason: str, staff: User, at: datetime) -> StandingChange:
    """Let staff flag a customer or lift a flag, with the reason that later readers need.

    Raises Forbidden, Refused without a reason, StandsSo.
    """
    if not (staff.is_staff and staff.has_perm("accounts.change_user")):
        raise Forbidden("You may not change how a customer stands.")
    if staff.pk == user.pk:
        raise Forbidden("Nobody changes the standing of an own account.")
    if not reason.strip():
        raise Refused("Say why: whoever looks at this customer next will read it.", field="reason")
    with transaction.atomic(durable=True):
        return _write(locked(user.pk), to, [reason.strip()[:LONGEST_REASON]], staff, at)


def flag_measured(*, user: User, reasons: Sequence[str], at: datetime) -> StandingChange:
    """Flag a customer for abuse because of what was counted, in the caller's transaction; `user` is locked.

    Raises StandsSo when he does not stand clear: what a person decided is not overwritten.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("flags are raised inside the caller's transaction")
    if user.standing != Standing.CLEAR:
        raise StandsSo("This customer is flagged already.")
    return _write(user, Standing.ABUSE_FLAGGED, list(reasons), None, at)


def locked(user_id: int) -> User:
    """Return the account, locked against everything that looks at its standing before it acts."""
    found: User = User.objects.select_for_update(no_key=True, of=("self",)).get(pk=user_id)
    return found


def _write(user: User, to: Standing, reasons: list[str], staff: User | None, at: datetime) -> StandingChange:
    if user.standing == to:
        raise StandsSo(f"This customer's standing is “{to.label}” already.")
    changed: StandingChange = StandingChange.objects.create(
        user=user, at=at, from_standing=user.standing, to_standing=to, reasons=reasons, changed_by=staff
    )
    user.standing = to
    user.save(update_fields=["standing"])
    return changed
