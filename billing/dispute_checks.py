"""Ask the gateways about disputes: the open ones again, and those that nobody has told us of. Webhooks get lost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog

from billing import deposit_lookup, disputes, gateways, ports
from billing.gateways.base import DisputeReport, GatewayError
from billing.models import Dispute
from panel.kernel.errors import Busy

log = structlog.get_logger()

BATCH: Final = 100
LOOK_BACK: Final = timedelta(days=7)


def check_due(*, clock: Callable[[], datetime], limit: int = BATCH, seconds: float = 60.0) -> int:
    """Take in anew up to `limit` disputes that are due, the longest due first; return how many were asked about.

    One that can't be read is logged and put off, so that it keeps none of the others waiting.
    """
    due = Dispute.objects.filter(due_at__lte=clock()).order_by("due_at")
    rows = list(due.values_list("pk", "gateway", "reference")[:limit])
    end = monotonic() + seconds
    for asked, (dispute_id, gateway, reference) in enumerate(rows):
        if monotonic() > end:
            return asked
        if not _learn(reference, gateway, clock()):
            disputes.ask_later(dispute_id, at=clock())
    return len(rows)


def look_for_new(*, clock: Callable[[], datetime]) -> int:
    """Take in the disputes of the last days that we don't know, or know otherwise; return how many.

    A gateway that does not answer is asked again by the next sweep and keeps none of the others waiting.
    """
    taken_in = 0
    for gateway in gateways.configured():
        slug = gateway.describe().slug
        try:
            for report in gateway.disputes(clock() - LOOK_BACK):
                if _is_news(report, slug):
                    taken_in += _learn(report.reference, slug, clock())
        except GatewayError as error:
            log.warning("disputes_not_listed", gateway=slug, error=error.message)
    return taken_in


def _is_news(report: DisputeReport, gateway: str) -> bool:
    if deposit_lookup.is_foreign(report.payment_reference, gateway=gateway):
        return False
    known = Dispute.objects.filter(gateway=gateway, reference=report.reference, gateway_words=report.status)
    return not known.filter(withdrawn=report.withdrawn, amount=report.amount).exists()


def _learn(reference: str, gateway: str, at: datetime) -> bool:
    try:
        ports.learn_of_dispute(reference, gateway=gateway, at=at)
    except disputes.NotKnown as error:
        log.warning("dispute_of_no_deposit", reference=reference, error=error.message)
    except (Busy, GatewayError) as error:
        log.warning("dispute_not_taken_in", reference=reference, error=error.message)
    except Exception:
        log.exception("dispute_check_broke", reference=reference)
    else:
        return True
    return False
