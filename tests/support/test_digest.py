"""The morning's letter to staff: what is late or soon will be, once a day and person."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from panel.accounts.models import User
from panel.notifications import rendering
from panel.notifications.models import Email
from panel.sandbox.payments import PaymentsSandbox
from panel.support import digest
from panel.support.models import Ticket
from refunds.desk import access
from refunds.models import RefundRequest
from tests.concurrency.racing import race
from tests.factories import AT, make_customer, make_staff, pay_in, withdraw
from tests.factories.desk import approve, ask_for_refund, make_agent, make_approver, order_in_review, started
from tests.support.asking import answer, ask

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WAITED = AT + 2 * DAY  # what was opened at AT is due by now


def told() -> dict[str, Email]:
    """Return the digests by the address that they go to."""
    return {email.to: email for email in Email.objects.filter(template="staff_digest")}


def lines(person: User) -> list[str]:
    return list(told()[person.email].context["lines"])


def grant(person: User, permission: str) -> User:
    app, codename = permission.split(".")
    person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=person.pk)


def test_tells_what_is_open_late_soon_due_and_to_be_confirmed() -> None:
    hiro = make_agent("hiro")
    late, waiting = order_in_review(), order_in_review()
    soon = ask_for_refund(started(remains=700), at=AT + 10 * HOUR)
    RefundRequest.objects.filter(pk=waiting.pk).update(recommended_by=hiro, recommended_at=AT, recommended_amount=1)
    assert (late.due_at, soon.due_at) == (WAITED, WAITED + 10 * HOUR)

    assert digest.put(at=WAITED) == User.objects.filter(is_staff=True, is_superuser=True).count() + 1

    email = told()[hiro.email]
    assert email.key == f"digest:2026-11-04:{hiro.pk}"
    assert lines(hiro) == [
        "3 refund requests wait for an answer: 2 overdue, 1 due within 12 hours.",
        "1 refund waits for a second person to confirm.",
    ]
    letter = rendering.letter(email)
    assert letter.subject == "Refund desk, Wednesday, November 4, 2026: 2 overdue, 1 due soon"
    page = f"http://127.0.0.1:8000/admin/refunds/refundrequest/{late.pk}/change/"
    assert f"- Refund request {late.pk} for order {late.order_id}, overdue by under a minute: {page}\n" in letter.text
    assert f"Refund request {soon.pk} for order {soon.order_id}, due in 10 h: " in letter.text
    assert f'href="{page}"' in letter.html


def test_nobody_is_told_when_nothing_waits() -> None:
    make_agent()
    answer(ask(make_customer()), make_staff())

    assert digest.put(at=WAITED) == 0
    assert told() == {}


def test_tells_the_staff_of_the_desk_by_themselves_or_by_a_group_and_nobody_else() -> None:
    order_in_review()
    User.objects.filter(is_superuser=True).update(is_active=False)
    own, boss = make_agent("own"), make_staff("boss")
    grouped, stranger, left = (make_agent(name) for name in ("grouped", "stranger", "left"))
    for person in (grouped, stranger):
        person.user_permissions.clear()
    agents = Group.objects.create(name="Desk")
    agents.permissions.add(Permission.objects.get(codename=access.MAY_WORK.split(".")[1]))
    grouped.groups.add(agents)
    User.objects.filter(pk=left.pk).update(is_active=False)
    customer = grant(make_customer("mallory"), access.MAY_WORK)

    assert digest.put(at=WAITED) == 3
    assert set(told()) == {own.email, boss.email, grouped.email}
    assert not told().keys() & {stranger.email, left.email, customer.email}


def test_tickets_and_withdrawals_are_told_to_those_who_may_see_them(payments: PaymentsSandbox) -> None:
    ben = make_customer("ben")
    pay_in(ben, payments, at=AT - 30 * DAY)
    withdraw(ben, "20", at=AT - 20 * DAY)
    ticket = ask(ben)
    Ticket.objects.filter(pk=ticket.pk).update(due_at=WAITED - HOUR)
    hiro, tilda, paula = make_agent("hiro"), make_agent("tilda"), make_agent("paula")
    grant(tilda, "support.change_ticket")
    grant(paula, "billing.view_withdrawal")

    digest.put(at=WAITED)

    assert hiro.email not in told()
    assert lines(tilda) == ["1 ticket waits for an answer: 1 overdue."]
    assert lines(paula) == ["1 withdrawal is overdue."]
    [urgent] = told()[tilda.email].context["urgent"]
    page = f"http://127.0.0.1:8000/admin/support/ticket/{ticket.pk}/change/"
    assert urgent == f"Ticket {ticket.pk}, overdue by 1 h: {page}"


def test_lists_the_ten_most_urgent_first_whatever_they_are() -> None:
    boss = make_staff()
    requests = [ask_for_refund(started(remains=700), at=AT + number * HOUR) for number in range(11)]
    ticket = ask(make_customer())
    Ticket.objects.filter(pk=ticket.pk).update(due_at=requests[0].due_at + timedelta(minutes=30))

    digest.put(at=AT + DAY)

    urgent = [str(line).split(",")[0].split(" for ")[0] for line in told()[boss.email].context["urgent"]]
    named = [f"Refund request {request.pk}" for request in requests]
    assert urgent == [named[0], f"Ticket {ticket.pk}", *named[1:9]]


def test_the_same_morning_is_told_once_and_the_next_one_again() -> None:
    order_in_review()
    hiro = make_agent()

    digest.put(at=WAITED)
    digest.put(at=WAITED + HOUR)
    assert len(told()) == Email.objects.filter(template="staff_digest").count()
    digest.put(at=WAITED + DAY)

    keys = list(Email.objects.filter(to=hiro.email).order_by("pk").values_list("key", flat=True))
    assert keys == [f"digest:2026-11-04:{hiro.pk}", f"digest:2026-11-05:{hiro.pk}"]


def test_the_day_is_the_panels(settings: Settings) -> None:
    order_in_review()
    hiro = make_agent()
    settings.TIME_ZONE = "Asia/Tokyo"

    digest.put(at=WAITED + 5 * HOUR)

    assert told()[hiro.email].key == f"digest:2026-11-05:{hiro.pk}"


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_write_one_letter_to_each() -> None:
    order_in_review()
    hiro, ida = make_agent("hiro"), make_approver("ida")

    race([partial(digest.put, at=WAITED)] * 4)

    for person in (hiro, ida):
        assert Email.objects.filter(to=person.email, template="staff_digest").count() == 1


def test_answered_requests_are_not_counted_and_cost_nothing() -> None:
    hiro, ida = make_agent("hiro"), make_approver("ida")

    def queries(at_day: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            digest.put(at=WAITED + at_day * DAY)
        return len(captured)

    order_in_review()
    before = queries(0)
    for _ in range(5):
        approve(order_in_review(), ida)

    assert queries(1) == before
    assert lines(hiro)[0].startswith("1 refund request waits")
