"""A third policy from start to end, as docs/policy-laboratory.md tells it: by the staff pages and the customers' own.

The document is the one in docs/examples. Nothing is done in code that its author would not do on a page.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders import canceling
from orders.models import Category, Cause, Order, OrderStatus, Service
from panel.accounts.models import User
from panel.notifications.models import Email
from refunds import tasks
from refunds.desk import opening
from refunds.models import Decision, PolicyBacktest, PolicyDraft, PolicyVersion
from tests.admin.pages import action, detail, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_staff, move, place_order
from tests.web import pages

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
FAIR_REACH = (ROOT / "docs" / "examples" / "fair-reach.toml").read_text(encoding="utf-8")
# The first try of docs/policy-laboratory.md: a fee for canceling, but only where nothing was delivered.
FIRST_TRY = FAIR_REACH.replace(
    'when.scope = ["creators"]\nthen = { refund = "undelivered"',
    'when.scope = ["creators"]\nwhen.delivery = ["none"]\nthen = { refund = "full"',
)
DRAFT = "refunds_policydraft"
START = AT + timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def services() -> dict[str, Service]:
    """A catalog with the numbers that the document names."""
    found = {}
    for number, category, name in ((9, 3, "creator"), (14, 5, "podcast"), (1, 1, "reach")):
        shelf, _ = Category.objects.get_or_create(pk=category, defaults={"name": f"Shelf {category}"})
        found[name] = Service.objects.create(
            pk=number,
            category=shelf,
            name=f"A {name} service",
            rate=Decimal(10),
            min_quantity=10,
            max_quantity=100_000,
            allows_refill=name == "reach",
        )
    Category.objects.get_or_create(pk=4, defaults={"name": "Shelf 4"})
    Service.objects.create(
        pk=15, category_id=5, name="Another", rate=Decimal(10), min_quantity=10, max_quantity=100, is_active=False
    )
    return found


def newest() -> PolicyDraft:
    return PolicyDraft.objects.latest("pk")


def write(client: Client, text: str) -> PolicyDraft:
    """Start a draft from the version in force, and paste the document."""
    submit(
        client,
        reverse("admin:refunds_policydraft_start"),
        {"base": f"version:{PolicyVersion.objects.get().pk}", "note": "Fair reach"},
    )
    submit(client, action(DRAFT, "write", newest().pk), {"text": text, "note": "Fair reach"})
    return newest()


def publish(client: Client, draft: PolicyDraft) -> PolicyVersion:
    given = {"effective_from": f"{START:%Y-%m-%d %H:%M}", "announce": "on"}
    preview = submit(client, action(DRAFT, "publish", draft.pk), given)
    client.post(action(DRAFT, "publish", draft.pk), {**given, "_asked": "1", "_seen": preview.context["preview"].token})
    return PolicyVersion.objects.get(draft=draft)


def history(ada: User, services: dict[str, Service]) -> None:
    """Orders under the guarantee: one canceled creator placement, one podcast cut short, one delivered."""
    canceled = place_order(ada, services["creator"])
    canceling.cancel(customer=ada, order_id=canceled.pk, at=AT)
    move(place_order(ada, services["podcast"]), OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)
    move(place_order(ada, services["reach"]), OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)


def test_a_policy_is_written_proved_tried_published_and_lived_by(
    services: dict[str, Service], clock: time_machine.Traveller
) -> None:
    ada, grace, hiro = make_customer("ada", funds="100"), make_staff("grace"), make_staff("hiro")
    writing, second = signed_in(grace), signed_in(hiro)
    history(ada, services)

    # The first try has a hole that the proof finds; the page shows an order for which it shows.
    draft = write(writing, FIRST_TRY)
    said = text_of(writing.get(detail(DRAFT, draft.pk)))
    assert "The proof does not pass" in said
    assert "999 of 1,000 units undelivered: not-delivered refunds 9.99. With 1,000 units undelivered" in said
    refused = text_of(submit(writing, action(DRAFT, "prove", draft.pk)))
    assert "The document does not pass its proof" in refused

    # The second one passes, with all of its examples.
    submit(writing, action(DRAFT, "write", draft.pk), {"text": FAIR_REACH, "note": "Fair reach"})
    draft = newest()
    assert "All 11 examples pass." in text_of(writing.get(detail(DRAFT, draft.pk)))
    submit(writing, action(DRAFT, "prove", draft.pk))

    # Tried on what there is: a tenth less for the creator placement, nothing for the podcast that had gone out.
    submit(writing, action(DRAFT, "backtest", draft.pk), {"since": "", "until": "2027-01-01"})
    tasks.carry_out_backtests()
    result = text_of(writing.get(detail("refunds_policybacktest", PolicyBacktest.objects.get().pk)))
    assert "3 ended orders as they stood" in result
    assert "canceled-by-customer → creator-canceled" in result
    assert "\u22121.00 USD" in result
    assert "partly-delivered → issue-sent" in result
    assert "\u22124.00 USD" in result

    # Published by a second person from tomorrow on, and announced.
    version = publish(second, draft)
    tasks.announce_policies()
    letter = Email.objects.get(customer=ada, template="policy_changes")
    assert letter.context["changes_url"].endswith(f"/refund-policy/{version.pk}/changes/")
    changes = pages.text(Client().get(f"/refund-policy/{version.pk}/changes/"))
    assert "Now Within 7 days of the end: refund to your balance, at most 30 % of the charge" in changes
    before = place_order(ada, services["creator"], at=AT)
    clock.move_to(START)

    # Orders carry the version of their moment, and are judged by it.
    after = place_order(ada, services["creator"], at=START)
    guarantee = PolicyVersion.objects.get(slug="money-back-guarantee")
    assert (before.policy_version, after.policy_version) == (guarantee.pk, version.pk)
    for order, refunded in ((before, "10"), (after, "9")):
        canceling.cancel(customer=ada, order_id=order.pk, at=START)
        order.refresh_from_db()
        assert order.refunded == Decimal(refunded)
    decision = Decision.objects.get(order=after)
    assert decision.sentence == (
        "9.00 USD was credited to your balance (less a fee of 10 %) because you canceled a creator placement."
    )

    # A drop: a refill first while there is one, a person within the week where there is none, nothing afterwards.
    reach = completed(ada, services["reach"])
    assert clause_of(ada, reach) == "refill-first"
    podcast = completed(ada, services["podcast"])
    assert clause_of(ada, podcast) == "dropped-in-time"
    clock.shift(timedelta(days=7))
    assert clause_of(ada, podcast) == "dropped-in-time"
    clock.shift(timedelta(seconds=1))
    assert clause_of(ada, podcast) == "delivered"
    assert "Fair reach" in pages.text(Client().get("/refund-policy/"))


def completed(ada: User, service: Service) -> Order:
    order = place_order(ada, service, at=START)
    move(order, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED, at=START)
    return order


def clause_of(ada: User, order: Order) -> str:
    """Which clause a customer reads who reports a drop now."""
    quote = opening.quote(customer=ada, order_id=order.pk, cause=Cause.DROPPED, at=timezone.now())
    return quote.proposal.verdict.clause_id
