"""Every refusal in the words of API v2: one table from error types to strings.

Published clients compare these strings, so they stay as they are, odd English included.
"""

import logging
from collections.abc import Mapping
from typing import Final

from billing.ledger import InsufficientFunds
from orders.api_v2.parameters import Malformed
from orders.canceling import CancelRefused, CancelRunning, OrderNotFound
from orders.lines import (
    LONGEST_REQUEST_ID,
    BadLine,
    BadLink,
    BadRequestId,
    QuantityAboveMaximum,
    QuantityBelowMinimum,
    UnknownService,
)
from orders.placing import LinkBusy, NotEnoughFunds, RequestIdReused
from orders.refills import BadRefillId, RefillNotFound, RefillRefused, RefillRunning
from panel.accounts.keys import InvalidKey
from panel.accounts.suspension import AccountSuspended
from panel.kernel.errors import Busy, PanelError

logger = logging.getLogger(__name__)

# The most special type of an error's ancestors counts. `{error...}` is filled in from the error.
WORDS: Final[Mapping[type[PanelError], str]] = {
    Malformed: "Incorrect request",
    InvalidKey: "Invalid API key",
    AccountSuspended: "Account suspended",
    UnknownService: "Incorrect service ID",
    BadLine: "Incorrect request",
    BadLink: "Bad link",
    QuantityBelowMinimum: "Quantity less than minimal {error.minimum}",
    QuantityAboveMaximum: "Quantity more than maximum {error.maximum}",
    NotEnoughFunds: "Not enough funds on balance",
    InsufficientFunds: "Not enough funds on balance",
    LinkBusy: "You have active order with this link. Please wait until order being completed.",
    BadRequestId: f"A request_id has at most {LONGEST_REQUEST_ID} printable characters",
    RequestIdReused: "This request_id belongs to another order",
    OrderNotFound: "Incorrect order ID",
    CancelRefused: "{error.message}",
    CancelRunning: "{error.message}",
    BadRefillId: "Incorrect refill ID",
    RefillNotFound: "Refill not found",
    RefillRefused: "{error.message}",
    RefillRunning: "{error.message}",
    Busy: "The panel is busy, please try again",
    PanelError: "Temporarily unavailable",
}


def words(error: PanelError) -> str:
    """Return the string of API v2 for this error. One that the table doesn't know is logged: it is a gap of ours."""
    kind = next(kind for kind in type(error).__mro__ if kind in WORDS)
    if kind is PanelError:
        logger.error("an error without words in API v2", extra={"code": error.code, "error": error.message})
    return WORDS[kind].format(error=error)
