"""Ask the gateways about deposits that nobody has told us of yet: webhooks get lost."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Final

import structlog

from billing import deposits
from billing.models import Deposit
from panel.kernel.errors import Busy

log = structlog.get_logger()

BATCH: Final = 200


def check_due(*, clock: Callable[[], datetime], limit: int = BATCH, seconds: float = 60.0) -> int:
    """Refresh up to `limit` deposits that are due, the longest due first; return how many were asked about.

    Ends after `seconds`: a gateway that does not answer must not keep a worker from everything else.

    One that can't be recorded is logged and put off, so that it keeps none of the others waiting.
    """
    due = list(Deposit.objects.filter(due_at__lte=clock()).order_by("due_at").values_list("pk", flat=True)[:limit])
    end = monotonic() + seconds
    for asked, deposit_id in enumerate(due):
        if monotonic() > end:
            return asked
        try:
            deposits.refresh(deposit_id, at=clock())
        except Busy as error:
            log.warning("deposit_busy", deposit=deposit_id, error=error.message)
        except Exception:
            log.exception("deposit_check_broke", deposit=deposit_id)
            deposits.ask_again(deposit_id, at=clock())
    return len(due)
