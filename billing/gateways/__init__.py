"""Gateways: whoever holds the customers' payments. Nothing outside of this package knows which one it is."""

from collections.abc import Callable, Mapping
from typing import Final

from billing.gateways import manual, stripe
from billing.gateways.base import Gateway
from billing.models import GatewaySlug

_GATEWAYS: Final[Mapping[GatewaySlug, Callable[[], Gateway]]] = {
    GatewaySlug.STRIPE: stripe.gateway,
    GatewaySlug.MANUAL: manual.gateway,
}


def get(slug: str) -> Gateway:
    """Return the gateway of this name. Raises ValueError for a name that there is none of."""
    return _GATEWAYS[GatewaySlug(slug)]()


def configured() -> list[Gateway]:
    """Return the gateways that this panel has keys for; the one by hand needs none."""
    return [
        get(slug) for slug, ready in ((GatewaySlug.STRIPE, stripe.configured()), (GatewaySlug.MANUAL, True)) if ready
    ]


def online() -> Gateway | None:
    """Return the gateway at which customers pay in by themselves; None when there is none yet."""
    return next((gateway for gateway in configured() if gateway.describe().opens_online), None)
