"""How panels let somebody who isn't signed in move money.

It was found in public panels by reading code and bug reports. The number is that of the list.
"""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from billing.models import Account, Transfer
from orders import handling
from orders.models import Cause, Order
from tests.factories import AT, make_provider, make_staff, place_order
from tests.factories.reports import running

pytestmark = pytest.mark.django_db


def addresses() -> list[str]:
    """Every address of the panel, its numbers filled in."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> list[str]:
        found = []
        for pattern in patterns:
            route = before + str(pattern.pattern).lstrip("^")
            if isinstance(pattern, URLResolver):
                found += walk(pattern.url_patterns, route)
            else:
                found.append(route)
        return found

    plain = (route for route in walk(get_resolver().url_patterns, "/") if "(" not in route and "<path" not in route)
    return sorted({route.rstrip("$").replace("\\Z", "") for route in plain})


def test_20_no_address_moves_money_for_who_is_not_signed_in() -> None:
    order = running(provider=make_provider())
    handling.cancel(order_id=order.pk, cause=Cause.INVALID_TARGET, staff=make_staff(), at=AT, remains=400)
    pending = place_order(order.customer, order.service)
    before = money()
    stranger = Client(raise_request_exception=False)

    tried = 0
    for address in addresses():
        for number in (pending.pk, order.pk):
            concrete = address
            while "<" in concrete:
                concrete = concrete[: concrete.index("<")] + str(number) + concrete[concrete.index(">") + 1 :]
            for answer in (stranger.get(concrete), stranger.post(concrete, {"action": "cancel", "order": number})):
                assert answer.status_code < 500, concrete
                tried += 1

    assert tried > 40
    assert money() == before


def money() -> object:
    return (
        list(Transfer.objects.order_by("pk").values_list("pk", flat=True)),
        list(Order.objects.order_by("pk").values_list("pk", "status", "refunded", "submit_due_at", "sync_due_at")),
        list(Account.objects.order_by("pk").values_list("pk", "balance")),
    )
