"""A refund from the first word to the money, under each shipped policy: the steps that the policies promise, by pages.

Customers and staff use their pages over HTTP, e-mails are read as they are sent, and time goes by.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from billing.models import Account
from orders.models import Order, OrderStatus, Service
from panel import staff_groups
from panel.accounts.models import User
from panel.notifications import sending
from panel.sandbox.payments import PaymentsSandbox
from refunds.models import PolicyVersion, RefundRequest
from tests.admin.pages import action, confirm, detail, listing, said, signed_in, submit, text_of
from tests.factories import AT, make_customer, make_service, make_staff, pay_in, place_order, send_due
from tests.factories.orders import move
from tests.web import asking, pages

pytestmark = pytest.mark.django_db


class Clock:
    """The time of the journey."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller

    def passes(self, **length: float) -> datetime:
        self._traveller.shift(timedelta(**length))
        return timezone.now()


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(AT, tick=False) as traveller:
        yield Clock(traveller)


@pytest.fixture
def agent() -> User:
    return make_staff("ivy", group=staff_groups.AGENT)


@pytest.fixture
def approver() -> User:
    return make_staff("jonas", group=staff_groups.APPROVER)


def letters_to(customer: User) -> list[tuple[str, str]]:
    """Send what waits and return the new e-mails to the customer as (subject, text), oldest first."""
    mail.outbox.clear()
    sending.send_due(limit=100, at=timezone.now())
    return [(str(sent.subject), str(sent.body)) for sent in mail.outbox if sent.to == [customer.email]]


def seen_by(browser: Client, address: str) -> str:
    """Return what a page says, without its markup."""
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return " ".join(re.sub(r"<[^>]+>", " ", text_of(answer)).split())


def available(customer: User) -> Decimal | None:
    return Account.objects.get(customer=customer, kind="available").balance


def queue(staff: Client, **query: object) -> list[int]:
    """Return the numbers of the requests that the queue shows, in its order."""
    answer = staff.get(listing("refunds_refundrequest", **query))
    assert answer.status_code == 200
    return [request.pk for request in answer.context["cl"].result_list]


def running(customer: User, service: Service) -> Order:
    """Place an order of 10.00 that staff have started, with 400 of 1,000 units reported as undelivered."""
    order = place_order(customer, service, at=timezone.now())
    move(order, OrderStatus.IN_PROGRESS, remains=400, at=timezone.now())
    return order


def test_the_guarantee_in_the_four_steps_that_it_promises(clock: Clock, agent: User) -> None:
    ada = make_customer(funds="50")
    browser, desk = signed_in(ada), signed_in(agent)
    order = running(ada, make_service(rate="10"))
    letters_to(ada)

    # 1. Submission: the policy's answer is there before anything is sent.
    form = browser.get(f"/refunds/new/?order={order.pk}&cause=platform_delay")
    assert "4.00 USD" in text_of(form)
    assert "within 24 to 48 hours" in text_of(form)
    clock.passes(minutes=5)
    sent = asking.ask(browser, order, "platform_delay", files=asking.files(("proof.png", asking.png())))
    request = RefundRequest.objects.get(order=order)
    assert sent.status_code == 302
    assert (request.state, request.due_at - request.opened_at) == ("open", timedelta(hours=48))
    ((subject, text),) = letters_to(ada)
    assert "received" in subject.lower() or "request" in subject.lower()
    assert f"/refunds/{request.pk}/" in text
    assert "Nov 4" in seen_by(browser, f"/refunds/{request.pk}/") or "November 4" in seen_by(
        browser, f"/refunds/{request.pk}/"
    )

    # 2. Review, within the hours: an agent finds it by its due time, asks, and has an answer.
    clock.passes(hours=30)
    assert queue(desk) == [request.pk]
    assert queue(desk, show="due_soon") == []
    clock.passes(hours=8)
    assert queue(desk, show="due_soon") == [request.pk]
    said(desk, submit(desk, action("refunds_refundrequest", "claim", request.pk)))
    assert queue(desk, show="mine") == [request.pk]
    question = {"question": "May the rest run until Friday?"}
    said(desk, submit(desk, action("refunds_refundrequest", "ask_customer", request.pk), question))
    ((_, asked),) = letters_to(ada)
    assert "May the rest run until Friday?" in asked
    browser.post(f"/refunds/{request.pk}/message/", {"text": "No, the event is over."})
    assert "No, the event is over." in seen_by(desk, detail("refunds_refundrequest", request.pk))

    # 3. Approval: the order ends with what is undelivered, and it is on the balance at once.
    assert available(ada) == Decimal(40)
    approved = confirm(
        desk, action("refunds_refundrequest", "approve", request.pk), {"remains": "400", "note": "It came too late."}
    )
    assert "4.00 USD" in said(desk, approved)
    request.refresh_from_db()
    order.refresh_from_db()
    assert (request.state, request.amount, order.status, order.refunded) == ("approved", 4, "partial", 4)
    assert available(ada) == Decimal(44)
    assert queue(desk) == []

    # 4. Confirmation: amount, why, and the new balance by e-mail, and on the order's page.
    ((subject, text),) = letters_to(ada)
    assert "4.00 USD" in subject + text
    assert "44.00 USD" in text
    assert "It came too late." in text
    assert "It came too late." in seen_by(browser, f"/orders/{order.pk}/")


def test_the_guarantee_with_two_people_and_the_money_on_the_card(
    payments: PaymentsSandbox, clock: Clock, agent: User, approver: User
) -> None:
    ada = make_customer()
    pay_in(ada, payments, "50", at=AT)
    browser, desk, second = signed_in(ada), signed_in(agent), signed_in(approver)

    # Another amount than the policy proposes takes two people.
    other = place_order(ada, make_service(rate="10"), at=timezone.now())
    move(other, OrderStatus.COMPLETED, remains=0, at=timezone.now())
    clock.passes(days=2)
    asking.ask(browser, other, "dropped")
    claim = RefundRequest.objects.get(order=other)
    given = {"amount": "2.50", "note": "A quarter went away."}
    confirm(desk, action("refunds_refundrequest", "approve_other", claim.pk), given)
    assert available(ada) == Decimal(40)
    assert queue(second, show="to_confirm") == [claim.pk]
    assert desk.get(action("refunds_refundrequest", "confirm", claim.pk)).status_code in {302, 403}
    confirm(second, action("refunds_refundrequest", "confirm", claim.pk))
    claim.refresh_from_db()
    assert (claim.state, claim.amount, claim.closed_by) == ("approved", Decimal("2.50"), approver)
    assert available(ada) == Decimal("42.50")

    # And the balance goes home to the card, within the promised days.
    shown = browser.post("/balance/withdraw/quote/", {"amount": "42.50"})
    fields = {
        "amount": "42.50",
        "key": pages.hidden(browser.get("/balance/withdraw/"), "key"),
        "confirmed": pages.hidden(shown, "confirmed"),
    }
    assert browser.post("/balance/withdraw/", fields).status_code == 302
    send_due(clock.passes(hours=2))
    texts = [text for _, text in letters_to(ada)]
    assert any("42.50 USD" in text and "4242" in text for text in texts)
    assert available(ada) == Decimal(0)


@pytest.mark.usefixtures("credit_only_policy")
def test_credit_only_by_the_system_at_once_and_by_a_person_within_72_hours(clock: Clock, agent: User) -> None:
    ada = make_customer(funds="50")
    browser, desk = signed_in(ada), signed_in(agent)

    # What the system decides: the undelivered quantity at once, with an e-mail that says so.
    partial = running(ada, make_service(rate="10"))
    move(partial, OrderStatus.PARTIAL, remains=300, at=clock.passes(hours=1))
    ((subject, text),) = letters_to(ada)
    assert "3.00 USD" in subject + text
    assert available(ada) == Decimal(43)

    # What the policy does not list is refused at once, by its clause, and said before it is sent.
    done = place_order(ada, make_service(rate="10"), at=timezone.now())
    move(done, OrderStatus.COMPLETED, remains=0, at=timezone.now())
    form = browser.get(f"/refunds/new/?order={done.pk}&cause=dropped")
    assert "not refundable" in text_of(form).lower()
    asking.ask(browser, done, "dropped")
    refused = RefundRequest.objects.get(order=done)
    assert (refused.state, refused.closed_by, refused.amount) == ("declined", None, 0)
    ((_, text),) = letters_to(ada)
    assert f"/refunds/{refused.pk}/" in text
    assert available(ada) == Decimal(33)

    # What it leaves to a person: within 24 to 72 hours, as credit.
    waiting = place_order(ada, make_service(rate="10"), at=timezone.now())
    assert "24 to 72 hours" in text_of(browser.get(f"/refunds/new/?order={waiting.pk}&cause=not_started"))
    asking.ask(browser, waiting, "not_started")
    request = RefundRequest.objects.get(order=waiting)
    assert (request.state, request.due_at - request.opened_at) == ("open", timedelta(hours=72))
    clock.passes(hours=70)
    assert queue(desk, show="due_soon") == [request.pk]
    confirm(desk, action("refunds_refundrequest", "approve", request.pk), {"note": "The service is not available."})
    waiting.refresh_from_db()
    assert (waiting.status, waiting.refunded, available(ada)) == ("canceled", 10, Decimal(33))
    letters = letters_to(ada)
    assert any("10.00 USD" in text and "33.00 USD" in text for _, text in letters)

    # And it stays credit: nothing of it is paid out.
    page = seen_by(browser, "/balance/withdraw/")
    assert "not paid out" in page
    before = available(ada)
    browser.post("/balance/withdraw/", {"amount": "10.00", "key": str(uuid4())})
    assert available(ada) == before
    assert PolicyVersion.objects.get(pk=waiting.policy_version).slug == "panel-credit-only"
