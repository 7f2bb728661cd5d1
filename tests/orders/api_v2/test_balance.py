"""`balance`."""

from django.test import Client

from orders.models import Service
from panel.accounts.models import User
from tests.factories import make_customer
from tests.orders.api_v2.conftest import key_of
from tests.orders.api_v2.panel_client import LINK, Api


def test_adds_promotional_money_to_what_is_available(client: Client, ada: User) -> None:
    del ada
    grace = make_customer("grace", funds="100.84", promo="0.00292")

    assert Api(client, key_of(grace))("balance") == {"balance": "100.84292", "currency": "USD"}


def test_is_zero_for_a_customer_who_never_paid_anything(client: Client, db: None) -> None:  # noqa: ARG001
    assert Api(client, key_of(make_customer("grace")))("balance") == {"balance": "0.00", "currency": "USD"}


def test_follows_what_is_spent(api: Api, reach: Service) -> None:
    api("add", service=reach.pk, link=LINK, quantity=51)

    assert api("balance") == {"balance": "49.9541", "currency": "USD"}
