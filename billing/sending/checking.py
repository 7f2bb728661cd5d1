"""Look how a withdrawal stands at its gateways, because a person wants to know now. Sends nothing.

Unlike a claim it takes no lease and never uses a key: it only reads, and what it reads goes through the same record
function as everything else. So it may run beside the sweep.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billing import gateways
from billing.gateways.base import GatewayError, RefundReport
from billing.models import LegState, WithdrawalLeg
from billing.sending import claims, outcomes

# A leg in any other state has nothing at the gateway, or nothing more can come of it.
ASKED_ABOUT: Final = (LegState.SENDING, LegState.UNKNOWN, LegState.SENT, LegState.PAID)


@dataclass(frozen=True, slots=True)
class Check:
    """What came of asking about one leg. `words` is what the gateway said when it could not say how the leg stands."""

    leg_id: int
    before: LegState
    after: LegState
    words: str = ""


def check_now(*, withdrawal_id: int, at: datetime) -> list[Check]:
    """Ask about every leg that may have reached its gateway, and record the answers. Raises Busy."""
    legs = WithdrawalLeg.objects.select_related("withdrawal", "deposit").filter(
        withdrawal=withdrawal_id, state__in=ASKED_ABOUT
    )
    return [_check(leg, at) for leg in legs]


def _check(leg: WithdrawalLeg, at: datetime) -> Check:
    before = LegState(leg.state)
    try:
        report = _look(leg)
    except GatewayError as error:
        return Check(leg.pk, before, before, error.message)
    if report is None:
        return Check(leg.pk, before, before, "The gateway has no such refund so far.")
    outcomes.record_report(report, leg_id=leg.pk, withdrawal_id=leg.withdrawal_id, at=at)
    after = WithdrawalLeg.objects.values_list("state", flat=True).get(pk=leg.pk)
    return Check(leg.pk, before, LegState(after))


def _look(leg: WithdrawalLeg) -> RefundReport | None:
    gateway = gateways.get(leg.gateway)
    if leg.reference is not None:
        return gateway.fetch_refund(leg.reference)
    return gateway.find_refund(claims.request_of(leg))
