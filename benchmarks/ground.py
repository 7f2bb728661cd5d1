"""What both benchmarks stand on: a migrated database with customers and services."""

import contextlib
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import django
from django.core.management import call_command

from panel import embedded

CUSTOMERS = 8
SERVICES = 20


@dataclass(frozen=True)
class People:
    """Freshly made customers with money, and the first of their consecutive numbers; a key each."""

    customer_ids: list[int]
    keys: list[str]
    service_ids: list[int]


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Run the database for the time of the benchmarks, migrated and with a policy in force."""
    with contextlib.ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            var = Path(os.environ["VAR_DIR"])
            var.mkdir(parents=True, exist_ok=True)
            stack.enter_context(embedded.running(var))
            os.environ["DATABASE_URL"] = embedded.database_url(var)
        django.setup()
        call_command("migrate", verbosity=0)
        call_command("publish_policy", first_start=True, stdout=io.StringIO())
        yield


def people() -> People:
    """Make customers with consecutive numbers, money and keys, and a shelf of services."""
    from django.utils import timezone  # noqa: PLC0415

    from billing import adjustments  # noqa: PLC0415 - Django is set up by now
    from orders.models import Category, Service  # noqa: PLC0415
    from panel.accounts import keys  # noqa: PLC0415
    from panel.accounts.models import User  # noqa: PLC0415

    mark = time.time_ns()
    staff = User.objects.create_user(f"staff-{mark}@bench.example.com", is_staff=True)
    customers = [User.objects.create_user(f"bench-{mark}-{n}@bench.example.com") for n in range(CUSTOMERS)]
    for customer in customers:
        adjustments.credit(
            customer=customer,
            amount=Decimal(10000),
            reason="bench",
            author=staff,
            key=f"{mark}:{customer.pk}",
            at=timezone.now(),
        )
    category, _ = Category.objects.get_or_create(name="Bench")
    services = [
        Service.objects.create(
            category=category, name=f"Reach {mark} {n}", rate=Decimal("0.90"), min_quantity=10, max_quantity=10**6
        )
        for n in range(SERVICES)
    ]
    return People(
        [customer.pk for customer in customers],
        [keys.create(user=customer)[1] for customer in customers],
        [service.pk for service in services],
    )
