"""Who gets in, and what nobody can change: not even a superuser with a hand-made request."""

import pytest
from django.contrib import admin
from django.core import checks
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import (
    Arrangement,
    Deposit,
    Discrepancy,
    GatewayEvent,
    Payout,
    Receipt,
    Transfer,
    Withdrawal,
)
from orders.models import AttentionItem, CancelRequest, Order, OrderEvent, Submission
from panel.accounts.models import ApiKey
from panel.notifications.models import Email
from panel.support.models import Ticket
from refunds.models import Decision, PolicyVersion, RefundRequest
from tests.admin.furniture import furnish_money, furnish_support
from tests.admin.pages import action, clerk, detail, listing, signed_in
from tests.factories import make_customer, make_service, make_staff, place_order

pytestmark = pytest.mark.django_db

MONEY = [Arrangement, Deposit, Discrepancy, GatewayEvent, Payout, Receipt, Transfer, Withdrawal]
READ_ONLY = [
    ApiKey,
    AttentionItem,
    CancelRequest,
    Decision,
    Email,
    Order,
    OrderEvent,
    PolicyVersion,
    RefundRequest,
    Submission,
    Ticket,
    *MONEY,
]


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_refuses_to_add_change_or_delete_rows_that_use_cases_write(model: type[Model]) -> None:
    place_order(make_customer(funds="50"), make_service())
    furnish_money(1)
    furnish_support(1)
    client = signed_in(make_staff())
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    pk = row.pk if row else 1

    assert client.get(reverse(f"admin:{name}_add")).status_code == 403
    assert client.post(reverse(f"admin:{name}_add"), {}).status_code == 403
    assert row or model not in MONEY
    if row:
        assert client.post(detail(name, pk), {"amount": "1", "status": "completed"}).status_code == 403
        assert client.post(reverse(f"admin:{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
        client.post(listing(name), {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
        assert model._default_manager.filter(pk=pk).exists()


def test_the_system_checks_of_the_pages_need_no_database() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert checks.run_checks(tags=["admin"]) == []

    assert not queries


def test_second_factors_and_addresses_of_other_packages_have_no_page() -> None:
    names = {model._meta.label for model in admin.site._registry}

    assert not names & {"mfa.Authenticator", "account.EmailAddress"}


def test_staff_sign_in_where_customers_do() -> None:
    answer = Client().get(reverse("admin:index"), follow=False)
    login = Client().get(answer["Location"])

    assert login.status_code == 302
    assert login["Location"].startswith(reverse("account_login"))
    assert "next=/admin/" in login["Location"].replace("%2F", "/")


def test_a_customer_is_turned_away() -> None:
    client = signed_in(make_customer())

    for address in (listing("orders_order"), listing("billing_transfer")):
        answer = client.get(address)
        assert answer.status_code == 302
        assert client.get(answer["Location"]).status_code == 403


def test_staff_without_permissions_see_nothing() -> None:
    client = signed_in(clerk())

    page = client.get(reverse("admin:index"))

    assert page.status_code == 200
    assert page.context["sidebar_navigation"] == []
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(listing(name)).status_code == 403, name


def test_the_sidebar_offers_only_what_may_be_opened() -> None:
    page = signed_in(clerk("orders.view_order", "refunds.change_decision")).get(reverse("admin:index"))

    titles = [item["title"] for group in page.context["sidebar_navigation"] for item in group["items"]]
    assert titles == ["Orders", "Refund decisions"]


def test_an_action_without_the_csrf_token_is_refused() -> None:
    order = place_order(make_customer(funds="50"), make_service())
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_staff())

    assert client.post(action("orders_order", "start", order.pk), {"_asked": "1"}).status_code == 403

    order.refresh_from_db()
    assert order.status == "pending"
