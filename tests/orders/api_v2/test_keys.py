"""Who may call."""

import io
import logging

import pytest
from django.test import Client
from django.utils import timezone

from billing import bans
from orders.models import Service
from panel.accounts import suspension
from panel.accounts.models import ApiKey, User
from panel.sandbox.payments import PaymentsSandbox
from tests.factories import make_customer, make_staff, pay_in, place_order
from tests.orders.api_v2.conftest import key_of
from tests.orders.api_v2.panel_client import ADDRESS, LINK, UNKNOWN_ORDER, Api, Books, answer

INVALID = {"error": "Invalid API key"}
SUSPENDED = {"error": "Account suspended"}
ACTIONS = ["services", "add", "status", "cancel", "balance", "refill", "refill_status"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "wrong", ["", "undefined", "nobody's", "mg_" + "A" * 43, "k" * 201, "k" * 50_000, "\u0661\u0660", "a\x07b", "é😀"]
)
def test_refuses_an_unknown_key(client: Client, reach: Service, books: Books, action: str, wrong: str) -> None:
    with books.untouched():
        given = {"key": wrong, "action": action, "service": reach.pk, "link": LINK, "quantity": 50, "orders": "1"}
        assert answer(client.post(ADDRESS, given)) == INVALID


def test_refuses_a_revoked_key(api: Api, ada: User, reach: Service, books: Books) -> None:
    ApiKey.objects.filter(user=ada).update(revoked_at=timezone.now())

    with books.untouched():
        assert api("add", service=reach.pk, link=LINK, quantity=50) == INVALID
        assert api("balance") == INVALID


def test_refuses_the_key_of_an_account_that_is_switched_off(api: Api, ada: User) -> None:
    ada.is_active = False
    ada.save(update_fields=["is_active"])

    assert api("balance") == INVALID


@pytest.mark.parametrize("action", ACTIONS)
def test_refuses_a_suspended_account(api: Api, ada: User, reach: Service, books: Books, action: str) -> None:
    order = place_order(ada, reach)
    suspension.suspend(user=ada, reason="Dispute open.", at=timezone.now())

    with books.untouched():
        assert api(action, service=reach.pk, link=LINK, quantity=50, order=order.pk) == SUSPENDED


def test_money_from_a_blocked_method_orders_nothing(
    api: Api, ada: User, reach: Service, books: Books, payments: PaymentsSandbox
) -> None:
    banned = make_customer("ben")
    pay_in(banned, payments)
    bans.ban(customer_id=banned.pk, reason="Fraud.", staff=make_staff(), at=timezone.now())

    pay_in(ada, payments)

    with books.untouched():
        assert api("add", service=reach.pk, link=LINK, quantity=50) == SUSPENDED


def test_keeps_to_the_orders_of_the_key_s_owner(client: Client, ada: User, reach: Service, books: Books) -> None:
    order = place_order(ada, reach)
    grace = Api(client, key_of(make_customer("grace", funds="5")))

    with books.untouched():
        assert grace("status", order=order.pk) == UNKNOWN_ORDER
        assert grace("cancel", order=order.pk) == [{"order": order.pk, "cancel": UNKNOWN_ORDER}]
    assert grace("balance") == {"balance": "5.00", "currency": "USD"}


def test_notes_the_use_of_a_key(api: Api, ada: User) -> None:
    before = timezone.now()

    api("balance")

    used = ApiKey.objects.get(user=ada).last_used_at
    assert used is not None
    assert used >= before


@pytest.mark.parametrize("query", ["action=balance", "action=nonsense", "action=add&link=%FF", "action=status&order=x"])
def test_writes_no_log_line_with_the_key(client: Client, key: str, query: str) -> None:
    root = logging.getLogger()
    handler = logging.StreamHandler(io.StringIO())
    level, root.level = root.level, logging.DEBUG
    root.addHandler(handler)
    try:
        client.get(f"{ADDRESS}?key={key}&{query}")
        client.post(ADDRESS, f"key={key}&{query}", content_type="application/x-www-form-urlencoded")
        client.post(ADDRESS, f'{{"key": "{key}"', content_type="application/json")
    finally:
        root.removeHandler(handler)
        root.level = level

    written = handler.stream.getvalue()
    assert written.count("request") >= 3
    assert key not in written
