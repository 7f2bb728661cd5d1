"""A refill before a refund: a policy that has a drop delivered again first, by pages and a provider over HTTP.

The policy is a shipped one with one clause more. The customer asks for money, is told that a refill comes first, gets
one that the provider rejects, and then has a person decide.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orders import tasks
from orders.fulfilment import client
from orders.models import Order, OrderStatus, Refill, RefillState, Service
from panel import staff_groups
from panel.accounts.models import User
from panel.celery import app
from panel.sandbox import provider
from panel.sandbox.provider import Sandbox
from refunds.models import RefundRequest, RequestState
from tests.admin.pages import action, confirm, detail, said, signed_in, text_of
from tests.factories import AT, make_customer, make_provider, make_service, make_staff, place_order
from tests.factories.desk import balance_of, publish_refill_first
from tests.web import asking, pages

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    cache.clear()  # no provider of an earlier test rests
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def run_tasks_here() -> Iterator[None]:
    before = app.conf.task_always_eager, app.conf.task_eager_propagates
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager, app.conf.task_eager_propagates = before


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with provider.serving(manual=True) as running:
        yield running
    client.close_pools()


@pytest.fixture
def service(sandbox: Sandbox) -> Service:
    """Promoted reach at 10.00 for 1,000 units; what goes away is delivered again."""
    network = make_provider(api_url=sandbox.url, api_key=sandbox.key)
    return make_service(rate="10", provider=network, allows_refill=True)


def sweep(clock: time_machine.Traveller) -> None:
    """Let an hour go by and run the scheduled tasks, as beat would."""
    clock.shift(HOUR)
    for task in (tasks.submit_due, tasks.sync_due, tasks.send_refills, tasks.poll_refills, tasks.resolve_unknown):
        task()


def delivered(ada: User, service: Service, sandbox: Sandbox, clock: time_machine.Traveller) -> Order:
    """Return an order of which the provider delivered 700 of 1,000, as it says."""
    order = place_order(ada, service, at=timezone.now())
    sweep(clock)
    order.refresh_from_db()
    sandbox.drive(order.provider_order_id, status="Partial", remains="300")
    sweep(clock)
    order.refresh_from_db()
    assert (order.status, order.refunded) == (OrderStatus.PARTIAL, Decimal(3))
    return order


def test_a_refill_comes_first_and_after_it_was_rejected_a_person_decides(
    sandbox: Sandbox, service: Service, clock: time_machine.Traveller
) -> None:
    publish_refill_first()
    ada = make_customer("ada", funds="100")
    browser = signed_in(ada)
    order = delivered(ada, service, sandbox, clock)

    # A part of it goes away. She asks for money, and reads before she sends anything that a refill comes first.
    form = asking.form_page(browser, order, "dropped")
    assert "No refund. Nothing more is refunded than the 3.00 USD before, because a refill comes first." in pages.text(
        form
    )
    assert "The rule: Results that dropped later are delivered again before they are refunded" in pages.text(form)
    assert f"/orders/{order.pk}/refill/" in pages.links(form)

    # Sent all the same, it is answered at once in the same words.
    asking.ask(browser, order, "dropped")
    first = RefundRequest.objects.get()
    assert (first.state, first.clause, first.closed_by) == (RequestState.DECLINED, "refill-first", None)

    # So she asks for the refill, which goes to the provider and begins.
    browser.post(f"/orders/{order.pk}/refill/")
    sweep(clock)
    [there] = sandbox.refills()
    assert str(there["order"]) == order.provider_order_id
    sandbox.drive_refill(str(there["refill"]), status="In progress")
    sweep(clock)
    assert "Refill started" in pages.text(browser.get(f"/orders/{order.pk}/"))
    assert "because a refill comes first" in pages.text(asking.quote(browser, order, "dropped"))

    # The provider gives up. Now the next clause decides: a person looks at it.
    sandbox.drive_refill(str(there["refill"]), status="Rejected")
    sweep(clock)
    assert Refill.objects.get().state == RefillState.REJECTED
    assert "Refill rejected" in pages.text(browser.get(f"/orders/{order.pk}/"))
    asking.ask(browser, order, "dropped")
    second = RefundRequest.objects.latest("pk")
    assert (second.state, second.clause) == (RequestState.OPEN, "special-cause")

    # Staff see the refill on the order's page, and pay a part back; it takes two of them.
    ivy, jonas = (make_staff(name, staff_groups.APPROVER) for name in ("ivy", "jonas"))
    desk = signed_in(ivy)
    assert detail("orders_refill", Refill.objects.get().pk) in text_of(desk.get(detail("orders_order", order.pk)))
    approved = confirm(
        desk,
        action("refunds_refundrequest", "approve_other", second.pk),
        {"amount": "2.00", "note": "A fifth dropped."},
    )
    assert approved.status_code == 302
    second_desk = signed_in(jonas)
    said(second_desk, confirm(second_desk, action("refunds_refundrequest", "confirm", second.pk)))

    second.refresh_from_db()
    assert (second.state, second.amount) == (RequestState.APPROVED, Decimal(2))
    assert balance_of(ada) == Decimal(95)


def test_under_a_policy_that_asks_nothing_of_refills_one_is_offered_and_nothing_else_changes(
    sandbox: Sandbox, service: Service, clock: time_machine.Traveller
) -> None:
    ada = make_customer("ada", funds="100")
    browser: Client = signed_in(ada)
    order = delivered(ada, service, sandbox, clock)

    form = asking.quote(browser, order, "dropped")
    asking.ask(browser, order, "dropped")

    assert f"/orders/{order.pk}/refill/" in pages.links(form)
    assert RefundRequest.objects.get().clause == "special-cause"
