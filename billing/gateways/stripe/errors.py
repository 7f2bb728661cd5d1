"""What Stripe's errors mean: definitely not carried out and why, not carried out this time, or nobody knows.

Sources: Stripe's pages on error codes, on advanced error handling and on idempotent requests.
"""

import contextlib
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from stripe import StripeError

from billing.gateways.base import GatewayError, OutcomeUnknown, Refusal, Refused, TryLater
from billing.gateways.stripe.answers import presentable

logger = logging.getLogger(__name__)

_LONGEST_MESSAGE: Final = 300

REFUSALS: Final = {
    "charge_already_refunded": Refusal.ALREADY_REFUNDED,
    "charge_disputed": Refusal.DISPUTED,
    "refund_disputed_payment": Refusal.DISPUTED,
    "balance_insufficient": Refusal.SHORT_OF_FUNDS,
    "insufficient_funds": Refusal.SHORT_OF_FUNDS,
    "resource_missing": Refusal.NOT_FOUND,
    "expired_or_canceled_card": Refusal.METHOD_GONE,
    "lost_or_stolen_card": Refusal.METHOD_GONE,
    "charge_for_pending_refund_disputed": Refusal.DISPUTED,
}
"""Error codes of refused calls, and failure reasons of refunds that failed afterwards."""

# The limiter stands before the idempotency layer, and a lock that was not had leaves nothing behind.
_TOO_BUSY: Final = frozenset({"rate_limit", "lock_timeout"})

# Said of our keys and never of a customer's refund, so it must not end one.
_OUR_CONFIGURATION: Final = frozenset({"livemode_mismatch", "testmode_charges_only", "api_key_expired"})
_OTHER_MODE: Final = "a similar object exists in"  # … live mode, but a test mode key was used; or the other way round
_NO_SUCH_ADDRESS: Final = "Unrecognized request URL"

_SPOKEN: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.NOT_FOUND})


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn whatever a call of the SDK raises into one of the gateway's three errors."""
    try:
        yield
    except GatewayError:
        raise
    except StripeError as error:
        raise meaning(error) from error
    except Exception as error:
        # The SDK stumbles over answers of an unexpected shape, and by then the request has left.
        logger.exception("the Stripe SDK could not read an answer")
        message = f"Stripe's answer could not be read ({type(error).__name__})"
        raise OutcomeUnknown(message) from error


def refusal_of(code: str) -> Refusal:
    """Return why, from Stripe's error code or failure reason; OTHER for one that we don't know."""
    return REFUSALS.get(code, Refusal.OTHER)


def meaning(error: StripeError) -> GatewayError:
    """Return what an error of the SDK means, as the gateway's error to raise."""
    status, said = error.http_status, _said(error)
    if said is None:
        # Not Stripe's own error object: something between us answered, or half of an answer came through.
        return OutcomeUnknown(f"Stripe's answer makes no sense (HTTP {status})")
    code, kind, message = (str(said.get(field) or "") for field in ("code", "type", "message"))
    shown = presentable(message, most=_LONGEST_MESSAGE) or f"HTTP {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _TOO_BUSY:
        return TryLater(f"Stripe asks to come back later: {shown}")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or code in _OUR_CONFIGURATION:
        return _misconfigured(shown)
    if status not in _SPOKEN:
        # 409: another call with this key is under way, and may yet carry it out. 5xx: partly carried out calls may be
        # rolled back or forward by Stripe later, and the stored answer to this key stays the error for a day.
        again = " (its stored answer to this key)" if (error.headers or {}).get("idempotent-replayed") == "true" else ""
        return OutcomeUnknown(f"Stripe answered HTTP {status}{again}: {shown}")
    return _refused(said, code=code, kind=kind, message=message, shown=shown)


def _refused(said: dict[str, object], *, code: str, kind: str, message: str, shown: str) -> GatewayError:
    """Read an answer 400, 402 or 404, which says that nothing was carried out."""
    if kind == "idempotency_error":
        logger.error("one idempotency key was used for two different requests: %s", shown)
        return Refused(shown, refusal=Refusal.KEY_REUSED)
    if _OTHER_MODE in message or _NO_SUCH_ADDRESS in message:
        return _misconfigured(shown)
    if said.get("param") == "amount" and "greater than unrefunded amount" in message:
        return Refused(shown, refusal=Refusal.ALREADY_REFUNDED)  # Stripe gives no code for this one
    return Refused(shown, refusal=refusal_of(code))


def _misconfigured(shown: str) -> TryLater:
    """A wrong key, mode or address: for the operator to mend, after which the same call works."""
    logger.error("Stripe does not accept our configuration: check STRIPE_SECRET_KEY and STRIPE_API_BASE: %s", shown)
    return TryLater(f"Stripe does not accept this panel's configuration: {shown}")


def _said(error: StripeError) -> dict[str, object] | None:
    body = error.json_body
    said = body.get("error") if isinstance(body, dict) else None
    return said if isinstance(said, dict) else None
