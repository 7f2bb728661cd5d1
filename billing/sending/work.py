"""Carry out what is due, batch after batch."""

from collections.abc import Sequence
from time import monotonic
from typing import Final

import structlog
from django.utils import timezone

from billing import gateway_refunds
from billing.gateways.base import Refusal, Refused
from billing.sending import calls, claims, outcomes
from billing.sending.calls import Outcome
from panel.kernel.errors import PanelError

log = structlog.get_logger()

BATCH: Final = 50


def send_due(*, batches: int = 1_000, seconds: float = 100.0) -> int:
    """Claim, call and record until nothing is due or the time is over; return how many calls were made."""
    made, end = 0, monotonic() + seconds
    for _ in range(batches):
        claimed = claims.claim_due(limit=BATCH, at=timezone.now())
        if not claimed:
            break
        found = calls.carry_out(claimed)
        record(found)
        _take_in_refunds_by_hand(found)
        made += len(claimed)
        if monotonic() > end:
            break
    return made


def _take_in_refunds_by_hand(found: Sequence[Outcome]) -> None:
    """Book the refund that was in the way at once, before the money that came back to the balance is spent again."""
    for outcome in found:
        if isinstance(outcome.found, Refused) and outcome.found.refusal is Refusal.ALREADY_REFUNDED:
            claim = outcome.claim
            try:
                gateway_refunds.refresh_payment(
                    claim.request.payment_reference, gateway=claim.gateway, at=timezone.now()
                )
            except PanelError as error:  # reconciliation takes it in later
                log.warning("refund_by_hand_not_read", leg=claim.leg_id, error=error.message)


def record(found: Sequence[Outcome]) -> None:
    """Record a batch; if that fails, each outcome alone, so that one that can't be recorded holds up no other.

    What is not recorded is found out again when its lease has ended.
    """
    try:
        outcomes.record(found, at=timezone.now())
    except Exception:
        log.exception("outcomes_not_recorded", number=len(found))
        if len(found) > 1:
            for outcome in found:
                record([outcome])
