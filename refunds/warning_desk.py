"""What staff decide about a fraud warning: refund what is left by hand, dismiss the case, let the account go."""

from datetime import datetime

from django.db import transaction

from billing import warning_cases
from billing.models import FraudWarning, WarningState
from billing.warning_cases import WrongState
from panel.accounts.models import User
from panel.kernel.errors import Forbidden, NotFound, Refused
from panel.locking import busy_when_locked
from panel.notifications import suspending
from refunds import publishing, warning_holds, warning_refunds
from refunds.warning_refunds import Ground

MAY_DECIDE = "billing.change_fraudwarning"


class NothingToRefund(Refused):
    """Nothing of the payment can go back."""

    code = "fraud_warning_nothing_to_refund"


def refund(*, warning_id: int, staff: User, reason: str, holds: bool, at: datetime) -> FraudWarning:
    """Pay back what is left of the payment, as the policy would have; with `holds` the account is suspended too.

    Raises Forbidden, NotFound, Refused (no reason), NothingToRefund, WrongState, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        seen, customer = _look(warning_id, staff, reason)
        if not WarningState(seen.state).may_become(WarningState.REFUNDING):
            message = f"This case is {seen.get_state_display().lower()}."
            raise WrongState(message)
        ground = Ground.load(customer, seen.deposit, holds=holds, at=at)
        case = FraudWarning.objects.locked().get(pk=warning_id)
        deposit, wallet = ground.clear(at=at)
        version = case.policy_version or publishing.version_in_force(at, customer.customer_group_id).pk
        said = warning_refunds.pay_back(case, deposit, wallet, policy_version=version, at=at)
        if not case.refund:
            raise NothingToRefund(said)
        if holds:
            case.holds = True
            warning_holds.hold(customer, at=at)
            said += " The account is held."
        warning_cases.move(case, WarningState.REFUNDING, note=f"{reason.strip()} {said}", at=at, actor=staff)
    return case


def dismiss(*, warning_id: int, staff: User, reason: str, at: datetime) -> FraudWarning:
    """Close a case without a refund, and let the account go if it was held for this case alone.

    Raises Forbidden, NotFound, Refused (no reason), WrongState, Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        _, customer = _look(warning_id, staff, reason)
        case = FraudWarning.objects.locked().get(pk=warning_id)
        case.holds = False
        warning_cases.move(case, WarningState.DISMISSED, note=reason.strip(), at=at, actor=staff)
        warning_holds.release(customer, at=at)
    return case


def release(*, warning_id: int, staff: User, reason: str, at: datetime) -> FraudWarning:
    """Let the account go, whatever becomes of the case; what else holds it goes on holding it.

    Raises Forbidden, NotFound, Refused (no reason), WrongState (it holds nothing), Busy.
    """
    with busy_when_locked(), transaction.atomic(durable=True):
        _, customer = _look(warning_id, staff, reason)
        case = FraudWarning.objects.locked().get(pk=warning_id)
        if not case.holds:
            raise WrongState("This case does not hold the account.")
        case.holds = False
        warning_cases.note(case, f"The account is let go: {reason.strip()}", at=at, actor=staff)
        warning_holds.release(customer, at=at)
    return case


def _look(warning_id: int, staff: User, reason: str) -> tuple[FraudWarning, User]:
    """Lock the customer of a case, who comes first, and return both; the case itself is not locked yet."""
    found: FraudWarning | None = FraudWarning.objects.select_related("deposit").filter(pk=warning_id).first()
    if found is None:
        raise NotFound("There is no such fraud warning.")
    if not staff.has_perm(MAY_DECIDE) or staff.pk == found.customer_id:
        raise Forbidden("Fraud warnings are decided by staff who may do so, and never about oneself.")
    if not reason.strip():
        raise Refused("Say why: it stays with the case.", field="reason")
    return found, suspending.locked(found.customer_id)
