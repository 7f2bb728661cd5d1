"""What an order's page says about refunds: of a cancel, of a running order, and of claims about an ended one."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders import lifecycle
from orders.lifecycle import Progress
from orders.models import Cause, Order, OrderStatus
from panel.accounts.models import Standing, User
from tests.factories import AT, HOUR, make_service, move, place_order
from tests.factories.catalog import make_category
from tests.factories.desk import ask_for_refund, decline, make_agent, publish_variant, publish_widened
from tests.web import pages

pytestmark = pytest.mark.django_db


SOLD_OUT = """when.cause = ["cannot_complete", "not_started"]
when.initiator = ["provider", "staff", "system"]
then = { refund = "undelivered", approval = "automatic", cap = "10.00","""


@pytest.fixture(autouse=True)
def _an_hour_later(browser: Client) -> Iterator[None]:  # noqa: ARG001 - who is signed in before
    Session.objects.update(expire_date=AT + timedelta(days=365))
    with time_machine.travel(AT + HOUR, tick=False):
        yield


def running(ada: User, *, remains: int | None = 400, in_scope: bool = False) -> Order:
    category = make_category("Creator placements") if in_scope else make_category()
    order = place_order(ada, make_service(rate="10", category=category))
    move(order, OrderStatus.IN_PROGRESS)
    if remains is not None:
        lifecycle.note_progress([Progress(order.pk, remains, 5)])
    return order


def completed(ada: User, *, in_scope: bool = False) -> Order:
    order = running(ada, remains=None, in_scope=in_scope)
    move(order, OrderStatus.COMPLETED, remains=0, cause=Cause.DELIVERED)
    return order


def said(browser: Client, order: Order) -> str:
    return pages.text(browser.get(f"/orders/{order.pk}/"))


def test_a_running_order_says_what_would_come_back_if_it_ended_now(browser: Client, ada: User) -> None:
    text = said(browser, running(ada))

    assert (
        "If it ended now as last reported: 4.00 USD back to your balance, for 400 of 1,000 units not delivered."
        " The rule: The order ends before all of it is delivered: what was not delivered is refunded."
        " Nothing is decided while the order is open."
    ) in text


@pytest.mark.usefixtures("credit_only_policy")
def test_a_running_order_says_it_by_the_rule_of_its_own_policy(browser: Client, ada: User) -> None:
    text = said(browser, running(ada))

    assert "If it ended now as last reported: 4.00 USD back to your balance, for 400 of 1,000 units" in text
    assert "The rule: An order marked Partial: the system works out what the undelivered quantity cost" in text


def test_a_running_order_says_the_fee_of_its_scope(browser: Client, ada: User) -> None:
    publish_widened(creators=make_category("Creator placements"))

    text = said(browser, running(ada, in_scope=True))

    assert "3.80 USD back to your balance, for 400 of 1,000 units not delivered (less a fee of 5 %). The rule:" in text


def test_a_running_order_of_a_customer_in_doubt_says_that_a_person_looks(browser: Client, ada: User) -> None:
    order = running(ada)
    User.objects.filter(pk=ada.pk).update(standing=Standing.ABUSE_FLAGGED)

    assert "If it ended now as last reported: 4.00 USD after a review, for 400 of" in said(browser, order)


def test_a_running_order_that_is_all_but_ended_says_that_nothing_comes_back(browser: Client, ada: User) -> None:
    text = said(browser, running(ada, remains=0))

    assert "If it ended now as last reported: no refund . The rule: An order that was delivered in full" in text


def test_a_running_order_of_which_nothing_is_reported_promises_nothing(browser: Client, ada: User) -> None:
    text = said(browser, running(ada, remains=None))

    assert "No delivery has been reported yet. What comes back when the order ends follows from how much" in text
    assert "If it ended now" not in text


def test_neither_a_pending_nor_an_ended_order_says_what_would_be_if_it_ended(browser: Client, ada: User) -> None:
    for order in (place_order(ada, make_service()), completed(ada)):
        assert "ended now" not in said(browser, order)


def test_a_pending_order_says_that_all_of_it_comes_back(browser: Client, ada: User) -> None:
    text = said(browser, place_order(ada, make_service(rate="2.50")))

    assert "cancel the order while it is pending, and all of it is back at once." in text
    assert "If you cancel now, 2.50 USD comes back to your balance." in text


def test_a_pending_order_does_not_say_all_of_it_where_a_cap_limits_it(browser: Client, ada: User) -> None:
    newsletter = make_service(rate="20")
    publish_widened(
        creators=make_category("Creator placements"),
        newsletter=newsletter,
        change=(
            SOLD_OUT,
            SOLD_OUT.replace("]\nwhen", ', "change_of_mind"]\nwhen').replace('["provider"', '["customer", "provider"'),
        ),
    )
    order = place_order(ada, newsletter)

    text, asked = said(browser, order), pages.text(browser.get(f"/orders/{order.pk}/cancel/"))

    assert "cancel the order while it is pending." in text
    assert "If you cancel now, 10.00 USD (at most 10.00 USD) comes back to your balance." in text
    assert "Back to your balance 10.00 USD (at most 10.00 USD)" in asked
    assert "The rule: What can't be had of newsletter spots is refunded, at most 10.00 USD." in asked


def test_a_cancel_that_a_person_looks_at_says_so(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(rate="2.50"))
    User.objects.filter(pk=ada.pk).update(standing=Standing.ABUSE_FLAGGED)

    text = said(browser, order)

    assert "cancel the order while it is pending." in text
    assert "If you cancel now, a refund of 2.50 USD waits for a review." in text


def test_the_page_that_asks_before_a_cancel_names_the_rule(browser: Client, ada: User) -> None:
    order = place_order(ada, make_service(rate="2.50"))

    asked = pages.text(browser.get(f"/orders/{order.pk}/cancel/"))

    assert "Back to your balance 2.50 USD The rule: You cancel before anything is delivered: all of it is" in asked


def test_an_ended_order_says_what_can_still_be_reported(browser: Client, ada: User) -> None:
    order = completed(ada)

    page = browser.get(f"/orders/{order.pk}/")

    text, links = pages.text(page), pages.links(page)
    assert "By its policy you can still report: Less was delivered than ordered" in text
    assert "A person looks at it; by our records nothing is left to refund." in text
    assert "An error of the panel placed the order wrongly A person looks at it; up to 10.00 USD." in text
    assert f"/refunds/new/?order={order.pk}&cause=dropped" in links
    assert f"/refunds/new/?order={order.pk}" in links


@pytest.mark.usefixtures("credit_only_policy")
def test_an_ended_order_says_that_nothing_more_can_be_claimed(browser: Client, ada: User) -> None:
    order = completed(ada)

    page = browser.get(f"/orders/{order.pk}/")

    assert "By the policy of this order nothing more can be claimed." in pages.text(page)
    assert not [link for link in pages.links(page) if link.startswith("/refunds/new/")]


@pytest.mark.usefixtures("credit_only_policy")
def test_a_partial_order_can_be_reported_under_credit_only(browser: Client, ada: User) -> None:
    order = running(ada)
    move(order, OrderStatus.PARTIAL, remains=400, cause=Cause.CANNOT_COMPLETE)

    text = said(browser, order)

    assert "4.00 USD was credited to your balance for 400 of 1,000 units that were not delivered" in text
    assert "Less was delivered than ordered My page or account could not be reached The service was disc" in text
    assert "A person looks at it; by our records nothing is left to refund." in text
    assert "What was delivered went away later" not in text


def test_a_claim_window_is_shown_in_the_readers_zone(browser: Client, ada: User) -> None:
    publish_widened(creators=make_category("Creator placements"))
    order = completed(ada, in_scope=True)

    text = said(browser, order)

    assert "What was delivered went away later Until Thursday, November 5, 12:00 UTC" in text
    assert "A person looks at it; up to 4.50 USD." in text
    User.objects.filter(pk=ada.pk).update(time_zone="America/New_York")
    assert "What was delivered went away later Until Thursday, November 5, 07:00 EST" in said(browser, order)


def test_a_claim_window_that_has_closed_is_not_offered(browser: Client, ada: User) -> None:
    publish_widened(creators=make_category("Creator placements"))
    order = completed(ada, in_scope=True)

    with time_machine.travel(AT + 72 * HOUR, tick=False):
        at_the_end = said(browser, order)
    with time_machine.travel(AT + 72 * HOUR + timedelta(seconds=1), tick=False):
        after_it = said(browser, order)

    assert "What was delivered went away later" in at_the_end
    assert "What was delivered went away later" not in after_it
    assert "Less was delivered than ordered" in after_it


def test_a_claim_that_later_has_other_terms_says_so(browser: Client, ada: User) -> None:
    publish_widened(
        creators=make_category("Creator placements"),
        change=(
            'then = { refund = "none", approval = "automatic" }\ntext = "What goes away of {scope} later',
            'then = { refund = "undelivered", approval = "review" }\ntext = "What goes away of {scope} later',
        ),
    )

    text = said(browser, completed(ada, in_scope=True))

    assert "A person looks at it; up to 4.50 USD. After that the policy has other terms." in text


def test_a_claim_that_is_paid_at_once_says_so(browser: Client, ada: User) -> None:
    publish_widened(
        creators=make_category("Creator placements"),
        change=('approval = "review", cap = "50 %"', 'approval = "automatic", cap = "50 %"'),
    )

    assert "4.50 USD comes back at once." in said(browser, completed(ada, in_scope=True))


def test_a_claim_says_what_comes_of_it_once_asking_flags_the_customer(browser: Client, ada: User) -> None:
    review = 'then = { refund = "full", approval = "review" }'
    publish_variant(review, 'when.standing = ["clear"]\n' + review.replace("review", "automatic"))
    reach = make_service(rate="10")
    first, second, order = (place_order(ada, reach) for _ in range(3))  # one link, of which three claims are too many
    move(order, OrderStatus.COMPLETED, remains=0)
    before = said(browser, order)
    for asked in (first, second):
        move(asked, OrderStatus.COMPLETED, remains=0)
        ask_for_refund(asked, Cause.DROPPED, at=AT + HOUR)

    after = said(browser, order)
    form = pages.text(browser.get(f"/refunds/new/?order={order.pk}&cause=system_error"))

    assert ada.standing == Standing.CLEAR
    assert "10.00 USD comes back at once." in before
    assert "comes back at once" not in after
    assert "A person looks at it" in after
    assert "a person looks at it within" in form.lower()


def test_what_was_declined_is_not_offered_again(browser: Client, ada: User) -> None:
    order = completed(ada)
    decline(ask_for_refund(order, Cause.SYSTEM_ERROR, at=AT + HOUR), make_agent(), at=AT + HOUR)

    text = said(browser, order)

    assert "An error of the panel placed the order wrongly" not in text.split("Refund request")[-1]
    assert "Less was delivered than ordered" in text


def test_an_order_with_an_open_request_or_all_of_it_back_offers_no_claim(browser: Client, ada: User) -> None:
    asked, refunded = completed(ada), place_order(ada, make_service())
    ask_for_refund(asked, Cause.DROPPED, at=AT + HOUR)
    move(refunded, OrderStatus.CANCELED, remains=1000, cause=Cause.PROVIDER_CANCELED)

    assert "you can still report" not in said(browser, asked)
    assert "All that you paid for this order is refunded already." in said(browser, refunded)


def test_a_claim_link_opens_the_form_with_that_cause(browser: Client, ada: User) -> None:
    publish_widened(creators=make_category("Creator placements"))
    order = completed(ada, in_scope=True)

    form = pages.text(browser.get(f"/refunds/new/?order={order.pk}&cause=dropped"))

    assert "4.50 USD (at most 50 % of the charge, less a fee of 0.50 USD): a person looks at it within" in form
    assert Order.objects.get(pk=order.pk).refunded == Decimal(0)


@pytest.mark.parametrize("in_scope", [False, True])
def test_the_page_takes_the_same_statements_whatever_it_quotes(browser: Client, ada: User, *, in_scope: bool) -> None:
    if in_scope:
        publish_widened(creators=make_category("Creator placements"))
    pending = place_order(ada, make_service(category=make_category("Creator placements")))
    orders = [pending, running(ada, in_scope=in_scope), completed(ada, in_scope=in_scope)]
    said(browser, pending)  # policy versions are read once a process
    counts = []

    for order in orders:
        with CaptureQueriesContext(connection) as statements:
            said(browser, order)
        counts.append(len(statements))

    # Session and customer, the order, its events, decisions, wishes to cancel, refund requests; of one that has ended
    # what its customer's requests add up to.
    assert counts == [7, 7, 8]
