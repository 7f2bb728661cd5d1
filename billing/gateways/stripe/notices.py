"""Webhooks: is it from Stripe, is it recent, and which object is it about. Nothing else in it is believed."""

import logging
from typing import Final

from stripe import SignatureVerificationError, Webhook

from billing.gateways.base import BadNotice, Notice, OutcomeUnknown
from billing.gateways.stripe.answers import Answer

logger = logging.getLogger(__name__)

TOLERANCE: Final = 300  # seconds between signing and arrival; Stripe signs anew for each delivery
_LONGEST_TYPE: Final = 100


def read(body: bytes, signature: str, *, secret: str) -> Notice:
    """Verify a webhook and read its ids. Raises BadNotice for anything but a fresh event signed with `secret`."""
    if not secret:
        logger.error("a webhook came, and STRIPE_WEBHOOK_SECRET is unset, so it can't be verified")
        raise BadNotice("Webhooks can't be verified: no secret is configured.")
    try:
        payload = body.decode("utf-8")
        event = Answer("event", Webhook.construct_event(payload, signature, secret, TOLERANCE).to_dict())
        notice = Notice(
            event=event.text("id"),
            type=event.text("type"),
            object=event.part("data").part("object").text_or_empty("id"),  # a few things have none, as the balance
            created_at=event.instant("created"),
            payload=payload,
        )
    except SignatureVerificationError as error:
        raise BadNotice("The webhook is not signed by Stripe, or too old.") from error
    except (OutcomeUnknown, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # TypeError: a signature that is not ASCII, which the SDK passes on to a comparison that takes no other.
        message = f"The webhook can't be read ({type(error).__name__})."
        raise BadNotice(message) from error
    if len(notice.type) > _LONGEST_TYPE:
        raise BadNotice("The webhook can't be read (its type is too long).")
    return notice
