"""Stripe as a gateway. Only this package imports the SDK, and only through `gateway()` is it used.

transport, answers, errors, calls, reports, gateway, each on the shoulders of those before it: one HTTP exchange, the
fields of an answer, what an error means, one call or every page of a list, what an object says, and what billing asks
for. `notices` reads webhooks.
"""

import os
from typing import Final

from django.conf import settings

from billing.gateways.stripe.gateway import Configuration, Stripe

__all__ = ["Configuration", "Stripe", "close_gateways", "configured", "gateway"]

# By process: after a fork, two on one connection would mix up their answers. A child leaves its parent's alone.
_gateways: Final[dict[tuple[int, Configuration], Stripe]] = {}


def configured() -> bool:
    """Whether this panel has a key for Stripe."""
    return bool(settings.STRIPE_SECRET_KEY)


def gateway() -> Stripe:
    """Return the gateway for the settings of now; the same one, with its open connections, while they stay the same."""
    configuration = Configuration(
        secret_key=settings.STRIPE_SECRET_KEY,
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
        api_base=settings.STRIPE_API_BASE,
        timeout=settings.GATEWAY_TIMEOUT,
        panel=settings.SITE_URL,
        currency=settings.PANEL_CURRENCY,
        minimum=settings.DEPOSIT_MINIMUM,
        maximum=settings.DEPOSIT_MAXIMUM,
        refund_window=settings.STRIPE_REFUND_WINDOW,
    )
    key = (os.getpid(), configuration)
    return _gateways.get(key) or _gateways.setdefault(key, Stripe(configuration))


def close_gateways() -> None:
    """Close this process's open connections; later calls open new ones."""
    for key in [key for key in _gateways if key[0] == os.getpid()]:
        _gateways.pop(key).close()
