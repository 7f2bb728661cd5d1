"""Services and providers."""

import itertools
from decimal import Decimal
from typing import Any

from orders.models import Category, Provider, Service, ServiceType

_numbers = itertools.count(1)


def make_provider(
    *, api_url: str = "http://127.0.0.1:9/api/v2", api_key: str = "provider-key", **fields: Any
) -> Provider:
    """Return a provider; the default address answers nothing."""
    return Provider.objects.create(name=f"Provider {next(_numbers)}", api_url=api_url, api_key=api_key, **fields)


def make_category(name: str = "Promoted reach") -> Category:
    """Return the category of this name."""
    return Category.objects.get_or_create(name=name)[0]


def make_service(*, rate: str = "2.50", provider: Provider | None = None, **fields: Any) -> Service:
    """Return a Default service with quantities from 10 to 100,000; without a provider, staff carry it out."""
    fields.setdefault("category", make_category())
    if provider is not None:
        fields.setdefault("provider_service_id", "101")
    fields.setdefault("min_quantity", 10)
    fields.setdefault("max_quantity", 100_000)
    return Service.objects.create(
        name=f"Promoted reach {next(_numbers)}", rate=Decimal(rate), provider=provider, **fields
    )


def make_package(*, rate: str = "49.00", units: int = 1000, provider: Provider | None = None, **fields: Any) -> Service:
    """Return a Package service of `units` for `rate` in all."""
    return make_service(
        rate=rate, provider=provider, type=ServiceType.PACKAGE, min_quantity=units, max_quantity=units, **fields
    )
